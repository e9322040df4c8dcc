import { VirtualClock } from '@pci-recovery/core/testing';
import { isPciRecoveryError, type Bdf, parseBdf } from '@pci-recovery/core';
import { CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS } from '@pci-recovery/pci';
import { simulate, type SimulatedHardware } from '../../src/sim/index.js';
import { aer, AER, AT, bigMachine, facts, pcie, setAer, setPcie } from './machines.js';

const DEVCTL = 0x08;
const DEVSTA = 0x0a;
const ADVISORY = 1 << 13;
const UNSUP = 20;

const both = [false, true] as const;

interface Case {
  readonly masked: boolean;
  readonly fatal: boolean;
  readonly advisory: boolean;
  readonly roleBased: boolean;
  readonly advisoryMasked: boolean;
  readonly cere: boolean;
  readonly uncorrectableEnabled: boolean;
  readonly urre: boolean;
  readonly serr: boolean;
}

function* cases(): Generator<Case> {
  for (const masked of both)
    for (const fatal of both)
      for (const advisory of both)
        for (const roleBased of both)
          for (const advisoryMasked of both)
            for (const cere of both)
              for (const uncorrectableEnabled of both)
                for (const urre of both)
                  for (const serr of both)
                    yield {
                      masked,
                      fatal,
                      advisory,
                      roleBased,
                      advisoryMasked,
                      cere,
                      uncorrectableEnabled,
                      urre,
                      serr,
                    };
}

interface Expected {
  readonly uncorStatus: boolean;
  readonly corStatus: number;
  readonly deviceStatus: number;
  readonly logged: boolean;
  readonly message: string | undefined;
}

/** The flowchart of PCIe r6.1 Figure 6-2 for one uncorrectable error, written as a table of its exits. */
function expected(bit: number, c: Case): Expected {
  const urd = bit === UNSUP ? 8 : 0;
  const counts = c.advisory && c.roleBased && !c.fatal;
  if (counts) {
    const status = { corStatus: ADVISORY, deviceStatus: 1 | urd };
    if (c.advisoryMasked) return { ...status, uncorStatus: false, logged: false, message: undefined };
    const told = c.cere && (bit !== UNSUP || c.urre);
    return { ...status, uncorStatus: true, logged: !c.masked, message: told ? 'ERR_COR' : undefined };
  }
  const status = { uncorStatus: true, corStatus: 0, deviceStatus: (c.fatal ? 4 : 2) | urd };
  if (c.masked) return { ...status, logged: false, message: undefined };
  const told = c.serr || (c.uncorrectableEnabled && (bit !== UNSUP || c.urre));
  return { ...status, logged: true, message: told ? (c.fatal ? 'ERR_FATAL' : 'ERR_NONFATAL') : undefined };
}

const endpoint = (roleBased: boolean): { hardware: SimulatedHardware; bdf: Bdf } => ({
  hardware: simulate({
    clock: new VirtualClock(),
    rootPorts: [{ kind: 'root_port', bdf: '00:01.0', below: [{ kind: 'endpoint', bdf: '01:00.0', roleBased }] }],
    log: { limit: 0 },
  }),
  bdf: parseBdf('01:00.0'),
});

function prepare(hardware: SimulatedHardware, bdf: Bdf, bit: number, c: Case): void {
  const mask = (1 << bit) >>> 0;
  setAer(hardware, bdf, AER.UNCOR_STATUS, 0xffff_ffff);
  setAer(hardware, bdf, AER.COR_STATUS, 0xffff_ffff);
  setPcie(hardware, bdf, DEVSTA, 0xf);
  setAer(hardware, bdf, AER.UNCOR_MASK, c.masked ? mask : 0);
  setAer(hardware, bdf, AER.UNCOR_SEVERITY, c.fatal ? mask : 0);
  setAer(hardware, bdf, AER.COR_MASK, c.advisoryMasked ? ADVISORY : 0);
  const enables = (c.cere ? 1 : 0) | (c.uncorrectableEnabled ? (c.fatal ? 4 : 2) : 0) | (c.urre ? 8 : 0);
  setPcie(hardware, bdf, DEVCTL, enables);
  hardware.writeConfig(bdf, 4, 2, c.serr ? 0x100 : 0);
}

describe('an uncorrectable error is logged and reported as PCIe §6.2.5 says', () => {
  const byRole = [endpoint(false), endpoint(true)];

  it.each(UNCORRECTABLE_ERRORS.map(({ bit, linux }) => [bit, linux] as const))(
    'bit %i (%s): every mask, severity, advisory case, role, and enable',
    (bit) => {
      let header = 0;
      for (const c of cases()) {
        const { hardware, bdf } = byRole[c.roleBased ? 1 : 0]!;
        prepare(hardware, bdf, bit, c);
        const log = [++header, header + 1, header + 2, 0xffff_ffff - header];
        const logBefore = aer(hardware, bdf, AER.HEADER_LOG);
        const sent = hardware.detect(bdf, { uncorrectable: bit, header: log, advisory: c.advisory });
        const want = expected(bit, c);
        const got = {
          uncorStatus: aer(hardware, bdf, AER.UNCOR_STATUS) === (1 << bit) >>> 0,
          corStatus: aer(hardware, bdf, AER.COR_STATUS),
          deviceStatus: pcie(hardware, bdf, DEVSTA),
          logged: (aer(hardware, bdf, AER.CAP_CONTROL) & 0x1f) === bit && aer(hardware, bdf, AER.HEADER_LOG) === header,
          message: sent[0]?.message,
        };
        if (!want.uncorStatus) expect(aer(hardware, bdf, AER.UNCOR_STATUS)).toBe(0);
        expect({ ...c, ...got }).toEqual({ ...c, ...want });
        expect(sent.length).toBe(want.message ? 1 : 0);
        expect(aer(hardware, bdf, AER.HEADER_LOG)).toBe(want.logged ? header : logBefore);
      }
    },
  );
});

