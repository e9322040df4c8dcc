import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpioArchive } from '../../src/initramfs/cpio.js';
import { FileTree } from '../../src/initramfs/file-tree.js';

const archive = (tree: FileTree): Buffer => Buffer.concat([...cpioArchive(tree.entries())]);
const hasCpio = spawnSync('cpio', ['--version']).status === 0;

/** One header of "newc": magic and thirteen fields of eight hexadecimal digits (cpio(5)). */
const field = (bytes: Buffer, at: number, index: number): number =>
  parseInt(bytes.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);

describe('a cpio archive', () => {
  const tree = new FileTree()
    .file('a/b/c.txt', 'hello', 0o755)
    .link('a/link', 'b/c.txt')
    .characterDevice('dev/console', 5, 1);
  const bytes = archive(tree);

  it('is a multiple of 512 bytes and ends with a trailer', () => {
    expect(bytes.length % 512).toBe(0);
    expect(bytes.toString('latin1')).toContain('TRAILER!!!\0');
  });

  it('has folders before what is in them', () => {
    const names = ['a', 'a/b', 'a/b/c.txt', 'a/link', 'dev', 'dev/console'];
    expect([...tree.entries()].map(({ path }) => path)).toEqual(names);
  });

  it('says mode, owner, size and device in hexadecimal', () => {
    const at = bytes.indexOf('a/b/c.txt\0') - 110;
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    expect([1, 2, 3, 6].map((index) => field(bytes, at, index))).toEqual([0o100755, 0, 0, 5]);
    const device = bytes.indexOf('dev/console\0') - 110;
    expect([1, 9, 10].map((index) => field(bytes, device, index))).toEqual([0o020600, 5, 1]);
  });

  it('puts every header and every content at a multiple of four', () => {
    for (let at = 0; at >= 0; at = bytes.indexOf('070701', at + 1)) expect(at % 4).toBe(0);
    expect(bytes.indexOf('hello') % 4).toBe(0);
  });

  it('is the same for the same tree', () => expect(archive(tree).equals(bytes)).toBe(true));

  const withCpio = hasCpio ? it : it.skip;
  withCpio(`is unpacked by cpio${hasCpio ? '' : ' (skipped: cpio is not installed)'}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'lab-cpio-'));
    try {
      const files = new FileTree()
        .file('x/long-name.bin', Buffer.alloc(70_001, 7), 0o640)
        .link('y', 'x/long-name.bin')
        .directory('z/');
      const { status, stderr } = spawnSync('cpio', ['-i', '--quiet'], { cwd: folder, input: archive(files) });
      expect([status, stderr.toString()]).toEqual([0, '']);
      expect(readFileSync(join(folder, 'x/long-name.bin')).equals(Buffer.alloc(70_001, 7))).toBe(true);
      expect(statSync(join(folder, 'x/long-name.bin')).mode & 0o777).toBe(0o640);
      expect(readlinkSync(join(folder, 'y'))).toBe('x/long-name.bin');
      expect(statSync(join(folder, 'z')).isDirectory()).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
