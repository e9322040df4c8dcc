import { restoreSysfs, type SysfsRecording } from '@pci-recovery/vfio';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../src/main.js';
import { capturedIo } from './captured-io.js';

const RECORDING = fileURLToPath(new URL('../../../examples/list-vfio/test/lab-x86.sysfs.json', import.meta.url));

interface Line {
  bdf: string;
  handling: string;
  modes: Record<'owner' | 'observer', true | string>;
  counted?: Record<string, string>;
  obstacles: { code: string }[];
}

describe('list', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'list-'));
    await restoreSysfs(JSON.parse(await readFile(RECORDING, 'utf8')) as SysfsRecording, `${root}/sys`);
    await mkdir(`${root}/dev/vfio`, { recursive: true });
    await mkdir(`${root}/proc/self`, { recursive: true });
    for (const node of ['vfio', '6']) await writeFile(`${root}/dev/vfio/${node}`, '');
  });
  afterAll(() => rm(root, { recursive: true }));

  const listed = async (...args: string[]): Promise<Line[]> => {
    const io = capturedIo();
    expect(await main(['list', '--json', '--root', root, ...args], io)).toBe(0);
    return io
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  };

  it('says of every function by what platform its errors are handled, and in what modes that can be done', async () => {
    const lines = await listed();
    expect(lines.map(({ bdf }) => bdf)).toEqual(['0000:01:00.0', '0000:02:00.0', '0000:02:00.1']);
    expect(lines[0]).toMatchObject({ handling: 'aer', modes: { owner: true, observer: true } });
  });

  it('names what is in the way of holding a function', async () => {
    const blocked = (await listed()).find(({ bdf }) => bdf === '0000:02:00.0')!;
    expect(blocked.modes.owner).toEqual(expect.any(String));
    expect(blocked.obstacles.length).toBeGreaterThan(0);
  });

  it('shows bridges only when it is asked to, and never offers to hold one', async () => {
    const bridges = (await listed('--all')).filter(({ bdf }) => bdf.startsWith('0000:00'));
    expect(bridges.map(({ modes }) => modes.owner)).toEqual(['a bridge is not held', 'a bridge is not held']);
  });

  it('shows people the same in words', async () => {
    const io = capturedIo();
    expect(await main(['list', '--root', root], io)).toBe(0);
    expect(io.out()).toMatch(
      /^0000:01:00\.0 {2}1af4:\S+ {2}vfio-pci {2}AER\n {2}owner: yes\n {2}observer: yes\n {2}resets: /m,
    );
  });

  it('says so where there is no PCI at all, and that is no failure', async () => {
    const io = capturedIo();
    await mkdir(join(root, 'bare/sys'), { recursive: true });
    expect(await main(['list', '--root', join(root, 'bare')], io)).toBe(0);
    expect(io.out()).toBe('');
    expect(io.err()).toContain('There is no PCI function here.');
  });

  it.each([
    ['that is not there', 'none', 'there is no such file'],
    ['without sys', 'proc', 'there is no such file'],
    ['that is a file', 'dev/vfio/6', 'is no directory'],
  ])('refuses a root %s, which is not the same as a machine without PCI', async (_, below, why) => {
    const io = capturedIo();
    expect(await main(['list', '--root', join(root, below)], io)).toBe(1);
    expect(io.out()).toBe('');
    expect(io.err()).toContain(`Cannot read ${join(root, below)}/sys: `);
    expect(io.err()).toContain(why);
  });
});