describe('a correctable error (PCIe §6.2.5)', () => {
  it.each(CORRECTABLE_ERRORS.map(({ bit, linux }) => [bit, linux] as const))(
    'bit %i (%s): status always, message when neither masked nor disabled',
    (bit) => {
      for (const masked of both)
        for (const enabled of both) {
          const { hardware, bdf } = endpoint(true);
          setAer(hardware, bdf, AER.COR_MASK, masked ? 1 << bit : 0);
          setPcie(hardware, bdf, DEVCTL, enabled ? 1 : 0);
          const sent = hardware.detect(bdf, { correctable: bit });
          expect(aer(hardware, bdf, AER.COR_STATUS)).toBe(1 << bit);
          expect(aer(hardware, bdf, AER.UNCOR_STATUS)).toBe(0);
          expect(pcie(hardware, bdf, DEVSTA)).toBe(1);
          expect(sent.map(({ message }) => message)).toEqual(!masked && enabled ? ['ERR_COR'] : []);
        }
    },
  );
});

describe('errors that are found together', () => {
  it('are one message of the worst severity (PCIe §6.2.3.2.3), and the lowest is the first', () => {
    const { hardware } = bigMachine();
    const sent = hardware.detect(AT.endpoint, { uncorrectable: ['MALF_TLP', 'POISON_TLP'], correctable: 'BAD_TLP' });
    expect(sent.map(({ message }) => message)).toEqual(['ERR_COR', 'ERR_FATAL']);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe((1 << 18) | (1 << 12));
    expect(aer(hardware, AT.endpoint, AER.CAP_CONTROL) & 0x1f).toBe(12);
    expect(pcie(hardware, AT.endpoint, DEVSTA)).toBe(7);
  });

  it('are no advisory case when one of them is fatal', () => {
    const { hardware } = bigMachine();
    setAer(hardware, AT.endpoint, AER.COR_MASK, 0);
    const sent = hardware.detect(AT.endpoint, { uncorrectable: ['UNX_COMP', 'FCP'], advisory: true });
    expect(sent.map(({ message }) => message)).toEqual(['ERR_FATAL']);
    expect(aer(hardware, AT.endpoint, AER.COR_STATUS)).toBe(0);
  });

  it('are non-fatal when the fatal one is masked', () => {
    const { hardware } = bigMachine();
    setAer(hardware, AT.endpoint, AER.UNCOR_MASK, 1 << 18);
    const sent = hardware.detect(AT.endpoint, { uncorrectable: ['MALF_TLP', 'COMP_TIME'] });
    expect(sent.map(({ message }) => message)).toEqual(['ERR_NONFATAL']);
    expect(aer(hardware, AT.endpoint, AER.CAP_CONTROL) & 0x1f).toBe(14);
  });
});

describe('an error of a whole device (PCIe §6.2.4)', () => {
  it('is logged by every function and sent by one', () => {
    const { hardware } = bigMachine();
    const sent = hardware.detect(AT.endpoint, { error: 'DLP', wholeDevice: true });
    for (const bdf of [AT.endpoint, AT.sibling]) expect(aer(hardware, bdf, AER.UNCOR_STATUS)).toBe(1 << 4);
    expect(sent).toEqual([{ bdf: AT.endpoint, message: 'ERR_FATAL', received: true }]);
  });

  it('is sent by the function that may when the first one may not', () => {
    const { hardware } = bigMachine();
    setPcie(hardware, AT.endpoint, DEVCTL, 0);
    const sent = hardware.detect(AT.endpoint, { error: 'DLP', wholeDevice: true });
    expect(sent.map(({ bdf }) => bdf)).toEqual([AT.sibling]);
  });
});

describe('PCI-compatible status (PCIe §7.5.1.1.4)', () => {
  it.each([
    ['POISON_TLP', 0x8000],
    ['COMP_ABORT', 0x0800],
    ['MALF_TLP', 0],
  ])('%s sets %i', (error, bits) => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { error });
    expect(hardware.readConfig(AT.endpoint, 6, 2)).toBe(0x10 | bits);
  });

  it('Signaled System Error is set with SERR# Enable only', () => {
    const { hardware } = bigMachine();
    hardware.writeConfig(AT.endpoint, 4, 2, 0x100);
    hardware.detect(AT.endpoint, { error: 'MALF_TLP' });
    hardware.detect(AT.sibling, { error: 'MALF_TLP' });
    expect(hardware.readConfig(AT.endpoint, 6, 2)).toBe(0x4010);
    expect(hardware.readConfig(AT.sibling, 6, 2)).toBe(0x10);
  });
});

