import fc from 'fast-check';
import {
  LONGEST_LINE,
  scanKernelLog,
  streamKernelLog,
  type KernelLogRecord,
  type LogFinding,
} from '../../src/kernel-log/index.js';

const LOG = `[    1.000000] pcieport 0000:00:1c.0: AER: Corrected error message received from 0000:00:1c.0
[    1.000001] pcieport 0000:00:1c.0: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)
[    1.000002] pcieport 0000:00:1c.0:   device [8086:a110] error status/mask=00000001/00002000
[    1.000003] EEH: Frozen PHB#0-PE#1 detected
[    1.000004] pcieport 0000:00:1c.0:    [ 0] RxErr                  (First)
[    1.000005] zpci: 0001:00:00.0: Initiating reset
[    1.000006] a line with ünicode
`;

async function collect(
  chunks: Iterable<string | Uint8Array>,
): Promise<{ records: KernelLogRecord[]; findings: LogFinding[] }> {
  const findings: LogFinding[] = [];
  const records: KernelLogRecord[] = [];
  for await (const record of streamKernelLog(chunks, (finding) => findings.push(finding))) records.push(record);
  return { records: records.sort((one, other) => one.line - other.line), findings };
}

const piece = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...LOG.split('\n'), '\n', 'AER: ', 'EEH: ', 'zpci: ', 'pcieport 0000:00:1c.0: ', '|'),
  },
  fc.string(),
);
const anyText = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(''));

describe('a log as a whole', () => {
  it('gives records of all platforms in the order of their first lines', () => {
    const { records, findings } = scanKernelLog(LOG);
    expect(records.map(({ platform, kind, line }) => [platform, kind, line])).toEqual([
      ['aer', 'error_message', 1],
      ['aer', 'error', 2],
      ['eeh', 'frozen', 4],
      ['zpci', 'reset', 6],
    ]);
    expect(findings).toEqual([]);
  });

  it('records are typed by platform and kind', () => {
    const told = scanKernelLog(LOG).records.map((record) => {
      if (record.platform === 'aer' && record.kind === 'error') return record.errors.map(({ linux }) => linux).join();
      if (record.platform === 'eeh' && record.kind === 'frozen') return record.pe + 1;
      return record.kind;
    });
    expect(told).toEqual(['error_message', 'RCVR', 2, 'reset']);
  });

  it('any text: never throws, at most one record per line, each with a line of its own', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { records } = scanKernelLog(text);
        const lines = records.map(({ line }) => line);
        expect(new Set(lines).size).toBe(lines.length);
        expect(lines.every((line) => line >= 1 && line <= text.split('\n').length)).toBe(true);
      }),
    );
  });

  it('any digits: every number that a record tells is one', () => {
    const forms = [
      'pcieport 0000:00:1c.0: AER: TLP Header: #',
      'pcieport 0000:00:1c.0: AER: aer_uncor_severity: 0x#',
      'pcieport 0000:00:1c.0: AER: device [#:#] error status/mask=#/#',
      'pcieport 0000:00:1c.0: AER: [ #] RxErr',
      'pcieport 0000:00:1c.0: AER: Corrected error received: id=#',
      'EEH: Frozen PHB##-PE## detected',
      'EEH: PCI-E #: # # # #',
      'PHB4 PHB## Diag-data (Version: #)',
      'PHB3 PHB## Diag-data (Version: #)',
      'zpci: n/a: Event 0x# reports an error for PCI function 0x#',
    ];
    const digits = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'0123456789abcdefxX- '), maxLength: 24 }),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 8, maxLength: 8 }),
      fc.nat(0xffff).map(String),
    );
    const line = fc
      .tuple(fc.constantFrom(...forms), fc.array(digits, { minLength: 4, maxLength: 4 }))
      .map(([form, values]) => values.reduce((text, value) => text.replace(/#(?!#)/, () => value), form));
    fc.assert(
      fc.property(line, (text) => {
        const check = (value: unknown): void => {
          if (typeof value === 'number') expect(Number.isSafeInteger(value)).toBe(true);
          else if (typeof value === 'object' && value !== null) Object.values(value).forEach(check);
        };
        scanKernelLog(text).records.forEach(check);
      }),
      { numRuns: 2000 },
    );
  });

  it('any bytes: never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void scanKernelLog(bytes)));
  });

  it('in pieces of any size, of text or UTF-8, gives the same', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, fc.integer({ min: 1, max: 50 }), fc.boolean(), async (text, size, utf8) => {
        const whole = utf8 ? new TextEncoder().encode(text) : text;
        const chunks: (string | Uint8Array)[] = [];
        for (let at = 0; at < whole.length; at += size) chunks.push(whole.slice(at, at + size));
        expect(await collect(chunks)).toEqual(scanKernelLog(whole));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a stream', () => {
  it('puts characters together that arrive byte by byte', async () => {
    const bytes = new TextEncoder().encode('EEH: größer – 頁\n');
    const { records } = await collect(Array.from(bytes, (byte) => Uint8Array.of(byte)));
    expect(records).toMatchObject([{ kind: 'other', text: 'größer – 頁' }]);
  });

  it('tells an error before the next record of its device, which ends it', async () => {
    const text = `pcieport 0000:00:1c.0: PCIe Bus Error: severity=Uncorrectable (Fatal)
pcieport 0000:00:1c.0: AER: device recovery failed
pcieport 0000:00:1c.0:   [14] CmpltTO
`;
    const kinds: string[] = [];
    for await (const { kind, line } of streamKernelLog([text])) kinds.push(`${line} ${kind}`);
    expect(kinds).toEqual(['1 error', '2 recovery_failed']);
  });

  it('throws on what its source throws', async () => {
    async function* broken(): AsyncGenerator<string> {
      yield 'EEH: Recovery successful.\n';
      throw new Error('the disk is gone');
    }
    const seen: KernelLogRecord[] = [];
    const reading = (async () => {
      for await (const record of streamKernelLog(broken())) seen.push(record);
    })();
    await expect(reading).rejects.toThrow('the disk is gone');
    expect(seen).toHaveLength(1);
  });
});

