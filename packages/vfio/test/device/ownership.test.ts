import { VfioDevice, VfioGroup, VfioOwnership, OwnedFd, openVfioDevice } from '../../src/index.js';
import { A, B, go, Lab, ONE, ONE_GROUP, TWO_GROUPS, withDriver } from './lab.js';

describe('a hot reset of two functions in groups of their own (R4.2, R4.3)', () => {
  it('is refused without asking the kernel while only one of them is held, naming the other', async () => {
    const lab = new Lab(TWO_GROUPS);
    const device = await lab.open(A);
    expect(await device.hotResetScope()).toEqual({
      members: [
        { bdf: A, owned: true },
        { bdf: B, owned: false },
      ],
      allowed: { absent: `a hot reset would touch functions that are not held: ${B} (group 8)` },
    });
    await expect(device.hotReset(go)).rejects.toMatchObject({
      code: 'ERR_PCI_NOT_OWNED',
      context: { bdf: A, missing: [B] },
      message: expect.stringContaining(`${B} (group 8)`) as string,
    });
    expect(lab.count('VFIO_DEVICE_PCI_HOT_RESET')).toBe(0);
    await device.close();
  });

  it('is done with the descriptors of both groups when both are held', async () => {
    const lab = new Lab(TWO_GROUPS);
    const [first, second] = [await lab.open(A), await lab.open(B)];
    await lab.clock.drive(first.hotReset(go));
    await lab.clock.drive(second.hotReset(go));
    expect(
      lab.calls.filter(({ request }) => request === 'VFIO_DEVICE_PCI_HOT_RESET').map(({ result }) => result),
    ).toEqual([0, 0]);
    await second.close();
    expect((await first.hotResetScope()).allowed).not.toBe(true);
    await first.close();
    expect(lab.left).toEqual([]);
  });

  it('is refused when the other one is held by somebody else', async () => {
    const lab = new Lab(TWO_GROUPS);
    const mine = await lab.open(A);
    const theirs = await lab.open(B, { ownership: new VfioOwnership(), syscalls: lab.kernel.spawn() });
    expect((await mine.hotResetScope()).members.map(({ owned }) => owned)).toEqual([true, false]);
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('holds the other group’s descriptor as long as the reset runs', async () => {
    const lab = new Lab(TWO_GROUPS);
    const [first, second] = [await lab.open(A), await lab.open(B)];
    const held = lab.kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_PCI_HOT_RESET', hold: true });
    const reset = first.hotReset(go);
    await lab.turn();
    const closing = second.close();
    await lab.turn();
    expect(lab.calls.filter(({ call, file }) => call === 'closeAsync' && file === '/dev/vfio/8')).toEqual([]);
    held.release();
    await lab.clock.drive(reset);
    await Promise.all([closing, first.close()]);
    expect(lab.left).toEqual([]);
  });

  it('that is tried again says who is missing when the other group was given up meanwhile', async () => {
    const lab = new Lab(TWO_GROUPS);
    const [first, second] = [await lab.open(A), await lab.open(B)];
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_PCI_HOT_RESET', times: 1, result: 'EAGAIN' });
    const reset = first.hotReset(go);
    await lab.turn();
    await second.close();
    await expect(lab.clock.drive(reset)).rejects.toMatchObject({ code: 'ERR_PCI_NOT_OWNED', context: { group: 8 } });
    await first.close();
    expect(lab.left).toEqual([]);
  });

  it('in cdev mode is what the kernel says, with a list of length zero', async () => {
    const lab = new Lab({ ...TWO_GROUPS, cdev: true });
    const first = await lab.open(A);
    await expect(first.hotReset(go)).rejects.toMatchObject({ code: 'ERR_PCI_NOT_OWNED', context: { missing: [B] } });
    const second = await lab.open(B);
    expect((await first.hotResetScope()).allowed).toBe(true);
    await lab.clock.drive(first.hotReset(go));
    const call = lab.calls.findLast(({ request }) => request === 'VFIO_DEVICE_PCI_HOT_RESET')!;
    expect([(call.argument as Uint8Array).length, call.result]).toEqual([12, 0]);
    await Promise.all([first.close(), second.close()]);
    expect(lab.left).toEqual([]);
  });

  it('in cdev mode owns a sibling of its group that nobody has opened', async () => {
    const lab = new Lab({ ...ONE_GROUP, cdev: true });
    const device = await lab.open(A);
    expect(await device.hotResetScope()).toMatchObject({
      members: [
        { bdf: A, owned: true },
        { bdf: B, owned: true },
      ],
      allowed: true,
    });
    await device.close();
  });
});

describe('a hot reset whose group is held', () => {
  it('is refused by the kernel for a sibling without a driver: it says whom to bind', async () => {
    const lab = new Lab(withDriver(ONE_GROUP, B, null));
    const device = await lab.open(A);
    expect((await device.hotResetScope()).allowed).toBe(true);
    await expect(lab.clock.drive(device.hotReset(go))).rejects.toMatchObject({
      code: 'ERR_PCI_NOT_OWNED',
      context: { errno: 'EINVAL', touched: [A, B] },
    });
    await device.close();
  });

  it('does not exist where there is no bus to reset', async () => {
    const lab = new Lab({ ...ONE, groups: [{ number: 7, functions: [{ bdf: A }] }] });
    const device = await lab.open(A);
    expect(await device.hotResetScope()).toMatchObject({ members: [], allowed: { absent: /no hot reset/ } });
    await expect(device.hotReset(go)).rejects.toMatchObject({ context: { errno: 'ENODEV' } });
    await device.close();
  });
});

describe('a device that a VMM owns', () => {
  /** A VMM with the device open, and duplicates of its descriptors in this process. */
  async function intercepted() {
    const lab = new Lab(ONE);
    const vmm = lab.kernel.spawn();
    const theirs = await lab.open(A, { syscalls: vmm, ownership: new VfioOwnership() });
    const told: string[] = [];
    theirs.onError(() => told.push('vmm'));
    const duplicate = (what: RegExp): OwnedFd => {
      const fd = vmm.openDescriptors.find(({ what: each }) => what.test(each))!.fd;
      const pidfd = lab.kernel.pidfdOpen(vmm.pid);
      const mine = new OwnedFd(lab.kernel, lab.kernel.pidfdGetfd(pidfd, fd), `duplicate of ${fd}`);
      lab.kernel.close(pidfd);
      return mine;
    };
    const options = { bdf: A, clock: lab.clock, ownership: lab.ownership };
    const mine = VfioDevice.fromDescriptor(lab.kernel, duplicate(/vfio-device/), options);
    return { lab, vmm, theirs, mine, told, duplicate };
  }

  it('loses its ERR signal to who registers last, until the VMM registers again', async () => {
    const { lab, theirs, mine, told } = await intercepted();
    const fault = async () => {
      lab.kernel.error(A, { severity: 'nonfatal' }).finish();
      await lab.turn();
    };
    await fault();
    const listening = mine.onError(() => told.push('mine'));
    await fault();
    expect(told).toEqual(['vmm', 'mine']);
    listening[Symbol.dispose]();
    await fault();
    expect(told).toHaveLength(2);
    theirs.onRequest(() => undefined);
    await mine.close();
    await theirs.close();
    expect(lab.left).toEqual([]);
  });

  it('keeps its interrupts when the duplicate is closed', async () => {
    const { lab, theirs, mine } = await intercepted();
    const told: number[] = [];
    theirs.onInterrupt('msix', 0, (count) => told.push(count));
    await mine.rearmInterrupts();
    await mine.close();
    lab.kernel.interrupt(A, 0);
    await lab.turn();
    expect(told).toEqual([1]);
    await theirs.close();
  });

  it('can be read and reset, but not mapped: container and group did not come along', async () => {
    const { lab, theirs, mine } = await intercepted();
    expect(mine.heldBy).toBe('descriptor');
    expect((await mine.readConfig(0, 2)).length).toBe(2);
    await lab.clock.drive(mine.reset(go));
    await expect(mine.mapDma({ address: 0n, size: 4096n, iova: 0n })).rejects.toMatchObject({
      code: 'ERR_PCI_UNSUPPORTED',
    });
    expect((await mine.hotResetScope()).allowed).not.toBe(true);
    await mine.close();
    await theirs.close();
  });

  it('can be hot-reset with a duplicate of its group', async () => {
    const { lab, theirs, mine, duplicate } = await intercepted();
    const group = new VfioGroup(lab.kernel, duplicate(/^\/dev\/vfio\/7$/), 7);
    lab.ownership.addGroup(group);
    await lab.clock.drive(mine.hotReset(go));
    await mine.close();
    await group.close();
    await theirs.close();
    expect(lab.left).toEqual([]);
  });

  it('cannot be opened again before all duplicates are closed', async () => {
    const { lab, vmm, theirs, mine } = await intercepted();
    await theirs.close();
    const again = { ...lab.options, syscalls: vmm, ownership: new VfioOwnership() };
    await expect(lab.clock.drive(openVfioDevice(A, again))).rejects.toMatchObject({ code: 'ERR_PCI_BUSY' });
    await mine.close();
    await (await lab.clock.drive(openVfioDevice(A, again))).close();
  });

  it('is closed when nobody knows the requests of its architecture', async () => {
    const lab = new Lab(ONE);
    const fd = new OwnedFd(lab.kernel, lab.kernel.eventfd(0), 'device');
    const options = { bdf: A, arch: 'vax' };
    expect(() => VfioDevice.fromDescriptor(lab.kernel, fd, options)).toThrow(/request numbers are not known for "vax"/);
    await lab.turn();
    expect(lab.left).toEqual([]);
  });

  it('is closed when it is no device at all', async () => {
    const lab = new Lab(ONE);
    const fd = new OwnedFd(lab.kernel, lab.kernel.eventfd(0), 'no device');
    expect(() => VfioDevice.fromDescriptor(lab.kernel, fd, { bdf: A })).toThrow(/VFIO_DEVICE_GET_REGION_INFO failed/);
    await lab.turn();
    expect(lab.left).toEqual([]);
  });
});
