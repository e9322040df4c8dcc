import { formatBdf, type Bdf } from '@pci-recovery/core';
import fc from 'fast-check';
import {
  formatLspciDump,
  parseLspciDump,
  streamLspciDump,
  type DumpFinding,
  type LspciDump,
} from '../src/lspci/index.js';

const row = (offset: number, fill = offset >> 4): string =>
  `${offset.toString(16).padStart(2, '0')}:${` ${(fill & 0xff).toString(16).padStart(2, '0')}`.repeat(16)}`;
const rows = (size: number): string[] => Array.from({ length: size / 16 }, (_, i) => row(16 * i));
const text = (...lines: (string | string[])[]): string => `${lines.flat().join('\n')}\n`;
const codes = ({ findings }: LspciDump): unknown => findings.map(({ code, line }) => [code, line]);
const sizes = ({ devices }: LspciDump): unknown => devices.map(({ bdf, bytes }) => [bdf, bytes.length]);

async function streamed(chunks: Iterable<string | Uint8Array>): Promise<LspciDump> {
  const findings: DumpFinding[] = [];
  const devices = [];
  for await (const device of streamLspciDump(chunks, (finding) => findings.push(finding))) devices.push(device);
  return { devices, findings };
}

describe('a dump of lspci', () => {
  it('gives functions of 64, 256 and 4096 bytes, with what the slot line says', () => {
    const dump = parseLspciDump(
      text(
        '00:00.0 Host bridge: Intel (rev 01)',
        rows(64),
        '',
        '0001:02:1f.7 Ethernet',
        rows(256),
        '',
        '10000:e1:00.0 NVMe',
        rows(4096),
      ),
    );
    expect(sizes(dump)).toEqual([
      ['0000:00:00.0', 64],
      ['0001:02:1f.7', 256],
      ['10000:e1:00.0', 4096],
    ]);
    expect(dump.findings).toEqual([]);
    expect(dump.devices.map(({ description, line }) => [description, line])).toEqual([
      ['Host bridge: Intel (rev 01)', 1],
      ['Ethernet', 7],
      ['NVMe', 25],
    ]);
    expect([...dump.devices[2]!.bytes]).toEqual(Array.from({ length: 4096 }, (_, i) => (i >> 4) & 0xff));
  });

  it('may have the text of any -v in front of the bytes', () => {
    const verbose = [
      '00:1c.0 PCI bridge: Intel Corporation Device 9d10 (rev f1) (prog-if 00 [Normal decode])',
      '\tControl: I/O+ Mem+ BusMaster+',
      '\tCapabilities: [40] Express (v2) Root Port (Slot+), MSI 00',
      '\t\tDevCap:\tMaxPayload 256 bytes, PhantFunc 0',
      '\tKernel driver in use: pcieport',
      'face the music',
      'beef',
      'a: b',
    ];
    const dump = parseLspciDump(text(verbose, rows(64)));
    expect([sizes(dump), dump.findings]).toEqual([[['0000:00:1c.0', 64]], []]);
  });

  it.each([
    ['line ends of Windows', text('00:00.0 x', rows(64), '', '00:01.0 y', rows(64)).replaceAll('\n', '\r\n')],
    ['no line end at the end', text('00:00.0 x', rows(64), '', '00:01.0 y', rows(64)).trimEnd()],
    ['no empty line between functions', text('00:00.0 x', rows(64), '00:01.0 y', rows(64))],
    ['capitals', text('00:00.0 x', rows(64), '', '00:01.0 y', rows(64)).toUpperCase()],
    [
      'blanks behind the bytes',
      text('00:00.0 x', rows(64), '', '00:01.0 y', rows(64)).replaceAll(/(.{48})\n/g, '$1  \n'),
    ],
    ['slot lines without a description', text('00:00.0', rows(64), '', '00:01.0', rows(64))],
  ])('may have %s', (_, dump) => {
    expect(sizes(parseLspciDump(dump))).toEqual([
      ['0000:00:00.0', 64],
      ['0000:00:01.0', 64],
    ]);
    expect(codes(parseLspciDump(dump))).toEqual([]);
  });

  it.each([
    ['no text at all', '', [['not_a_dump', 1]]],
    ['something else', text('Once upon a time', '', 'the end'), [['not_a_dump', 1]]],
    ['bytes before any slot line', text(rows(64), '00:00.0 x', rows(64)), [['hex_without_slot', 1]]],
    ['bytes behind an empty line', text('00:00.0 x', rows(64), '', rows(64)), [['hex_without_slot', 7]]],
    ['a function without bytes', text('00:00.0 x', '', '00:01.0 y', rows(64)), [['device_without_bytes', 1]]],
    ['the same address again', text('00:00.0 x', rows(64), '', '0000:00:00.0 x', rows(64)), [['duplicate_slot', 7]]],
    [
      'a byte that is none',
      text('00:00.0 x', row(0).replace(' 00 00', ' 00 0g'), rows(64).slice(1)),
      [
        ['bad_hex', 2],
        ['truncated_line', 2],
        ['gap', 3],
      ],
    ],
    [
      'bytes that stick together',
      text('00:00.0 x', rows(64).slice(0, 3), '30: 000000'),
      [
        ['bad_hex', 5],
        ['truncated_line', 5],
        ['unusual_size', 1],
      ],
    ],
    [
      'half a byte at the end',
      text('00:00.0 x', rows(64).slice(0, 3), row(0x30).slice(0, -1)),
      [
        ['bad_hex', 5],
        ['truncated_line', 5],
        ['unusual_size', 1],
      ],
    ],
    [
      'a line that is cut off',
      text('00:00.0 x', rows(64).slice(0, 3), row(0x30).slice(0, 20)),
      [
        ['bad_hex', 5],
        ['truncated_line', 5],
        ['unusual_size', 1],
      ],
    ],
    ['a line without bytes', text('00:00.0 x', rows(64), '40:'), [['truncated_line', 6]]],
    ['lines left out', text('00:00.0 x', row(0), row(0x30)), [['gap', 3]]],
    ['lines given twice', text('00:00.0 x', rows(64), row(0x20)), [['overlap', 6]]],
    ['an offset beyond 4096', text('00:00.0 x', rows(64), '1000: 00'), [['bad_offset', 6]]],
    [
      'bytes beyond 4096',
      text('00:00.0 x', rows(4096).slice(0, 255), `ff8:${' 00'.repeat(16)}`),
      [
        ['gap', 257],
        ['bad_offset', 257],
        ['truncated_line', 257],
      ],
    ],
    ['an address that no function has', text('00:3f.0 x', rows(64), '', '00:01.0 y', rows(64)), [['bad_slot', 1]]],
    ['a dump that is not whole', text('00:00.0 x', rows(96)), [['unusual_size', 1]]],
  ])('with %s says so, with the number of the line', (_, dump, expected) => {
    expect(codes(parseLspciDump(dump))).toEqual(expected);
  });

  it('counts bytes that were left out as 0xff, and the later of two', () => {
    const [left] = parseLspciDump(text('00:00.0 x', row(0), row(0x30))).devices;
    expect([...left!.bytes.slice(0x10, 0x30)]).toEqual(Array(32).fill(0xff));
    const [twice] = parseLspciDump(text('00:00.0 x', rows(64), row(0x20, 0xab))).devices;
    expect(twice!.bytes[0x20]).toBe(0xab);
  });

  it('keeps nothing of an earlier function in what a later one leaves out', () => {
    const { devices } = parseLspciDump(
      text('00:00.0 x', rows(4096), '', '00:01.0 y', row(0), row(0x30), '', '00:02.0 z', '00: 0g'),
    );
    expect(devices[1]!.bytes[0x20]).toBe(0xff);
    expect(devices[2]!.bytes).toHaveLength(0);
  });

  it('takes descriptions of any script, and does not take their letters for digits', () => {
    const { devices } = parseLspciDump(
      text('00:00.0 Größe ① \u{1f4a5}', rows(64), '', '\u0130\u0130:00.0 no slot', rows(64)),
    );
    expect(devices.map(({ description }) => description)).toEqual(['Größe ① \u{1f4a5}']);
  });

  it('looks at the beginning of a line without end only', async () => {
    const endless = 'x'.repeat(200_000);
    const dump = await streamed([`00:00.0 ${endless}`, endless, `\n${text(rows(64))}`]);
    expect([sizes(dump), codes(dump)]).toEqual([[['0000:00:00.0', 64]], [['line_too_long', 1]]]);
  });
});

