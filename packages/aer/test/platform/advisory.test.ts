import { parseBdf } from '@pci-recovery/core';
import { AER, UNCORRECTABLE_ERRORS } from '@pci-recovery/pci';
import fc from 'fast-check';
import { advisoryStatus } from '../../src/platform/anfe.js';
import { host, writeAer } from './host.js';

/** Bits of Uncorrectable Error Status, by hand from aer.c: AER_ANFE and AER_POSSIBLE_ANFE. */
const ALWAYS = [16, 24, 27];
const POSSIBLY = [12, 14, 15, 19, 20, 21, 25, 26, 30];
const NON_FATAL_DETECTED = 0x0002;
const EVERY_BIT = Array.from({ length: 32 }, (_, bit) => bit);
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

const law = (bit: number, sentNonFatal: boolean): boolean =>
  ALWAYS.includes(bit) || (POSSIBLY.includes(bit) && !sentNonFatal);

describe('advisory non-fatal errors (aer.c:aer_compute_anfe_status)', () => {
  describe.each([false, true])('with ERR_NONFATAL detected too: %s', (sent) => {
    // Other bits of Device Status do not count.
    const devsta = sent ? 0xffff : 0xffff & ~NON_FATAL_DETECTED;

    it.each(EVERY_BIT)('bit %i: by the table when unmasked and non-fatal, never otherwise', (bit) => {
      const status = (1 << bit) >>> 0;
      expect(advisoryStatus(devsta, status, 0, 0)).toBe(law(bit, sent) ? status : 0);
      expect(advisoryStatus(devsta, status, status, 0)).toBe(0);
      expect(advisoryStatus(devsta, status, 0, status)).toBe(0);
      expect(advisoryStatus(devsta, 0, 0, 0)).toBe(0);
    });
  });

  it('is decided bit by bit, whatever else is set', () => {
    fc.assert(
      fc.property(uint32, uint32, uint32, fc.boolean(), (status, mask, severity, sent) => {
        const each = EVERY_BIT.map((bit) =>
          advisoryStatus(sent ? NON_FATAL_DETECTED : 0, status & (1 << bit), mask, severity),
        );
        const all = each.reduce((sum, one) => sum + one, 0);
        expect(advisoryStatus(sent ? NON_FATAL_DETECTED : 0, status, mask, severity)).toBe(all);
      }),
    );
  });

  it('has a reason to exist: every bit of the tables is a known error', () => {
    const known = UNCORRECTABLE_ERRORS.map((error) => error.bit);
    expect(known).toEqual(expect.arrayContaining([...ALWAYS, ...POSSIBLY]));
  });
});

describe('an advisory error on hardware', () => {
  const root = parseBdf('00:06.0');
  const bdf = parseBdf('01:00.0');
  const header = [1, 2, 3, 4];

  it('is reported as correctable, with what is behind it and its header', () => {
    const { hardware, platform } = host({
      rootPorts: [{ kind: 'root_port', bdf: root, below: [{ kind: 'endpoint', bdf }] }],
    });
    writeAer(hardware, bdf, AER.COR_MASK, 0);
    hardware.detect(bdf, { error: 'UNSUP', advisory: true, header });
    const [event] = platform.interrupted(root);
    expect(event).toMatchObject({
      severity: 'correctable',
      record: { status: 1 << 13, advisory: 1 << 20, firstError: 20, headerLog: header },
    });
  });

  it('is none where only other correctable errors are: nothing uncorrectable is read', () => {
    const { hardware, platform } = host({
      rootPorts: [{ kind: 'root_port', bdf: root, below: [{ kind: 'endpoint', bdf }] }],
    });
    hardware.script({ fault: 'message_lost', bdf, times: 1 });
    hardware.detect(bdf, { error: 'UNSUP' });
    hardware.detect(bdf, { error: 'BAD_DLLP' });
    const [event] = platform.interrupted(root);
    expect(event!.record).toMatchObject({ severity: 'correctable', status: 1 << 7, advisory: 0 });
    expect(event!.record).not.toHaveProperty('headerLog');
  });
});
