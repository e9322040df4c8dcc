// `node run-tests.mjs <test.js …>`: runs tests written for jest without jest: describe, it, their `each`, and jest's own
// `expect`. Prints one JSON object: where it ran, what passed, and what failed.
import { endianness } from 'node:os';
import { expect } from 'expect';

const cases = [];
const titles = [];

function describe(title, body) {
  titles.push(title);
  body();
  titles.pop();
}

function it(title, work) {
  cases.push({ title: [...titles, title].join(' › '), work });
}

/** `each`: rows of arrays are spread; anything else is the one argument. */
const withEach = (register) =>
  Object.assign(register, {
    each: (rows) => (title, body) => {
      for (const row of rows) {
        const values = Array.isArray(row) ? row : [row];
        register(`${title} ${describeRow(row)}`, () => body(...values));
      }
    },
  });

const describeRow = (row) => {
  try {
    return JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)).slice(0, 80);
  } catch {
    return String(row);
  }
};

Object.assign(globalThis, { describe: withEach(describe), it: withEach(it), expect });
for (const file of process.argv.slice(2)) await import(file);

const failures = [];
for (const { title, work } of cases) {
  try {
    await work();
  } catch (error) {
    failures.push({ title, message: String(error?.message ?? error) });
  }
}
const where = { arch: process.arch, endianness: endianness(), node: process.version };
console.log(JSON.stringify({ ...where, passed: cases.length - failures.length, failures }));