describe('any text', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '',
      '\r',
      '00:00.0 x',
      '01:02.3 y',
      '10000:01:00.0 z',
      '00:1f.9',
      row(0),
      row(0x10),
      row(0x20),
      '40: 0',
      'fff: 00',
    ),
    fc.stringMatching(/^[0-9a-f:. ]{0,24}$/),
  );
  const anyText = fc.oneof(
    fc.array(line, { maxLength: 30 }).map((lines) => lines.join('\n')),
    fc.string({ unit: 'binary' }),
  );

  it('is read without an exception, and never without a word when nothing was found', () => {
    fc.assert(
      fc.property(anyText, (any) => {
        const { devices, findings } = parseLspciDump(any);
        if (devices.length === 0) expect(findings.map(({ code }) => code)).toContain('not_a_dump');
        for (const { bytes } of devices) expect(bytes.length).toBeLessThanOrEqual(4096);
        for (const finding of findings) expect(finding.line).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('reads the same in pieces of any size, as bytes or strings', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, fc.array(fc.nat(40), { maxLength: 12 }), async (any, cuts) => {
        const bytes = new TextEncoder().encode(any);
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) pieces.push(bytes.subarray(at, (at += cut)));
        expect(await streamed([...pieces, bytes.subarray(at)])).toEqual(parseLspciDump(any));
      }),
      { numRuns: 500 },
    );
  });
});

describe('what formatLspciDump writes', () => {
  const address = fc
    .record({ domain: fc.nat(0xffff_ffff), bus: fc.nat(255), device: fc.nat(31), function: fc.nat(7) })
    .map(formatBdf);
  const device = fc.record({
    bdf: address,
    description: fc.stringMatching(/^[ -~]{0,40}$/),
    bytes: fc
      .constantFrom(64, 256, 4096)
      .chain((size) => fc.nat().map((seed) => Uint8Array.from({ length: size }, (_, i) => (i * seed) >> 3))),
  });
  const uniqueDevices = fc.uniqueArray(device, {
    selector: ({ bdf }: { bdf: Bdf }) => bdf,
    minLength: 1,
    maxLength: 5,
  });

  it('is read back as it was', () => {
    fc.assert(
      fc.property(uniqueDevices, (devices) => {
        const dump = parseLspciDump(formatLspciDump(devices));
        expect(dump.findings).toEqual([]);
        expect(dump.devices.map(({ bdf, description, bytes }) => ({ bdf, description, bytes }))).toEqual(devices);
      }),
    );
  });

  it('looks like what lspci prints', () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
    const written = formatLspciDump([{ bdf: '0000:01:00.0' as Bdf, bytes, description: 'two\nlines' }]);
    expect(written.split('\n').slice(0, 3)).toEqual([
      '0000:01:00.0 two lines',
      '00: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f',
      '10: 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f',
    ]);
    expect(written.endsWith('\n\n')).toBe(true);
  });
});
