import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { main } from '../src/main.js';
import { capturedIo } from './captured-io.js';

const DUMPS = fileURLToPath(new URL('../../../examples/config-dumps/', import.meta.url));
const FATAL = join(DUMPS, 'fatal-malformed-tlp.txt');

type Json = Record<string, unknown> & { bdf: string; findings: unknown[]; aer?: Record<string, unknown> };

async function decodeJson(file: string): Promise<Json[]> {
  const io = capturedIo();
  expect(await main(['decode', file, '--json'], io)).toBe(0);
  return io
    .out()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
}

describe('decode --json', () => {
  it('prints one object per device of the dump', async () => {
    const slots = readFileSync(FATAL, 'utf8').match(/^[0-9a-f]{4}:[0-9a-f]{2}:/gm);
    expect(await decodeJson(FATAL)).toHaveLength(slots!.length);
  });

  it('has raw AER registers as hexadecimal beside the names of the bits set', async () => {
    const device = (await decodeJson(FATAL)).find((one) => one.bdf === '0000:01:00.0')!;
    expect(device.aer).toMatchObject({
      uncorrectable: { status: '0x00040000', severity: '0x00462030', statusBits: ['MalfTLP'] },
      correctable: { status: expect.stringMatching(/^0x[0-9a-f]{8}$/) as string, mask: '0x0000e000' },
      capControl: expect.stringMatching(/^0x[0-9a-f]{8}$/) as string,
      firstError: 'MalfTLP',
      headerLog: ['0x40000001', '0x0000010f', '0xfebf1004', '0xdeadbeef'],
    });
  });

  it('has the root registers of a root port, and only there', async () => {
    const devices = await decodeJson(FATAL);
    const port = devices.find((one) => (one.aer?.['root'] as { status: string } | undefined)?.status === '0x00000054');
    expect(port!.aer!['root']).toMatchObject({
      command: '0x00000007',
      errorSource: '0x01000000',
      uncorrectableSource: '0000:01:00.0',
    });
    expect(devices.find((one) => one.bdf === '0000:01:00.0')!.aer).not.toHaveProperty('root');
  });

  it.each(readdirSync(DUMPS).filter((name) => name.endsWith('.txt')))('finds nothing wrong in %s', async (name) => {
    expect((await decodeJson(join(DUMPS, name))).flatMap((one) => one.findings)).toEqual([]);
  });
});

describe('decode, for people,', () => {
  const shown = async (input: Uint8Array | string): Promise<string> => {
    const io = capturedIo({ input });
    expect(await main(['decode', '-'], io)).toBe(0);
    return io.out();
  };
  /** A function as `lspci -xxx…` prints it. */
  const dumped = (bytes: Uint8Array): string =>
    `00:01.0 0604: 1234:5678\n${Array.from({ length: bytes.length / 16 }, (_, row) => {
      const line = [...bytes.subarray(16 * row, 16 * row + 16)].map((byte) => byte.toString(16).padStart(2, '0'));
      return `${(16 * row).toString(16).padStart(2, '0')}: ${line.join(' ')}\n`;
    }).join('')}`;
  /** A PCI Express downstream port with DPC, whose Device Status and DPC Status are as given. */
  function port(deviceStatus: number, dpcStatus = 0): Uint8Array {
    const view = new DataView(new ArrayBuffer(4096));
    const words: [number, number][] = [
      [0x00, 0x1234],
      [0x02, 0x5678],
      [0x06, 0x10],
      [0x0a, 0x0604],
      [0x34, 0x40],
    ];
    for (const [at, value] of words) view.setUint16(at, value, true);
    view.setUint8(0x0e, 1);
    view.setUint32(0x40, 0x0062_0010, true);
    view.setUint16(0x4a, deviceStatus, true);
    view.setUint32(0x100, 0x0001_001d, true);
    view.setUint16(0x108, dpcStatus, true);
    view.setUint16(0x10a, 0x0100, true);
    return new Uint8Array(view.buffer);
  }

  it('does not say that a function has no AER when the dump has no registers in which it could be', async () => {
    const short = await shown(dumped(port(0).subarray(0, 256)));
    expect(short).toContain('AER unknown: the dump ends at 256 bytes (lspci -xxxx as root has all).');
    expect(short).not.toContain('No Advanced Error Reporting');
    expect(await shown(dumped(port(0)))).toContain('No Advanced Error Reporting.');
    const conventional = new Uint8Array(256).fill(0);
    conventional.set([0x34, 0x12, 0x78, 0x56]);
    expect(await shown(dumped(conventional))).toContain('No Advanced Error Reporting.');
  });

  it('shows the errors of Device Status, which a function without AER has too', async () => {
    expect(await shown(dumped(port(0x0f)))).toContain(
      'Device status: 0x000f correctable, non-fatal, fatal, unsupported request',
    );
    // Power and pending transactions are no errors.
    expect(await shown(dumped(port(0x70)))).not.toContain('Device status');
  });

  it('shows that a port contains its link, why and because of whom', async () => {
    expect(await shown(dumped(port(0, 0x0005)))).toContain('DPC: link down, err fatal from 0000:01:00.0');
    expect(await shown(dumped(port(0, 0x0001)))).toContain('DPC: link down, unmasked uncorrectable\n');
    expect(await shown(dumped(port(0)))).not.toContain('DPC:');
  });
});

