// Compiles the C program for one architecture, runs it, and returns what it measured.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ARCHITECTURES, toolsFor } from './architectures.mjs';
import { CannotRun } from './cannot-run.mjs';
import { programSource } from './program.mjs';

const MINUTE = 60_000;

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: MINUTE, maxBuffer: 1 << 26 });
  if (result.error?.code === 'ENOENT') throw new CannotRun(`${command} is not installed`);
  if (result.error) throw new CannotRun(`${command}: ${result.error.message}`);
  return result;
}

/** `-isystem` for unpacked kernel headers; none for those of the machine. */
function includes(headers, triplet) {
  if (headers === undefined) return [];
  const include = join(headers, 'usr', 'include');
  if (!existsSync(join(include, triplet))) throw new CannotRun(`${include} has no headers for ${triplet}`);
  return ['-isystem', join(include, triplet), '-isystem', include];
}

/** The questions that this header cannot answer, found by the lines that the compiler refuses. */
function refused(stderr, file, asks) {
  const found = new Set();
  for (const [, line] of stderr.matchAll(new RegExp(`^${file}:(\\d+):\\d+: error:`, 'gm'))) {
    const about = asks.get(Number(line));
    if (about === undefined) return undefined;
    found.add(about);
  }
  return found.size > 0 ? found : undefined;
}

function compile(name, { headers, older }, folder) {
  const { compiler, packages } = toolsFor(name);
  const [file, program] = [join(folder, 'abi.c'), join(folder, 'abi')];
  const flags = [
    '-std=gnu11',
    '-O1',
    '-static',
    '-fmax-errors=0',
    '-w',
    ...includes(headers, ARCHITECTURES[name].triplet),
  ];
  let absent = new Set();
  for (let tries = 0; tries < 3; tries += 1) {
    const { source, asks } = programSource(absent, { withMessages: !older });
    writeFileSync(file, source);
    const { status, stderr } = run(compiler, [...flags, file, '-o', program]);
    if (status === 0) return { program, absent };
    const missing = refused(stderr, file, asks);
    if (missing === undefined || !older) throw compileError(compiler, stderr, packages);
    absent = new Set([...absent, ...missing]);
  }
  throw new Error(`${compiler} does not compile the program, whatever is left out of it.`);
}

function compileError(compiler, stderr, packages) {
  const first = stderr.split('\n').find((line) => line.includes('error')) ?? stderr.trim().split('\n').at(-1);
  if (/(stdio\.h|cannot find -lc|crt1\.o)/.test(stderr)) {
    return new CannotRun(`${compiler} has no C library to link with: install ${packages.join(', ')}`);
  }
  return new Error(`${compiler} refuses the program: ${first}`);
}

function tabulate(rows) {
  const measured = { requests: {}, constants: {}, structs: {}, golden: {}, messages: {} };
  const take = {
    request: ([name, value]) => (measured.requests[name] = value),
    constant: ([name, value]) => (measured.constants[name] = value),
    struct: ([name, size]) => (measured.structs[name] = { size, fields: {} }),
    field: ([name, field, offset, size, kind]) => (measured.structs[name].fields[field] = { offset, size, kind }),
    golden: ([name, bytes]) => (measured.golden[name] = bytes),
    message: ([name, bytes]) => (measured.messages[name] = bytes),
  };
  for (const [kind, ...row] of rows) take[kind](row);
  return measured;
}

/**
 * Measures the headers for one architecture.
 * @param name node's name of the architecture
 * @param options `headers`: where linux-libc-dev is unpacked (the machine's own otherwise); `older`: the header may lack some
 * @returns what was measured, and `absent`: what the header does not know
 * @throws CannotRun when a compiler, emulator or C library is missing
 */
export function measure(name, options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pci-recovery-abi-'));
  try {
    const { program, absent } = compile(name, options, folder);
    const [command, ...args] = [...toolsFor(name).run, program];
    const { status, stdout, stderr } = run(command, args);
    if (status !== 0) throw new Error(`The program for ${name} ended with ${status}: ${stderr.trim()}`);
    return { ...tabulate(JSON.parse(stdout)), absent: [...absent] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
