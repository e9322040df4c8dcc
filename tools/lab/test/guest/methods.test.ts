import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentMethods } from '../../src/guest/methods.js';

describe('what the agent does in the guest', () => {
  let folder: string;
  const methods = agentMethods(() => undefined);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lab-agent-'));
    writeFileSync(join(folder, 'file'), 'old text');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('runs a program with input to its end', async () => {
    const code = 'process.stdin.pipe(process.stdout); process.exitCode = 3; console.error("e")';
    expect(await methods.exec({ argv: [process.execPath, '-e', code], input: 'in' })).toEqual({
      status: 3,
      stdout: 'in',
      stderr: 'e\n',
    });
  });

  it('reads bytes', () => {
    writeFileSync(join(folder, 'bytes'), Buffer.from([0, 255]));
    expect(methods.read({ path: join(folder, 'bytes') })).toBe('AP8=');
  });

  it('writes without truncating, as sysfs wants it, or appends', async () => {
    const path = join(folder, 'file');
    await methods.write({ path, text: 'new' });
    await methods.write({ path, text: '!', append: true });
    expect(readFileSync(path, 'utf8')).toBe('new text!');
  });

  it('never makes a file: one of sysfs that is not there is an error', () => {
    expect(() => methods.write({ path: join(folder, 'absent'), text: '1' })).toThrow('ENOENT');
  });

  it('lists folders and follows no links', () => {
    symlinkSync('../drivers/vfio-pci', join(folder, 'driver'));
    expect(methods.list({ path: folder })).toEqual(['driver', 'file']);
    expect(methods.link({ path: join(folder, 'driver') })).toBe('../drivers/vfio-pci');
    expect(methods.link({ path: join(folder, 'absent') })).toBeNull();
  });
});