describe('decode', () => {
  it('reads standard input for -', async () => {
    const io = capturedIo({ input: readFileSync(FATAL) });
    expect(await main(['decode', '-'], io)).toBe(0);
    expect(io.out()).toContain('MalfTLP (Malformed TLP)');
    expect(io.err()).toBe('');
  });

  it('says what is wrong with the bytes of a device, and still decodes it', async () => {
    const text = '00:02.0 Thing\n00: 86 80 zz 15 06 05 10 00 00 00 00 02 00 00 00 00\n';
    const io = capturedIo({ input: text });
    expect(await main(['decode', '-', '--json'], io)).toBe(0);
    const findings = (JSON.parse(io.out()) as Json).findings as { in: string; line?: number }[];
    expect(findings).toContainEqual(expect.objectContaining({ in: 'text', line: 2, code: 'bad_hex' }));
    expect(findings).toContainEqual(expect.objectContaining({ in: 'config space', offset: '0x0002' }));
  });

  it.each([
    ['a file that is not there', ['decode', 'no-such-file'], 1, 'Cannot read no-such-file: there is no such file.'],
    ['a directory', ['decode', DUMPS], 1, 'it is a directory'],
    ['no file at all', ['decode'], 2, "missing required argument 'file'"],
    ['an option that there is not', ['decode', '-', '--yaml'], 2, "unknown option '--yaml'"],
    ['a command that there is not', ['explode'], 2, "unknown command 'explode'"],
    ['nothing', [], 2, 'Usage: pci-recovery'],
  ])('answers %s with a clear message on stderr', async (_, args, code, message) => {
    const io = capturedIo();
    expect(await main(args, io)).toBe(code);
    expect(io.err()).toContain(message);
    expect(io.out()).toBe('');
  });

  it.each([
    ['text that is no dump', 'hello\nworld\n'],
    ['nothing', ''],
    ['bytes', new Uint8Array([0, 255, 10, 13, 0])],
  ])('refuses %s, saying how to make a dump', async (_, input) => {
    const io = capturedIo({ input });
    expect(await main(['decode', '-'], io)).toBe(1);
    expect(io.err()).toContain('standard input is not a dump of lspci -x');
    expect(io.err()).toContain('lspci -xxxx');
  });

  it('never crashes, whatever it is given', async () => {
    const lines = fc.constantFrom(
      '00:00.0 x\n',
      '00: 00 01 02\n',
      '10: ffff\n',
      '\n',
      'fff: 00\n',
      '00:1f.7\r\n',
      '\u0000',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(lines, fc.string())), async (parts) => {
        const io = capturedIo({ input: parts.join('') });
        expect([0, 1]).toContain(await main(['decode', '-', '--json'], io));
        for (const line of io.out().split('\n').filter(Boolean)) JSON.parse(line);
      }),
    );
  });
});