describe('bounds', () => {
  it('looks at the beginning of a line that is too long, and says so, however it arrives', async () => {
    const text = `EEH: ${'x'.repeat(LONGEST_LINE)}\nEEH: Recovery successful.\n`;
    const expected = {
      records: [
        { kind: 'other', line: 1 },
        { kind: 'recovered', line: 2 },
      ],
      findings: [{ code: 'line_too_long', line: 1 }],
    };
    expect(scanKernelLog(text)).toMatchObject(expected);
    expect(await collect(text)).toMatchObject(expected);
    const exact = `EEH: ${'x'.repeat(LONGEST_LINE - 5)}`;
    expect(scanKernelLog(exact).findings).toEqual([]);
  });

  it('keeps as many records as were asked for, and counts the rest', () => {
    const { records, findings } = scanKernelLog('EEH: Recovery successful.\n'.repeat(10), { most: 4 });
    expect(records).toHaveLength(4);
    expect(findings).toEqual([{ code: 'records_dropped', line: 10, message: '6 more than 4 were dropped.' }]);
  });

  it('ends the oldest error when too many are open, and says so; none is lost', () => {
    const lines = Array.from(
      { length: 40 },
      (_, i) => `pcieport 0000:${i.toString(16).padStart(2, '0')}:00.0: PCIe Bus Error: severity=Corrected\n`,
    );
    const { records, findings } = scanKernelLog(lines.join(''));
    expect(records).toHaveLength(40);
    expect(findings.map(({ code, line }) => [code, line])).toEqual(
      [33, 34, 35, 36, 37, 38, 39, 40].map((line) => ['too_many_open_errors', line]),
    );
  });

  it('an error that is quiet for 64 lines is told without waiting for the end', async () => {
    async function* endless(): AsyncGenerator<string> {
      yield 'pcieport 0000:00:1c.0: PCIe Bus Error: severity=Corrected\n';
      for (;;) yield 'something else\n';
    }
    for await (const record of streamKernelLog(endless())) {
      expect(record).toMatchObject({ kind: 'error', bdf: '0000:00:1c.0' });
      break;
    }
  });

  it.each([
    `pcieport 0000:00:1c.0: AER: [ 0] ${'| '.repeat(1000)}`,
    `pcieport 0000:00:1c.0: AER:${' '.repeat(2000)}x`,
    `${' '.repeat(2000)}kernel: x`,
    `EEH: Notify device drivers to ${'. '.repeat(900)}x`,
    `pcieport 0000:00:1c.0: AER: TLP Header: ${'00000000 '.repeat(200)}x`,
    `[${'<'.repeat(2000)}`,
  ])('a hostile line takes no longer than others: %#', (line) => {
    // A pattern that goes back and forth over such a line would take minutes for so many.
    expect(scanKernelLog(`${line}\n`.repeat(2000)).records.length).toBeLessThanOrEqual(2000);
  });
});
