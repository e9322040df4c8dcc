import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DIAG_LAYOUTS, encodePhbDiag, type PhbDiagData } from '@pci-recovery/eeh/diag';
import { encodeCcdfError } from '@pci-recovery/zpci';
import fc from 'fast-check';
import { main } from '../src/main.js';
import { capturedIo } from './captured-io.js';

const DUMP = readFileSync(
  fileURLToPath(new URL('../../../examples/config-dumps/correctable-bad-tlp.txt', import.meta.url)),
);

/** Lines of the kernel about all three platforms. */
const LINES = [
  'pcieport 0000:00:1c.0: AER: Correctable error message received from 0000:01:00.0',
  'nvme 0000:01:00.0: PCIe Bus Error: severity=Correctable, type=Physical Layer, (Receiver ID)',
  'nvme 0000:01:00.0:   device [8086:a110] error status/mask=00000001/00002000',
  'nvme 0000:01:00.0:    [ 0] RxErr                  (First)',
  'EEH: Frozen PHB#0-PE#1fd detected',
  'EEH: PE location: N/A, PHB location: N/A',
  'PHB4 PHB#0 Diag-data (Version: 1)',
  'brdgCtl:    00000002',
  'PE[1fd] A/B: 8000000000000000 8000000000000000',
  'zpci: 0001:00:00.0: Event 0x3a reports an error for PCI function 0x1',
  'random: crng init done',
];

/** What tools put in front of them. */
const PREFIXES = [
  '',
  '[   12.345678] ',
  '<4>[   12.345678] ',
  '<4>',
  '[Wed Nov 25 17:13:01 2026] ',
  'Nov 25 17:13:01 host kernel: ',
  '2026-11-25T17:13:01,123456+00:00 ',
  'kern  :warn  : [   12.345678] ',
  '4,1,12345678,-;',
  '[   12.345678][  T123] ',
];

const blobs = DIAG_LAYOUTS.map(({ model, length, registers }) =>
  encodePhbDiag({
    model,
    version: 1,
    length,
    registers: Object.fromEntries(registers.map(({ name }) => [name, 1n])),
    pest: [{ pe: 1, a: 1n << 63n, b: 1n << 63n }],
    trailing: new Uint8Array(),
  } satisfies PhbDiagData),
);

const originals = [DUMP.subarray(0, 4000), ...blobs, encodeCcdfError({ fh: 1, fid: 2, pec: 0x3a }), LINES.join('\n')];

/** Something real with bytes changed, its end cut off, or something behind it. */
const damaged = fc
  .record({
    original: fc.constantFrom(...originals.map((one) => Buffer.from(one))),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
    kept: fc.double({ min: 0, max: 1, noNaN: true }),
    more: fc.uint8Array({ maxLength: 40 }),
    hexadecimal: fc.boolean(),
  })
  .map(({ original, changes, kept, more, hexadecimal }) => {
    const bytes = Buffer.concat([original.subarray(0, Math.ceil(original.length * kept)), more]);
    for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
    return hexadecimal ? Buffer.from(bytes.toString('hex')) : bytes;
  });

const text = fc
  .array(
    fc.oneof(fc.constantFrom(...LINES), fc.string({ unit: 'binary' }), fc.constantFrom(...DUMP.toString().split('\n'))),
    { maxLength: 30 },
  )
  .map((lines) => Buffer.from(lines.join('\n')));

const anything = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  damaged,
  text,
);

/** Decodes and holds what is promised of every input: something was found, or one line says what it is not. */
async function decode(input: Uint8Array, ...more: string[]): Promise<string> {
  const io = capturedIo({ input });
  const code = await main(['decode', '-', ...more], io);
  if (code === 0) expect(io.out()).not.toBe('');
  else expect([code, io.out(), io.err()]).toEqual([1, '', expect.stringMatching(/^pci-recovery: .*\n$/)]);
  expect(io.err()).not.toMatch(/^\s+at /m);
  return io.out();
}

describe('decode, whatever it is given,', () => {
  it('ends with something decoded, or with one line about what it is not', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (input) => {
        for (const line of (await decode(input, '--json')).split('\n').filter(Boolean)) JSON.parse(line);
      }),
    );
  });

  it('shows people lines without any control character', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (input) => {
        expect(await decode(input)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      }),
    );
  });

  it('finds the same in a kernel log whatever stands in front of its lines, and however they end', async () => {
    const plain = await decode(Buffer.from(LINES.join('\n')));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...PREFIXES), fc.constantFrom('\n', '\r\n')), {
          minLength: LINES.length,
          maxLength: LINES.length,
        }),
        async (around) => {
          const log = LINES.map((line, index) => `${around[index]![0]}${line}${around[index]![1]}`).join('');
          expect(await decode(Buffer.from(log))).toBe(plain);
        },
      ),
    );
  });
});
