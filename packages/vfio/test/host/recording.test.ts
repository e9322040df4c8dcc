import { existsSync } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import {
  readIommuGroups,
  readTopology,
  recordSysfs,
  restoreSysfs,
  Sysfs,
  type SysfsRecording,
} from '../../src/host/index.js';
import { newDirectory, POWERNV, removeTrees, S390, sysfsTree, X86 } from './fixtures.js';

afterAll(removeTrees);

async function restored(recording: SysfsRecording): Promise<Sysfs> {
  const root = await newDirectory();
  // As a file would keep it.
  await restoreSysfs(JSON.parse(JSON.stringify(recording)) as SysfsRecording, root);
  return new Sysfs({ root });
}

describe('a recorded sysfs', () => {
  it.each([
    ['x86', X86],
    ['powernv', POWERNV],
    ['s390', S390],
  ])('of %s says the same as what was recorded', async (_, functions) => {
    const original = new Sysfs({ root: await sysfsTree(functions) });
    const { recording, findings } = await recordSysfs(original);
    const copy = await restored(recording);
    expect(findings).toEqual([]);
    expect(await readTopology(copy)).toEqual(await readTopology(original));
    expect(await readIommuGroups(copy)).toEqual(await readIommuGroups(original));
    expect((await recordSysfs(copy)).recording).toEqual(recording);
  });

  it('has no PE state unless it is asked for, for reading it has an effect', async () => {
    const sysfs = new Sysfs({ root: await sysfsTree(POWERNV) });
    const states = async (eehPeState: boolean): Promise<string[]> =>
      Object.keys((await recordSysfs(sysfs, { eehPeState })).recording.entries).filter((path) =>
        /eeh_pe_state/.test(path),
      );
    expect(await states(false)).toEqual([]);
    expect(await states(true)).toHaveLength(1);
  });

  it('writes nothing through a link', async () => {
    const root = await newDirectory();
    const target = await newDirectory();
    const entries = { a: { link: target }, 'a/stolen': { text: 'x' } };
    await expect(restoreSysfs({ format: 'pci-recovery.sysfs.1', entries }, root)).rejects.toThrow();
    expect(existsSync(`${target}/stolen`)).toBe(false);
  });

  it.each(['../x', '/etc/x', 'a/../../x', 'a//b', ''])('refuses to restore to %j', async (path) => {
    const recording: SysfsRecording = { format: 'pci-recovery.sysfs.1', entries: { [path]: { text: '' } } };
    await expect(restoreSysfs(recording, await newDirectory())).rejects.toMatchObject({ code: 'ERR_PCI_BAD_PATH' });
  });

  it.each([null, {}, { format: 'x', entries: {} }, { format: 'pci-recovery.sysfs.1', entries: { a: { text: 1 } } }])(
    'refuses %j',
    async (recording) => {
      const restoring = restoreSysfs(recording as unknown as SysfsRecording, await newDirectory());
      await expect(restoring).rejects.toMatchObject({ code: 'ERR_PCI_BAD_RECORDING' });
    },
  );

  it('keeps links as links', async () => {
    const copy = await restored((await recordSysfs(new Sysfs({ root: await sysfsTree(X86) }))).recording);
    expect((await lstat(`${copy.files.root}/bus/pci/devices/0000:01:00.0`)).isSymbolicLink()).toBe(true);
    expect(await readFile(`${copy.files.root}/bus/pci/devices/0000:01:00.0/vendor`, 'utf8')).toBe('0x1af4\n');
  });
});

const real = new Sysfs();
const devices = await real.devices();

describe('the sysfs of this machine', () => {
  if (devices.length === 0) {
    it.skip('is not read: there is no PCI here', () => undefined);
    return;
  }

  it(`has ${devices.length} functions, which are read without findings that matter, and can be recorded`, async () => {
    const { functions, findings } = await readTopology(real);
    expect(functions.map(({ bdf }) => bdf)).toEqual(devices);
    expect(functions.every(({ vendor, device }) => vendor !== undefined && device !== undefined)).toBe(true);
    expect(findings.filter(({ code }) => code !== 'bad_config' && code !== 'unreadable')).toEqual([]);
    const copy = await restored((await recordSysfs(real)).recording);
    expect((await readTopology(copy)).functions).toEqual(functions);
  });
});
