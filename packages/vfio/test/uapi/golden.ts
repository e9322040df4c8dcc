import { readFileSync } from 'node:fs';
import { type ByteOrder, type StructName } from '../../src/uapi/index.js';

/** Bytes that a C program made on one architecture, in hexadecimal. */
export interface Golden {
  readonly source: string;
  readonly structs: Readonly<Record<StructName, string>>;
  readonly messages: Readonly<Record<string, string>>;
}

export const ARCHITECTURES = { x64: 'LE', arm64: 'LE', ppc64: 'LE', s390x: 'BE' } as const satisfies Record<
  string,
  ByteOrder
>;

export type Architecture = keyof typeof ARCHITECTURES;

export const goldenOf = (name: Architecture): Golden =>
  JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8')) as Golden;

export const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Every architecture with its byte order and its bytes. */
export const MACHINES = Object.entries(ARCHITECTURES).map(([name, order]) => ({
  name: name as Architecture,
  order,
  golden: goldenOf(name as Architecture),
}));
