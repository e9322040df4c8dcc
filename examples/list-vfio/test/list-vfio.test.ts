import { restoreSysfs, type Diagnosis, type SysfsRecording } from '@pci-recovery/vfio';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listVfio } from '../src/list.js';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'list-vfio-'));
  const recording = JSON.parse(await readFile(path('./lab-x86.sysfs.json'), 'utf8')) as SysfsRecording;
  await restoreSysfs(recording, `${root}/sys`);
  await mkdir(`${root}/dev/vfio`, { recursive: true });
  await mkdir(`${root}/proc/self`, { recursive: true });
  for (const node of ['vfio', '6', '8']) await writeFile(`${root}/dev/vfio/${node}`, '');
  await writeFile(
    `${root}/proc/self/limits`,
    'Max locked memory         unlimited            unlimited            bytes     \n',
  );
});
afterAll(() => rm(root, { recursive: true }));

async function run(...args: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await listVfio(
    args,
    (line) => out.push(line),
    (line) => err.push(line),
  );
  return { code, out, err };
}

describe('list-vfio over a recorded machine', () => {
  it('prints what its README shows', async () => {
    const { code, out } = await run('--root', root);
    expect(code).toBe(0);
    const [, shown] = /it prints:\n\n```\n([^`]*)```/.exec(readFileSync(path('../README.md'), 'utf8'))!;
    expect(out.join('\n')).toContain(shown!.trimEnd());
    expect(out.at(-1)).toBe('5 PCI functions, 1 openable through VFIO, 2 bridges not shown (--all).');
  });

  it('shows bridges when it is asked to', async () => {
    const { out } = await run('--root', root, '--all');
    expect(out.join('\n')).toContain('0000:00:06.0 is a bridge');
    expect(out.at(-1)).toBe('5 PCI functions, 1 openable through VFIO.');
  });

  it('prints a line of JSON for every function', async () => {
    const { out } = await run('--root', root, '--json');
    const diagnoses = out.map((line) => JSON.parse(line) as Diagnosis);
    expect(diagnoses.map(({ bdf, group }) => [bdf, group])).toEqual([
      ['0000:00:06.0', false],
      ['0000:00:07.0', false],
      ['0000:01:00.0', true],
      ['0000:02:00.0', false],
      ['0000:02:00.1', false],
    ]);
  });

  it('says how it is used', async () => {
    expect(await run('--what')).toMatchObject({ code: 2, out: [] });
    expect((await run('--what')).err[0]).toMatch(/^usage: list-vfio/);
  });

  it('runs as a program, on any machine', () => {
    const program = path('../dist/main.js');
    if (!existsSync(program)) throw new Error('Build it first: npx nx build example-list-vfio');
    expect(execFileSync(process.execPath, [program], { encoding: 'utf8' })).toMatch(/PCI functions, \d+ openable/);
    expect(execFileSync(process.execPath, [program, '--root', root], { encoding: 'utf8' })).toMatch(
      /^0000:01:00\.0 {2}1af4/,
    );
  });
});
