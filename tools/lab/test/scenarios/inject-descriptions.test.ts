import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseBdf } from '@pci-recovery/core';
import { UNCORRECTABLE_ERRORS } from '@pci-recovery/pci';
import {
  descriptionsIn,
  injectionsOf,
  injectorBytes,
  MADE,
} from '../../src/scenarios/x86/kernel-inject-descriptions.js';

const bit = (linux: string): number => UNCORRECTABLE_ERRORS.find((one) => one.linux === linux)!.mask;

describe('descriptions for the injector', () => {
  it('have names by file and number', () => {
    const names = injectionsOf({ two: 'AER COR BAD_TLP AER UNCOR MALF_TLP', one: 'AER COR RCVR' }).map(
      ({ name }) => name,
    );
    expect(names).toEqual(['two-1', 'two-2', 'one-1']);
  });

  it('that the lab has made are of every severity, and one of two errors', () => {
    const uncorrectable = injectionsOf(MADE).map(({ name, injection }) => [name, injection.uncorrectable]);
    expect(uncorrectable).toEqual([
      ['correctable-1', 0],
      ['nonfatal-1', bit('COMP_TIME')],
      ['several-1', bit('COMP_TIME') | bit('UNX_COMP')],
      ['fatal-1', bit('MALF_TLP')],
    ]);
  });

  it('are read from a folder in the order of their names, when it is there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lab-descriptions-'));
    try {
      for (const name of ['b', 'a']) writeFileSync(join(folder, name), `AER COR BAD_TLP # ${name}`);
      expect(Object.keys(descriptionsIn(folder)!)).toEqual(['a', 'b']);
      expect(descriptionsIn(join(folder, 'missing'))).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the kernel's structure", () => {
  const [{ injection }] = injectionsOf({
    one: 'AER ID 0001:02:03.4 UNCOR 0x11223344 COR 0x55667788 HL 1 2 3 0x0a0b0c0d',
  }) as [ReturnType<typeof injectionsOf>[number]];
  const elsewhere = parseBdf('0000:01:00.0');

  it('has bus, device, function, statuses, header and domain, little-endian', () => {
    expect(Buffer.from(injectorBytes(injection, elsewhere)).toString('hex')).toBe(
      ['02030400', '44332211', '88776655', '01000000', '02000000', '03000000', '0d0c0b0a', '01000000'].join(''),
    );
  });

  it('has the target of an error without an address', () => {
    const { bdf: _, ...nowhere } = injection;
    expect([...injectorBytes(nowhere, elsewhere).subarray(0, 4)]).toEqual([1, 0, 0, 0]);
    expect([...injectorBytes(nowhere, elsewhere).subarray(28)]).toEqual([0, 0, 0, 0]);
  });
});
