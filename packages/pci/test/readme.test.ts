import { readFileSync } from 'node:fs';
import { formatLspciDump } from '../src/lspci/index.js';
import { parseBdf } from '@pci-recovery/core';
import { extendedHeader, madeSpace, pcieHeader } from './made-space.js';
import { brokenFunctions } from './readme-example.js';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

describe('the example of the README', () => {
  it('is the code that is tested here', () => {
    const [, code] = /```ts\n([\s\S]*?)```/.exec(read('../README.md'))!;
    expect(code).toBe(read('./readme-example.ts'));
  });

  it('says what failed, and warns of what is broken', () => {
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const bytes = madeSpace(4096, 0x40, [
      [0x40, pcieHeader(0)],
      [0x100, extendedHeader(1, 0x100)],
      [0x104, 0x4000],
      [0x118, 14],
      [0x11c, 0x0000_0001],
      [0x124, 0xfe00_1000],
    ]);
    const bdf = parseBdf('0000:01:00.0');
    expect(brokenFunctions(formatLspciDump([{ bdf, bytes }]), warn)).toEqual([
      '0000:01:00.0: Completion Timeout, memory_read at 0xfe001000',
    ]);
    expect(warnings).toEqual([
      '0000:01:00.0: extended_capability_loop at 256: The header at 0x100 leads back to 0x100.',
    ]);
  });
});
