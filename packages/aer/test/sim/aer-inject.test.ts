import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isPciRecoveryError } from '@pci-recovery/core';
import fc from 'fast-check';
import { inject, parseAerInject } from '../../src/sim/index.js';
import { aer, AER, AT, bigMachine, codeOf, facts } from './machines.js';

/** What a text is refused with: line and token. */
function refusal(text: string): unknown {
  try {
    parseAerInject(text);
  } catch (error) {
    if (isPciRecoveryError(error) && error.code === 'ERR_PCI_BAD_AER_INJECT') return error.context;
    throw error;
  }
  return 'accepted';
}

describe('descriptions in the language of aer-inject (R3.10)', () => {
  it.each([
    ['AER PCI_ID 0000:01:00.0 UNCOR_STATUS MALF_TLP HEADER_LOG 0 1 2 3', AT.endpoint, 1 << 18, 0, [0, 1, 2, 3]],
    ['AER\nID 01:00.0\nUNCOR COMP_TIME\nHL 4 5 6 7', AT.endpoint, 1 << 14, 0, [4, 5, 6, 7]],
    ['aer pci_id 01:00.1 cor_status rcvr', AT.sibling, 0, 1, [0, 0, 0, 0]],
    ['AER CORRECTABLE BAD_TLP BAD_DLLP UNCORRECTABLE DLP', undefined, 1 << 4, 0xc0, [0, 0, 0, 0]],
    ['AER COR 0x2 0100 5', undefined, 0, 0x2 | 64 | 5, [0, 0, 0, 0]],
    ['AER HL 010 0x9 0xa 0XB', undefined, 0, 0, [8, 9, 10, 11]],
    ['AER UNCOR 0x80000000 0xffffffff', undefined, 0xffff_ffff, 0, [0, 0, 0, 0]],
    ['AER DOMAIN 0 BUS 1 DEV 0 FN 1 COR RCVR', AT.sibling, 0, 1, [0, 0, 0, 0]],
    ['AER BUS 0x01 DEV 0x0 FN 0 COR RCVR', AT.endpoint, 0, 1, [0, 0, 0, 0]],
    ['AER UNCOR_STATUS TRAIN', undefined, 1, 0, [0, 0, 0, 0]],
    ['AER UNCOR_STATUS SURPDN INTN', undefined, (1 << 5) | (1 << 22), 0, [0, 0, 0, 0]],
    ['AER UNCOR_STATUS DLP UNCOR_STATUS FCP', undefined, 1 << 13, 0, [0, 0, 0, 0]],
    ['AER UNCOR_STATUS # nothing but a comment', undefined, 0, 0, [0, 0, 0, 0]],
    ['AER ID 10000:01:00.0', '10000:01:00.0', 0, 0, [0, 0, 0, 0]],
  ])('%j is read', (text, bdf, uncorrectable, correctable, header) => {
    const [record, ...others] = parseAerInject(text);
    expect(others).toEqual([]);
    expect(record).toEqual({ line: 1, ...(bdf ? { bdf } : {}), uncorrectable, correctable, header });
  });

  it('several of them, with comments and on any number of lines', () => {
    const text = '# first\r\nAER COR RCVR # here\n\n\nAER # second\n  UNCOR\n  DLP\nAER COR 1 AER COR 2\n#end';
    expect(
      parseAerInject(text).map(({ line, uncorrectable, correctable }) => [line, uncorrectable, correctable]),
    ).toEqual([
      [2, 0, 1],
      [5, 16, 0],
      [8, 0, 1],
      [8, 0, 2],
    ]);
  });

  it('none of them is no mistake', () => {
    expect(parseAerInject('')).toEqual([]);
    expect(parseAerInject('# nothing\n')).toEqual([]);
  });

  it.each([
    ['COR RCVR', 1, 'COR'],
    ['AER', 1, 'AER'],
    ['AER\n\nAER COR RCVR', 3, 'AER'],
    ['AER COR\nNONSENSE', 2, 'NONSENSE'],
    ['AER COR MALF_TLP', 1, 'MALF_TLP'],
    ['AER UNCOR\n\nRCVR', 3, 'RCVR'],
    ['AER COR TRAIN', 1, 'TRAIN'],
    ['AER HL 1 2 3', 1, '3'],
    ['AER HL 1 2\nCOR 4', 2, 'COR'],
    ['AER HL 1 2 3 4 5', 1, '5'],
    ['AER HL 08 1 2 3', 1, '08'],
    ['AER HL 0x100000000 1 2 3', 1, '0x100000000'],
    ['AER ID 01:00.9', 1, '01:00.9'],
    ['AER ID COR', 1, 'COR'],
    ['AER BUS 1 DEV 0', 1, '0'],
    ['AER BUS 1 FN 0', 1, 'FN'],
    ['AER DEV 0', 1, 'DEV'],
    ['AER\nBUS 256 DEV 0 FN 0', 2, 'BUS'],
    ['AER BUS 1 DEV 32 FN 0', 1, 'BUS'],
    ['AER BUS 1 DEV 0 FN 8', 1, 'BUS'],
    ['AER COR 12abc', 1, '1'],
    ['AER COR -1', 1, '-'],
    ['AER\nCOR ?', 2, '?'],
    ['AER constructor', 1, 'constructor'],
  ])('%j is refused, naming line %i and %j', (text, line, token) => {
    expect(refusal(text)).toEqual({ line, token });
  });

  it('any text is read or refused with a typed error', () => {
    const words = fc.constantFrom(
      'AER',
      'COR',
      'UNCOR',
      'HL',
      'ID',
      '01:00.0',
      '0x1',
      '7',
      'RCVR',
      'DLP',
      '\n',
      '#',
      ' ',
      'BUS',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words).map((all) => all.join(' ')),
    );
    fc.assert(
      fc.property(text, (one) => {
        const said = refusal(one);
        expect(said === 'accepted' || typeof (said as { line: number }).line === 'number').toBe(true);
      }),
    );
  });

  it('what is no text is refused', () => {
    expect(codeOf(() => parseAerInject(undefined as never))).toBe('ERR_PCI_BAD_AER_INJECT');
  });
});