describe('a function without AER', () => {
  const without = (): SimulatedHardware =>
    simulate({
      clock: new VirtualClock(),
      rootPorts: [{ kind: 'root_port', bdf: '00:01.0', below: [{ kind: 'endpoint', bdf: '01:00.0', aer: false }] }],
    });
  it('sends by the default severities, and nothing for an advisory case (PCIe §6.2.4.3)', () => {
    const hardware = without();
    expect(hardware.detect('01:00.0', { error: 'MALF_TLP' })[0]?.message).toBe('ERR_FATAL');
    expect(hardware.detect('01:00.0', { error: 'COMP_TIME' })[0]?.message).toBe('ERR_NONFATAL');
    expect(hardware.detect('01:00.0', { error: 'BAD_TLP' })[0]?.message).toBe('ERR_COR');
    expect(hardware.detect('01:00.0', { error: 'UNX_COMP', advisory: true })).toEqual([]);
    expect(hardware.readConfig(parseBdf('01:00.0'), 0x100, 4)).toBe(0);
  });
});

describe('virtual functions', () => {
  it('are controlled by the masks, severities and enables of their physical function (PCIe §9.4.2)', () => {
    const { hardware } = bigMachine();
    expect(hardware.detect(AT.vf0, { error: 'COMP_TIME' })).toEqual([
      { bdf: AT.vf0, message: 'ERR_NONFATAL', received: true },
    ]);
    setAer(hardware, AT.vf1, AER.UNCOR_MASK, 0xffff_ffff);
    expect(aer(hardware, AT.vf1, AER.UNCOR_MASK)).toBe(0);
    setAer(hardware, AT.pf, AER.UNCOR_SEVERITY, 1 << 14);
    expect(hardware.detect(AT.vf1, { error: 'COMP_TIME' })[0]?.message).toBe('ERR_FATAL');
    setAer(hardware, AT.pf, AER.UNCOR_MASK, 1 << 14);
    expect(hardware.detect(AT.vf1, { error: 'COMP_TIME' })).toEqual([]);
    expect(aer(hardware, AT.pf, AER.UNCOR_STATUS)).toBe(0);
    expect(aer(hardware, AT.vfRoot, AER.ERROR_SOURCE) >>> 16).toBe(0x0680);
  });

  it('report no errors of the link', () => {
    const { hardware } = bigMachine();
    expect(() => hardware.detect(AT.vf0, { error: 'DLP' })).toThrow(/does not implement/);
  });
});

describe('what cannot be detected is refused with a typed error', () => {
  const code = (attempt: (hardware: SimulatedHardware) => unknown): string => {
    const { hardware } = bigMachine();
    hardware.clearLog();
    try {
      attempt(hardware);
    } catch (error) {
      expect(facts(hardware, 'error_detected')).toEqual([]);
      return isPciRecoveryError(error) ? error.code : 'not typed';
    }
    return 'accepted';
  };
  it.each<[string, string, (hardware: SimulatedHardware) => unknown]>([
    ['a reserved bit', 'ERR_PCI_SIM_CANNOT_DETECT', (h) => h.detect(AT.endpoint, { uncorrectable: 1 })],
    ['a reserved correctable bit', 'ERR_PCI_SIM_CANNOT_DETECT', (h) => h.detect(AT.endpoint, { correctable: 31 })],
    [
      'an error of a conventional function',
      'ERR_PCI_SIM_CANNOT_DETECT',
      (h) => h.detect(AT.conventional, { error: 'DLP' }),
    ],
    ['a name nobody knows', 'ERR_PCI_SIM_UNKNOWN_ERROR', (h) => h.detect(AT.endpoint, { error: 'OOPS' })],
    ['a bit that is none', 'ERR_PCI_SIM_UNKNOWN_ERROR', (h) => h.detect(AT.endpoint, { uncorrectable: 32 })],
    ['nothing', 'ERR_PCI_SIM_NO_ERROR', (h) => h.detect(AT.endpoint, {})],
    [
      'a header of five dwords',
      'ERR_PCI_SIM_BAD_LOG',
      (h) => h.detect(AT.endpoint, { error: 'DLP', header: [1, 2, 3, 4, 5] }),
    ],
    ['a header that is no number', 'ERR_PCI_SIM_BAD_LOG', (h) => h.detect(AT.endpoint, { error: 'DLP', header: [-1] })],
    ['somebody who is not there', 'ERR_PCI_SIM_NO_FUNCTION', (h) => h.detect(AT.absent, { error: 'DLP' })],
    ['an address that is none', 'ERR_PCI_BAD_BDF', (h) => h.detect('zz', { error: 'DLP' })],
  ])('%s: %s', (_, wanted, attempt) => {
    expect(code(attempt)).toBe(wanted);
  });
});
