// Makes the dumps of examples/config-dumps: `node tools/config-dumps/make.mjs [options] [name …]`.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchKernel, fetchPciutils, libraryPath, programFile } from './debian.mjs';
import { Guest } from './guest.mjs';
import { buildInitramfs } from './initramfs.mjs';
import { output } from './programs.mjs';
import { SCENARIOS } from './scenarios.mjs';

const USAGE = `usage: make.mjs [--out <directory>] [--kernel <file.deb>] [--timeout <seconds per dump>] [name …]
names: ${SCENARIOS.map(({ name }) => name).join(' ')}`;
const LSPCI = 'lspci -D -n -xxxx';
/** A boot of an emulated machine fails now and then for no fault of its own. */
const ATTEMPTS = 2;

/** Aborts when the user wants an end, so that no guest outlives this process. */
const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(name, () => interruption.abort(new Error(`Ended by ${name}.`)));
}

/** The settings that the command line asks for. Throws with the usage when it makes no sense. */
function settings() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string', default: join(import.meta.dirname, '..', '..', 'examples', 'config-dumps') },
      kernel: { type: 'string' },
      timeout: { type: 'string', default: '180' },
    },
  });
  const seconds = Number(values.timeout);
  const unknown = positionals.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (!(seconds > 0)) throw new Error(`--timeout takes a number of seconds, not "${values.timeout}".\n${USAGE}`);
  if (unknown.length > 0) throw new Error(`There is no dump named ${unknown.join(', ')}.\n${USAGE}`);
  const scenarios = SCENARIOS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  return { out: values.out, kernel: values.kernel, milliseconds: seconds * 1000, scenarios };
}

/** Fetches and builds what every guest needs. */
function prepare(directory, kernelFile) {
  console.error('config-dumps: fetching a kernel and pciutils …');
  const kernel = fetchKernel(directory, kernelFile);
  const pciutils = fetchPciutils(directory);
  const initramfs = join(directory, 'initramfs.gz');
  buildInitramfs(kernel, pciutils, join(directory, 'initramfs'), initramfs);
  return { image: kernel.image, initramfs, pciutils };
}

/** Boots the machine of a scenario, does its steps, and returns what lspci prints in it. */
async function dump({ devices, append, steps }, { image, initramfs }, directory, signal) {
  const guest = await Guest.boot({ image, initramfs, append, devices }, directory, signal);
  try {
    for (const step of steps) await (step.inject ? guest.inject(step.inject) : guest.run(step.guest));
    return `${(await guest.run(LSPCI)).join('\n')}\n`;
  } finally {
    await guest.close();
  }
}

/** As {@link dump}, in a limited time, and again when it fails. */
async function dumpPatiently(scenario, parts, directory, milliseconds) {
  for (let attempt = 1; ; attempt++) {
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(milliseconds), interruption.signal]);
      return await dump(scenario, parts, directory, signal);
    } catch (error) {
      if (attempt === ATTEMPTS || interruption.signal.aborted) throw error;
      console.error(`config-dumps: ${scenario.name}: ${error.message}; once more …`);
    }
  }
}

/** How many functions lspci reads back from a dump. */
function readBack(file, pciutils) {
  const text = output(programFile(pciutils, 'lspci'), ['-F', file, '-n'], { env: libraryPath(pciutils) });
  return text.split('\n').filter(Boolean).length;
}

/** Writes a dump, once lspci itself can read all of it. */
function save(name, text, { out, pciutils, directory }) {
  const draft = join(directory, `${name}.txt`);
  writeFileSync(draft, text);
  const functions = text.match(/^\S+:\S+\.\d /gm)?.length ?? 0;
  const read = readBack(draft, pciutils);
  if (functions === 0 || read !== functions) throw new Error(`${name}: lspci reads ${read} of ${functions} functions.`);
  writeFileSync(join(out, `${name}.txt`), readFileSync(draft));
  console.error(`config-dumps: ${name}: ${functions} functions, ${text.length} bytes`);
}

async function make({ out, kernel, milliseconds, scenarios }) {
  mkdirSync(out, { recursive: true });
  const directory = mkdtempSync(join(tmpdir(), 'config-dumps-'));
  try {
    const parts = prepare(directory, kernel);
    for (const scenario of scenarios) {
      const text = await dumpPatiently(scenario, parts, directory, milliseconds);
      save(scenario.name, text, { out, directory, pciutils: parts.pciutils });
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  await make(settings());
} catch (error) {
  console.error(`config-dumps: ${error.message}`);
  process.exitCode = 1;
}
