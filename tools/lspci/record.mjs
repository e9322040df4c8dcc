// `node tools/lspci/record.mjs FOLDER DUMP…` records what the pinned lspci prints of each dump as FOLDER/NAME.lspci, so
// that codecs can be held against it where it cannot be built.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CannotProvide } from './cannot-provide.mjs';
import { providePinnedLspci } from './build.mjs';
import { VERSION } from './pinned.mjs';

/** What `lspci -n -vvv -F dump` prints. */
function printed(lspci, dump) {
  const { status, stdout, stderr } = spawnSync(lspci, ['-n', '-vvv', '-F', dump], {
    encoding: 'latin1',
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new CannotProvide(`lspci failed on ${dump}: ${stderr.trim()}`);
  return stdout;
}

/** The first line of a record says what it is a record of. */
const titleOf = (dump) =>
  `# lspci ${VERSION} -n -vvv of SHA-256 ${createHash('sha256').update(readFileSync(dump)).digest('hex')}\n`;

const [folder, ...dumps] = process.argv.slice(2);
if (!folder || dumps.length === 0) {
  console.error('usage: node record.mjs FOLDER DUMP…');
  process.exitCode = 2;
} else {
  try {
    const lspci = providePinnedLspci();
    mkdirSync(folder, { recursive: true });
    for (const dump of dumps) {
      writeFileSync(join(folder, `${basename(dump)}.lspci`), titleOf(dump) + printed(lspci, dump), 'latin1');
    }
  } catch (error) {
    if (!(error instanceof CannotProvide)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
