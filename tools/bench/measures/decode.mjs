// Decoding configuration space: from bytes, and from lspci's text beside lspci itself, on the same dump in the same run.
import { decodeFunction } from '@pci-recovery/pci';
import { parseLspciDump } from '@pci-recovery/pci/lspci';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { providePinnedLspci } from '../../lspci/build.mjs';
import { moreIsBetter, rates } from '../rounds.mjs';

const DUMPS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'examples', 'config-dumps');
const FUNCTIONS = 20_000;
/** How often the dump stands in the text that both decoders read. */
const COPIES = 200;

const dump = parseLspciDump(readFileSync(join(DUMPS, 'fatal-malformed-tlp.txt')));

/** Functions with all of AER, PCIe and MSI-X, 4 KiB each. */
const rich = dump.devices
  .map((device) => device.bytes)
  .filter((bytes) => {
    const { aer, pcie, msix } = decodeFunction(bytes);
    return bytes.length === 4096 && aer && pcie && msix;
  });

/** The registers that tell what happened. */
const registers = ({ pcie, aer, msix }) =>
  aer.registers.uncorrectableStatus +
  aer.registers.correctableStatus +
  pcie.registers.deviceStatus +
  msix.registers.control;

/** The same with every set bit named. */
const names = (fn) => registers(fn) + fn.aer.uncorrectable.length + fn.aer.correctable.length;

async function fromBytes(read, what) {
  let sink = 0;
  const work = () => {
    for (let n = 0; n < FUNCTIONS; n++) sink += read(decodeFunction(rich[n % rich.length]));
  };
  const found = moreIsBetter(await rates({ count: FUNCTIONS, work }));
  if (!(sink > 0)) throw new Error('Nothing was decoded.');
  return {
    name: `decode from bytes, ${what}`,
    unit: 'functions per second',
    target: { atLeast: 300_000 },
    conditions: { 'bytes each': 4096, capabilities: 'AER, PCIe, MSI-X' },
    ...found,
  };
}

/** The dump many times over, every copy on a domain of its own. */
function text() {
  const one = readFileSync(join(DUMPS, 'fatal-malformed-tlp.txt'), 'latin1');
  const copies = Array.from({ length: COPIES }, (_, n) =>
    one.replaceAll(/^0000:/gm, `${(n + 1).toString(16).padStart(4, '0')}:`),
  );
  return copies.join('\n');
}

async function fromText() {
  const input = text();
  const count = dump.devices.length * COPIES;
  const bytes = Buffer.from(input, 'latin1');
  const work = () => {
    for (const device of parseLspciDump(bytes).devices) {
      const { aer, pcie } = decodeFunction(device.bytes, { bdf: device.bdf });
      if (aer && pcie) aer.uncorrectable.length;
    }
  };
  const ours = moreIsBetter(await rates({ count, work, warmUps: 2, rounds: 5 }));
  return { ours, count, input };
}

async function besideLspci() {
  const { ours, count, input } = await fromText();
  const base = { name: 'decode from lspci text', unit: 'functions per second', ...ours };
  let lspci;
  try {
    lspci = providePinnedLspci();
  } catch (error) {
    return { ...base, conditions: { functions: count, lspci: `not run: ${error.message}` } };
  }
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const file = join(folder, 'dump.txt');
    writeFileSync(file, input);
    const run = () =>
      execFileSync(lspci, ['-vvv', '-n', '-F', file], { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 30 });
    const theirs = moreIsBetter(await rates({ count, work: run, warmUps: 1, rounds: 5 }));
    return {
      ...base,
      target: { ratioAtLeast: 3 },
      conditions: { functions: count, lspci: 'pciutils 3.13.0, -vvv -n -F, process start and output included' },
      lspci: theirs,
      // The slowest reading for us: our median beside lspci's best.
      ratio: ours.median / theirs.best,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const measure = async () => [
  await fromBytes(registers, 'registers'),
  await fromBytes(names, 'bits by name'),
  await besideLspci(),
];
