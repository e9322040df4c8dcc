// `nx run vfio:abi-check`: compiles and runs the C program against the newest kernel headers for every architecture, and
// compares what it measured with the tables. Status 0: all alike. 1: something drifted. 2: something could not be run.
import { ARCHITECTURES, toolsFor } from './architectures.mjs';
import { CannotRun } from './cannot-run.mjs';
import { compare } from './compare.mjs';
import { cachedHeaders, newestHeaders, sourceOf } from './headers.mjs';
import { measure } from './measure.mjs';
import { tablesOf, tableSource } from './table-files.mjs';

function headers() {
  try {
    return { ...newestHeaders(), stale: false };
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    console.error(`NOT RUN: the newest headers cannot be had: ${error.message}.`);
    return { ...cachedHeaders(), stale: true };
  }
}

/** 'alike', 'drifted' or 'not run', and prints why. */
async function check(name, root) {
  try {
    const { absent, ...measured } = measure(name, { headers: root });
    const drifts = compare(await tablesOf(name), measured);
    for (const drift of drifts) console.error(`${name}: ${drift}`);
    const how = toolsFor(name).run[0] ?? 'natively';
    console.log(`${name}: ${drifts.length === 0 ? 'alike' : `${drifts.length} differences`} (run ${how})`);
    return drifts.length === 0 ? 'alike' : 'drifted';
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    console.error(`${name}: NOT RUN: ${error.message} (install ${toolsFor(name).packages.join(', ')})`);
    return 'not run';
  }
}

async function main() {
  const { root, version, stale } = headers();
  console.log(`Tables of ${await tableSource()} against ${sourceOf(version)}:`);
  const results = [];
  for (const name of Object.keys(ARCHITECTURES)) results.push(await check(name, root));
  if (results.includes('drifted')) return 1;
  return stale || results.includes('not run') ? 2 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof CannotRun)) throw error;
  console.error(`NOT RUN: ${error.message}.`);
  process.exitCode = 2;
}
