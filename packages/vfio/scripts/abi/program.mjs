// Writes the C program that measures the kernel's headers. Each question stands on a line of its own, so that an older
// header, which does not know all of it, costs only those lines.
import { readFileSync } from 'node:fs';
import { CONSTANTS, HEADERS, REQUESTS, STRUCTS } from './wanted.mjs';

const PRELUDE = `
#define ROW(...) do { printf("%s[", first++ ? ",\\n" : ""); printf(__VA_ARGS__); printf("]"); } while (0)
#define SIGNED(expression) (((__typeof__(expression))-1) < 0)
static int first;
static void hex(const void *memory, unsigned long length) {
  for (unsigned long i = 0; i < length; i++) printf("%02x", ((const unsigned char *)memory)[i]);
}
`;

const request = (name) => ({
  about: name,
  code: `ROW("\\"request\\",\\"${name}\\",%llu", (unsigned long long)(unsigned int)(${name}));`,
});

const constant = (name) => ({
  about: name,
  code: `ROW("\\"constant\\",\\"${name}\\",%llu", (unsigned long long)(unsigned int)(${name}));`,
});

function field(struct, name) {
  const array = name.endsWith('[]');
  const plain = array ? name.slice(0, -2) : name;
  const member = `((struct ${struct} *)0)->${plain}`;
  const layout = array
    ? `%llu,%llu,\\"array\\"", (unsigned long long)__builtin_offsetof(struct ${struct}, ${plain}), (unsigned long long)sizeof(${member}[0])`
    : `%llu,%llu,\\"%s\\"", (unsigned long long)__builtin_offsetof(struct ${struct}, ${plain}), (unsigned long long)sizeof(${member}), SIGNED(${member}) ? "signed" : "unsigned"`;
  return { about: `${struct}.${plain}`, code: `ROW("\\"field\\",\\"${struct}\\",\\"${plain}\\",${layout});` };
}

const struct = (name) => ({
  about: name,
  code: `ROW("\\"struct\\",\\"${name}\\",%llu", (unsigned long long)sizeof(struct ${name}));`,
});

/** The 64-bit value that stands in the field with this number in golden bytes, cut to the field's size. */
export const patternOf = (index) =>
  (0x8192_a3b4_c5d6_e7f8n + 0x0101_0101_0101_0101n * BigInt(index)) & 0xffff_ffff_ffff_ffffn;

/** Fills every field with its pattern and prints the structure's memory. */
const golden = (name, fields) => ({
  about: `golden ${name}`,
  code: [
    `{ struct ${name} s; __builtin_memset(&s, 0, sizeof(s));`,
    ...fields
      .filter((each) => !each.endsWith('[]'))
      .map((each, index) => `s.${each} = (__typeof__(s.${each}))0x${patternOf(index).toString(16)}ULL;`),
    `printf(",\\n[\\"golden\\",\\"${name}\\",\\""); hex(&s, sizeof(s)); printf("\\"]"); }`,
  ].join(' '),
});

/** Everything that is asked, in the order of the output. */
export const QUESTIONS = [
  ...REQUESTS.map(request),
  ...CONSTANTS.map(constant),
  ...Object.entries(STRUCTS).flatMap(([name, fields]) => [struct(name), ...fields.map((each) => field(name, each))]),
  ...Object.entries(STRUCTS).map(([name, fields]) => golden(name, fields)),
];

const messages = () => readFileSync(new URL('./messages.c', import.meta.url), 'utf8');

/**
 * The program without the questions in `absent`, and which line asks what.
 * @returns {{ source: string, asks: Map<number, string> }}
 */
export function programSource(absent = new Set(), { withMessages = true } = {}) {
  const lines = [
    '#include <stdio.h>',
    '#include <string.h>',
    ...HEADERS.flatMap((header) => [`#if __has_include(<${header}>)`, `#include <${header}>`, '#endif']),
    ...PRELUDE.split('\n'),
  ];
  if (withMessages) lines.push(...messages().split('\n'));
  lines.push('int main(void) {', 'printf("[");');
  const asks = new Map();
  for (const { about, code } of QUESTIONS) {
    if (absent.has(about)) continue;
    lines.push(code);
    asks.set(lines.length, about);
  }
  if (withMessages) lines.push('messages();');
  lines.push('printf("]\\n"); return 0; }', '');
  return { source: lines.join('\n'), asks };
}
