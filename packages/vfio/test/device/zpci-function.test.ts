import { type ZpciOwnerPort } from '@pci-recovery/zpci';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PCI_HEADER } from '@pci-recovery/pci';
import { Sysfs, type VfioDevice, ZpciFunction } from '../../src/index.js';
import { type MachineDescription } from '../../src/testing/index.js';
import { failure } from '../uapi/failure.js';
import { A, go, Lab } from './lab.js';

const S390: MachineDescription = {
  arch: 's390x',
  groups: [{ number: 0, functions: [{ bdf: A, slotReset: true, zpci: { fid: 1 } }] }],
};

let lab: Lab;
let device: VfioDevice;
let fn: ZpciFunction;

beforeEach(async () => {
  lab = new Lab(S390);
  device = await lab.open(A);
  fn = new ZpciFunction(device, 1);
});

afterEach(async () => {
  await device.close();
  expect(lab.left).toEqual([]);
});

/** An error of the function; the host's handler has ended. */
const fault = (pec = 0x3a): void => void lab.kernel.error(A, { pec }).finish();
const pecOf = (record: Uint8Array | undefined): number | undefined => record && (record[30]! << 8) | record[31]!;

describe('an s390 function that is held', () => {
  it('is a ZpciOwnerPort of the zPCI backend', () => {
    const port: ZpciOwnerPort = fn;
    expect([port.bdf, port.fid, port.canHotReset]).toEqual([A, 1, true]);
  });

  it('has a handle, which is another one after each reset', async () => {
    const before = fn.handle();
    expect(before).toBe(lab.kernel.zpci(A)!.fh);
    expect(fn.reset()).toBe(0);
    expect(fn.handle()).toBe(lab.kernel.zpci(A)!.fh);
    await device.close();
    expect(fn.handle()).toBeUndefined();
  });

  it('tells once for each error', async () => {
    let told = 0;
    const listening = fn.onError(() => told++);
    fault();
    fault();
    await lab.turn();
    expect(told).toBe(2);
    listening[Symbol.dispose]();
  });

  it('gives its pending errors one by one, the oldest first, four at most (R2.3, R2.4)', () => {
    expect(fn.nextError()).toEqual({ errno: 'ENOMSG' });
    for (const pec of [0x30, 0x31, 0x32, 0x33, 0x34, 0x35]) fault(pec);
    const records = [fn.nextError(), fn.nextError(), fn.nextError(), fn.nextError()];
    expect(records.map(({ errno, record }) => [errno, record?.length, pecOf(record)])).toEqual([
      [0, 32, 0x30],
      [0, 32, 0x31],
      [0, 32, 0x32],
      [0, 32, 0x33],
    ]);
    expect(fn.nextError()).toEqual({ errno: 'ENOMSG' });
  });

  it('gives them through the device as well, and nothing when there is none', () => {
    expect(device.zpciErrorRecord()).toBeUndefined();
    fault(0x30);
    expect(pecOf(device.zpciErrorRecord())).toBe(0x30);
    expect(device.zpciErrorRecord()).toBeUndefined();
  });

  it('keeps its pending errors over a reset', () => {
    fault(0x30);
    expect(fn.reset()).toBe(0);
    expect(pecOf(fn.nextError().record)).toBe(0x30);
  });

  it('loses no record: the kernel always gets memory of the length that it told', () => {
    fault(0x30);
    fault(0x31);
    expect([fn.nextError(), fn.nextError()].map(({ record }) => pecOf(record))).toEqual([0x30, 0x31]);
    const asked = lab.calls.filter(({ request }) => request === 'VFIO_DEVICE_FEATURE');
    expect(asked.map(({ result }) => result)).toEqual([0, 0]);
  });

  it('is not to be reset while the host’s handler has it (EAGAIN), then it is', async () => {
    const recovery = lab.kernel.error(A, {});
    recovery.until('notified');
    expect(fn.reset()).toBe('EAGAIN');
    recovery.finish();
    expect(fn.reset()).toBe(0);
    void lab.kernel.error(A, {}).play(lab.clock);
    await lab.clock.drive(device.reset(go));
    expect(fn.readConfig(PCI_HEADER.VENDOR_ID, 2)).toBe(0x1af4);
  });

  it('does not answer in the error state, except for what is virtualised, until it is reset', () => {
    fault();
    expect(fn.readConfig(PCI_HEADER.COMMAND, 2)).toBeUndefined();
    expect(fn.readConfig(PCI_HEADER.VENDOR_ID, 2)).toBe(0x1af4);
    expect(fn.reset()).toBe(0);
    expect(fn.readConfig(PCI_HEADER.COMMAND, 2)).not.toBeUndefined();
  });

  it('reads and writes registers of each width, little-endian', () => {
    expect(fn.readConfig(PCI_HEADER.VENDOR_ID, 4)).toBe(0x1041_1af4);
    expect(fn.readConfig(PCI_HEADER.VENDOR_ID, 2)).toBe(0x1af4);
    expect(fn.readConfig(PCI_HEADER.VENDOR_ID, 1)).toBe(0xf4);
    expect(fn.writeConfig(PCI_HEADER.BASE_ADDRESS_0, 4, 0xffff_ffff)).toBe(true);
    expect(fn.readConfig(PCI_HEADER.BASE_ADDRESS_0, 4)).toBe(0xffff_c000);
    expect(fn.writeConfig(PCI_HEADER.COMMAND, 2, 0x0006)).toBe(true);
    expect(fn.readConfig(PCI_HEADER.COMMAND, 2)! & 6).toBe(6);
  });

  it.each([-1, 4096, 0.5])('has no register at %p', (offset) => {
    expect([fn.readConfig(offset, 4), fn.writeConfig(offset, 4, 0)]).toEqual([undefined, false]);
  });

  it('is hot-reset', () => {
    expect(fn.hotReset()).toBe(0);
  });

  it.each([
    ['VFIO_DEVICE_RESET', 'EINVAL', (port: ZpciFunction) => port.reset()],
    ['VFIO_DEVICE_RESET', 'ENOTTY', (port: ZpciFunction) => port.reset()],
    ['VFIO_DEVICE_PCI_HOT_RESET', 'EBUSY', (port: ZpciFunction) => port.hotReset()],
    ['VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', 'ENODEV', (port: ZpciFunction) => port.hotReset()],
    ['VFIO_DEVICE_FEATURE', 'ENOTTY', (port: ZpciFunction) => port.nextError().errno],
    ['VFIO_DEVICE_FEATURE', 'EFAULT', (port: ZpciFunction) => port.nextError().errno],
    ['VFIO_DEVICE_GET_INFO', 'EIO', (port: ZpciFunction) => port.nextError().errno],
  ] as const)('answers what the kernel refuses, and never throws: %s %s', (request, errno, call) => {
    lab.kernel.script({ call: 'ioctl', request, result: errno });
    expect(call(fn)).toBe(errno);
  });

  it('never throws, also after it was closed', async () => {
    await device.close();
    expect([
      fn.reset(),
      fn.hotReset(),
      fn.nextError(),
      fn.handle(),
      fn.readConfig(0, 2),
      fn.writeConfig(4, 2, 0),
    ]).toEqual(['EBADF', 'EBADF', { errno: 'EBADF' }, undefined, undefined, false]);
    expect(fn.canHotReset).toEqual({ absent: expect.stringContaining('cannot be told') as string });
  });

  it('is told by sysfs: its function id', async () => {
    const root = mkdtempSync(join(tmpdir(), 'zpci-'));
    const folder = join(root, 'bus/pci/devices', A);
    mkdirSync(folder, { recursive: true });
    await expect(ZpciFunction.of(device, new Sysfs({ root }))).rejects.toMatchObject({ code: 'ERR_PCI_UNSUPPORTED' });
    writeFileSync(join(folder, 'function_id'), '0x00000017\n');
    expect((await ZpciFunction.of(device, new Sysfs({ root }))).fid).toBe(0x17);
    rmSync(root, { recursive: true });
  });
});

describe('an s390 function on a kernel before 7.3', () => {
  it('has no error records: it says so without asking for one', async () => {
    const older = new Lab({
      ...S390,
      groups: [{ number: 0, functions: [{ bdf: A, zpci: { fid: 1, baseVersion: 2 } }] }],
    });
    const held = await older.open(A);
    expect(new ZpciFunction(held, 1).nextError()).toEqual({ errno: 'ENOTTY' });
    expect(failure(() => held.zpciErrorRecord())).toMatchObject({
      code: 'ERR_PCI_UNSUPPORTED',
      message: expect.stringContaining('Linux 7.3') as string,
    });
    expect(older.count('VFIO_DEVICE_FEATURE')).toBe(0);
    await held.close();
  });
});
