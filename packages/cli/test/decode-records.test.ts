import { DIAG_LAYOUTS, encodePhbDiag, type PhbDiagData } from '@pci-recovery/eeh/diag';
import { encodeCcdfAvailability, encodeCcdfError } from '@pci-recovery/zpci';
import fc from 'fast-check';
import { main } from '../src/main.js';
import { capturedIo } from './captured-io.js';

async function decode(
  input: Uint8Array | string,
  ...more: string[]
): Promise<{ code: number; out: string; err: string }> {
  const io = capturedIo({ input });
  const code = await main(['decode', '-', ...more], io);
  return { code, out: io.out(), err: io.err() };
}

async function decodeJson(input: Uint8Array | string): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await decode(input, '--json');
  expect([code, err]).toEqual([0, '']);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const spaced = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').replaceAll(/.{8}/g, '$& ');

describe('decode recognises', () => {
  const error = encodeCcdfError({ fh: 0x80020000, fid: 1, rw: 0, faddr: 0x1_2000_0000n, pec: 4 });

  it.each([
    ['binary', error],
    ['hexadecimal', Buffer.from(error).toString('hex')],
    ['hexadecimal in words', `${spaced(error)}\n`],
    [
      'hexadecimal bytes with 0x and commas',
      [...error].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(', '),
    ],
  ])('a CCDF error record, %s', async (_, input) => {
    expect(await decodeJson(input)).toEqual([
      expect.objectContaining({
        kind: 'ccdf_error',
        pec: '0x0004',
        meaning: 'translation protection',
        class: 'recoverable',
        fh: '0x80020000',
        fid: '0x00000001',
        faddr: '0x0000000120000000',
      }),
    ]);
  });

  it('a CCDF availability record by its event code', async () => {
    const [record] = await decodeJson(encodeCcdfAvailability({ fh: 7, fid: 2, pec: 0x303 }));
    expect(record).toMatchObject({ kind: 'ccdf_availability', event: 'deconfiguration_requested', fid: '0x00000002' });
  });

  const layout = DIAG_LAYOUTS.find(({ model }) => model === 'phb4')!;
  const blob = encodePhbDiag({
    model: 'phb4',
    version: 1,
    length: layout.length,
    registers: { ...Object.fromEntries(layout.registers.map(({ name }) => [name, 0n])), nFir: 1n << 63n },
    pest: [{ pe: 0x1fd, a: 1n << 63n, b: 1n << 63n }],
    trailing: new Uint8Array(),
  } satisfies PhbDiagData);

  it.each([
    ['binary', blob],
    ['hexadecimal', Buffer.from(blob).toString('hex')],
  ])('diagnostic data of a PHB, %s', async (_, input) => {
    const [record] = await decodeJson(input);
    expect(record).toMatchObject({ kind: 'phb_diag', model: 'phb4', findings: [] });
    expect((record!['registers'] as Record<string, { value: string }>)['nFir']!.value).toBe('0x8000000000000000');
    expect(record!['pest']).toEqual([expect.objectContaining({ pe: 0x1fd, mmioFrozen: true, dmaFrozen: true })]);
  });

  it('a kernel log of all three platforms, and a dump of diagnostic data inside', async () => {
    const log = [
      '[   12.345678] pcieport 0000:00:1c.0: AER: Correctable error message received from 0000:01:00.0',
      '[   12.345680] nvme 0000:01:00.0: PCIe Bus Error: severity=Correctable, type=Physical Layer, (Receiver ID)',
      '[   12.345682] nvme 0000:01:00.0:   device [8086:a110] error status/mask=00000001/00002000',
      '[   12.345684] nvme 0000:01:00.0:    [ 0] RxErr                  (First)',
      '[   20.000000] EEH: Frozen PHB#0-PE#1fd detected',
      '[   20.000001] PHB4 PHB#0 Diag-data (Version: 1)',
      '[   20.000002] brdgCtl:    00000002',
      '[   20.000003] PE[1fd] A/B: 8000000000000000 8000000000000000',
      '[   30.000000] zpci: 0001:00:00.0: Event 0x4 reports an error for PCI function 0x1',
      '[   31.000000] random: crng init done',
      '',
    ].join('\n');
    const records = await decodeJson(log);
    expect(records.map((record) => record['platform'] ?? record['kind'])).toEqual(
      expect.arrayContaining(['aer', 'eeh', 'zpci', 'phb_diag']),
    );
    const aer = records.find((record) => record['kind'] === 'error')!;
    expect(aer).toMatchObject({
      source: 'kernel_log',
      bdf: '0000:01:00.0',
      severity: 'correctable',
      status: 1,
      mask: 0x2000,
    });
  });

  it.each([
    ['a line of a kernel log', 'EEH: Frozen PHB#0-PE#1 detected\n', 0],
    ['any other line', 'Nothing of this is of any worth.', 1],
  ])('text as long as a CCDF record as text: %s', async (_, text, expected) => {
    expect(Buffer.byteLength(text)).toBe(32);
    const { code, out } = await decode(text);
    expect(code).toBe(expected);
    expect(out).not.toContain('zPCI');
  });

  it.each([
    ['binary', Buffer.concat([error, encodeCcdfAvailability({ fh: 7, fid: 2, pec: 0x303 })])],
    ['a line each', `${Buffer.from(error).toString('hex')}\r\n${Buffer.from(error).toString('hex')}\r\n`],
  ])('several CCDF records, %s', async (_, input) => {
    const records = await decodeJson(input);
    expect(records.map(({ kind }) => kind)).toEqual(['ccdf_error', expect.stringMatching(/^ccdf_/)]);
  });

  it('records behind a byte order mark', async () => {
    expect(await decodeJson(`\ufeff${Buffer.from(error).toString('hex')}\r\n`)).toHaveLength(1);
  });

  it('a kernel log and a dump of lspci in one text: both are decoded', async () => {
    const dump = '00:02.0 0300: 8086:1234\n00: 86 80 34 12 06 05 10 00 00 00 00 03 00 00 00 00\n';
    const records = await decodeJson(`[    1.000000] EEH: Frozen PHB#0-PE#1fd detected\n\n${dump}`);
    expect(records).toEqual([
      expect.objectContaining({ bdf: '0000:00:02.0' }),
      expect.objectContaining({ source: 'kernel_log', kind: 'frozen' }),
    ]);
  });

  it('records of a kernel log as such, also those that name a source of their own', async () => {
    const line = 'pcieport 0000:00:1c.0: AER: Correctable error message received from 0000:01:00.0\n';
    expect(await decodeJson(line)).toEqual([
      expect.objectContaining({ source: 'kernel_log', kind: 'error_message', errorSource: '0000:01:00.0' }),
    ]);
  });

  it('shows all of them to people too', async () => {
    expect((await decode(error)).out).toContain('zPCI error event 0x0004: translation protection (recoverable)');
    expect((await decode(blob)).out).toContain('PHB4 diagnostic data, version 1');
    expect((await decode('EEH: Frozen PHB#0-PE#1fd detected\n')).out).toContain('eeh ');
  });
});