describe('injecting descriptions', () => {
  it('is as if the function had detected the errors: one message of each class for each description', () => {
    const { hardware } = bigMachine();
    const text = 'AER ID 01:00.0 COR RCVR BAD_TLP UNCOR MALF_TLP COMP_TIME HL 9 8 7 6\nAER COR REP_ROLL';
    const injected = inject(hardware, parseAerInject(text), { defaultDevice: '0000:04:00.0' });
    expect(injected).toEqual([
      {
        line: 1,
        bdf: AT.endpoint,
        messages: [
          { bdf: AT.endpoint, message: 'ERR_COR', received: true },
          { bdf: AT.endpoint, message: 'ERR_FATAL', received: true },
        ],
      },
      { line: 2, bdf: AT.leaf1, messages: [{ bdf: AT.leaf1, message: 'ERR_COR', received: true }] },
    ]);
    expect(aer(hardware, AT.endpoint, AER.HEADER_LOG)).toBe(9);
    expect(aer(hardware, AT.root, AER.ROOT_STATUS)).toBe(0x55);
    expect(aer(hardware, AT.switchRoot, AER.ROOT_STATUS)).toBe(1);
  });

  it('sends nothing for masked errors, and nothing for nothing', () => {
    const { hardware } = bigMachine();
    const injected = inject(hardware, parseAerInject('AER COR ADV_NFAT AER COR 0'), { defaultDevice: '01:00.0' });
    expect(injected.map(({ messages }) => messages)).toEqual([[], []]);
    expect(aer(hardware, AT.endpoint, AER.COR_STATUS)).toBe(1 << 13);
  });

  it.each([
    ['without a device', 'AER ID 01:00.0 COR RCVR AER COR RCVR', 'ERR_PCI_SIM_NO_TARGET'],
    ['into a function that is not there', 'AER ID 01:00.0 COR RCVR AER ID 7f:00.0 COR RCVR', 'ERR_PCI_SIM_NO_FUNCTION'],
  ])('%s is refused before anything is injected', (_, text, code) => {
    const { hardware } = bigMachine();
    expect(codeOf(() => inject(hardware, parseAerInject(text)))).toBe(code);
    expect(facts(hardware, 'error_detected')).toEqual([]);
  });
});

const SAMPLES = join(dirname(fileURLToPath(import.meta.url)), '../../../../../shared/data/aer-inject');
const present = existsSync(SAMPLES);
const sample = (name: string): string => readFileSync(join(SAMPLES, name), 'utf8');

describe(
  present ? "the tool's own examples" : "the tool's own examples (SKIPPED: ../shared/data/aer-inject is not there)",
  () => {
    const check = present ? it : it.skip;

    check('fatal', () => {
      const { hardware } = bigMachine();
      const [one] = inject(hardware, parseAerInject(sample('fatal')), { defaultDevice: AT.endpoint });
      expect(one?.messages.map(({ message }) => message)).toEqual(['ERR_FATAL']);
      expect([0, 4, 8, 12].map((at) => aer(hardware, AT.endpoint, AER.HEADER_LOG + at))).toEqual([0, 1, 2, 3]);
    });

    check('correctable', () => {
      const { hardware } = bigMachine();
      inject(hardware, parseAerInject(sample('correctable')), { defaultDevice: AT.endpoint });
      expect(aer(hardware, AT.endpoint, AER.COR_STATUS)).toBe(1 << 6);
    });

    check('syntax-variations', () => {
      const read = parseAerInject(sample('syntax-variations')).map(({ correctable, header }) => [
        correctable,
        ...header,
      ]);
      expect(read).toEqual([
        [1, 0, 1, 2, 3],
        [1 << 6, 4, 5, 6, 7],
        [(1 << 7) | (1 << 8), 8, 9, 10, 11],
        [1 << 12, 0, 0, 0, 0],
        [2, 0, 1, 2, 3],
      ]);
    });
  },
);