describe('decode of damaged records', () => {
  it('keeps diagnostic data of an unknown version whole', async () => {
    const blob = new Uint8Array(64);
    new DataView(blob.buffer).setUint32(0, 9);
    new DataView(blob.buffer).setUint32(8, 64);
    const [record] = await decodeJson(blob);
    expect(record).toMatchObject({ kind: 'phb_diag', model: null, raw: Buffer.from(blob).toString('hex') });
    expect(record!['findings']).not.toEqual([]);
  });

  it.each(DIAG_LAYOUTS.map(({ model, ioType, length }) => [model, ioType, length] as const))(
    'knows diagnostic data of a %s that is cut off, and says so',
    async (_, ioType, length) => {
      const blob = new Uint8Array(length >> 1);
      [1, ioType, length].forEach((word, index) => new DataView(blob.buffer).setUint32(4 * index, word));
      for (const input of [blob, Buffer.from(blob).toString('hex'), blob.subarray(0, 12)]) {
        const [record] = await decodeJson(input);
        expect(record).toMatchObject({ kind: 'phb_diag', findings: [{ code: 'data_truncated' }] });
      }
    },
  );

  it.each([
    ['hexadecimal text', '00'.repeat(31), 'as bytes it has 31, and a CCDF record has 32'],
    ['hexadecimal text with half a byte', '0'.repeat(63), 'it has 63 hexadecimal digits, and bytes have two each'],
    ['bytes', new Uint8Array(33), 'it has 33 bytes that are no text, and a CCDF record has 32'],
    ['nothing', '', 'it is empty'],
  ])('says what is wrong with %s that are no record', async (_, input, why) => {
    const { code, out, err } = await decode(input);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(why);
  });

  it('shows people no control characters of an input', async () => {
    const dump = '00:02.0 \u001b[2J\u009b\u0007Thing\n00: 86 80 34 12\n';
    const log = "nvme 0000:01:00.0: \u001b[2JAER: \u001b]0;x\u0007 can't recover (no error_detected callback)\n";
    for (const input of [dump, log, `${log}${dump}`, `EEH: PE location: \u001b[2J, PHB location: N/A\n`]) {
      const { out, err } = await decode(input);
      expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
  });

  it('never crashes, whatever the bytes are', async () => {
    const record = fc.uint8Array({ minLength: 32, maxLength: 32 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(record, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
        expect([0, 1]).toContain((await decode(bytes, '--json')).code);
      }),
    );
  });
});
