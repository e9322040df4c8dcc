import { VirtualClock } from '@pci-recovery/core/testing';
import { type MachineDescription, ScriptedKernel } from '../../src/testing/index.js';
import { hotReset, hotResetInfo, setContainer } from '../../src/uapi/index.js';
import { BDF, PORT, Program, twoFunctions, x86 } from './programs.js';

const SIBLING = '0000:01:00.1';

/** Two functions below one port, each in a group of its own (R4.3). */
const twoGroups: MachineDescription = {
  arch: 'x64',
  ports: [{ bdf: PORT }],
  groups: [
    { number: 1, functions: [{ bdf: BDF, port: PORT }] },
    { number: 2, functions: [{ bdf: SIBLING, port: PORT }] },
  ],
};

const opened = (machine: MachineDescription, group: number, clock?: VirtualClock) => {
  const kernel = new ScriptedKernel(machine, clock ? { clock } : {});
  const program = new Program(kernel);
  const fds = program.openDevice(BDF, group);
  const reset = (...groups: readonly number[]): string | number =>
    program.ioctl(fds.device, 'VFIO_DEVICE_PCI_HOT_RESET', hotReset.byGroups(groups));
  return { kernel, program, ...fds, reset };
};

describe('hot reset in group mode (R4.1, R4.2)', () => {
  it('lists all functions below the port, with their groups', () => {
    const { program, device } = opened(twoGroups, 1);
    expect(program.ask(device, hotResetInfo.query())).toEqual({
      mode: 'group',
      functions: [
        { bdf: BDF, mode: 'group', group: 1 },
        { bdf: SIBLING, mode: 'group', group: 2 },
      ],
    });
  });

  it('says how many there are when there is no room for them', () => {
    const { program, device } = opened(twoGroups, 1);
    const short = hotResetInfo.encodeRequest(20);
    expect(program.ioctl(device, 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', short)).toBe('ENOSPC');
    expect(hotResetInfo.decodeReply(short, -28)).toEqual({ needed: 28 });
  });

  it('wants the groups of all of them', () => {
    const { program, group, reset } = opened(twoGroups, 1);
    expect(reset(group)).toBe('EINVAL');
    const other = program.open('/dev/vfio/2');
    expect(reset(group, other)).toBe(0);
    expect(reset(other)).toBe('EINVAL');
    expect(reset(group, other, other)).toBe('EINVAL');
  });

  it('takes one group for two functions of it', () => {
    const { group, reset } = opened(twoFunctions(), 8);
    expect(reset(group)).toBe(0);
  });

  it.each([null, 'nvme'])('is EINVAL while a function is bound to %s', (driver) => {
    const machine = twoGroups.groups.map((group, at) =>
      at === 0 ? group : { ...group, functions: [{ ...group.functions[0]!, driver }] },
    );
    const { group, reset } = opened({ ...twoGroups, groups: machine }, 1);
    expect(reset(group)).toBe('EINVAL');
  });

  it('is ENODEV where there is neither a port nor a slot, and touches one function where its slot resets', () => {
    const integrated = opened({ arch: 'x64', groups: [{ number: 1, functions: [{ bdf: BDF }] }] }, 1);
    expect(integrated.reset(integrated.group)).toBe('ENODEV');
    expect(() => integrated.program.ask(integrated.device, hotResetInfo.query())).toThrow('ENODEV');
    const slot = opened({ arch: 'x64', groups: [{ number: 1, functions: [{ bdf: BDF, slotReset: true }] }] }, 1);
    expect(slot.reset(slot.group)).toBe(0);
  });

  it('resets everybody: COMMAND of both is kept by save and restore, memory of both is lost', () => {
    const { kernel, program, device, group, reset } = opened(twoFunctions(), 8);
    const other = program.deviceOf(group, SIBLING);
    for (const fd of [device, other]) program.writeConfig(fd, 4, 6, 1);
    for (const bdf of [BDF, SIBLING]) kernel.hardware(bdf).bars[0]!.bytes.fill(7);
    reset(group);
    for (const [fd, bdf] of [
      [device, BDF],
      [other, SIBLING],
    ] as const) {
      expect(program.config16(fd, 4)).toBe(0x0106);
      expect(kernel.hardware(bdf).bars[0]!.bytes[0]).toBe(0);
    }
  });

  it('is EBUSY while one of them is being reset; that reset goes on', async () => {
    const clock = new VirtualClock();
    const { program, group, reset } = opened(twoFunctionsThatTake(100), 8, clock);
    const other = program.deviceOf(group, SIBLING);
    const running = program.ioctlAsync(other, 'VFIO_DEVICE_RESET');
    await new Promise((resolve) => setImmediate(resolve));
    expect(reset(group)).toBe('EBUSY');
    clock.advance(100);
    expect(await running).toBe(0);
    expect(reset(group)).toBe(0);
  });

  it('two resets of one device wait for each other', async () => {
    const clock = new VirtualClock();
    const { program, device } = opened(x86({}, { durations: { reset: 100 } }), 7, clock);
    const both = Promise.all([
      program.ioctlAsync(device, 'VFIO_DEVICE_RESET'),
      program.ioctlAsync(device, 'VFIO_DEVICE_RESET'),
    ]);
    expect(await clock.drive(both)).toEqual([0, 0]);
    expect(clock.monotonic()).toBe(200e6);
  });
});

const twoFunctionsThatTake = (reset: number): MachineDescription => ({ ...twoFunctions(), durations: { reset } });

describe('groups and who owns them', () => {
  it('a group with a function that the host uses is not viable: EPERM', () => {
    const program = new Program(new ScriptedKernel(twoFunctions({ driver: 'nvme' })));
    const [container, group] = [program.open('/dev/vfio/vfio'), program.open('/dev/vfio/8')];
    const status = new Uint8Array(8);
    status.set(new Uint8Array(new Uint32Array([8]).buffer));
    expect(program.ioctl(group, 'VFIO_GROUP_GET_STATUS', status)).toBe(0);
    expect(new Uint32Array(status.buffer)[1]).toBe(0);
    expect(program.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', setContainer.encodeRequest(container))).toBe('EPERM');
  });

  it('a driverless sibling leaves it viable', () => {
    expect(opened(twoFunctions({ driver: null }), 8).device).toBeGreaterThan(0);
  });

  it('the container loses its IOMMU with its last group', () => {
    const { kernel, program, container, group, device } = opened(x86(), 7);
    kernel.close(device);
    expect(program.ioctl(group, 'VFIO_GROUP_UNSET_CONTAINER')).toBe(0);
    expect(program.ioctl(container, 'VFIO_IOMMU_GET_INFO', new Uint8Array(16))).toBe('EINVAL');
    expect(program.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', setContainer.encodeRequest(container))).toBe(0);
    expect(program.ioctl(container, 'VFIO_SET_IOMMU', 3)).toBe(0);
  });

  it('an open device holds its group and container, whatever is closed in which order', () => {
    const { kernel, program, container, group, device } = opened(x86(), 7);
    kernel.close(group);
    kernel.close(container);
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe(0);
    expect(program.open('/dev/vfio/7')).toBeLessThan(0);
    kernel.close(device);
    expect(program.open('/dev/vfio/7')).toBeGreaterThan(0);
  });

  it('a device is opened several times in group mode: reset and let go with the last descriptor', () => {
    const { kernel, program, group, device } = opened(x86(), 7);
    const second = program.deviceOf(group, BDF);
    kernel.hardware(BDF).bars[0]!.bytes[0] = 5;
    kernel.close(device);
    expect(kernel.hardware(BDF).bars[0]!.bytes[0]).toBe(5);
    kernel.close(second);
    expect(kernel.hardware(BDF).bars[0]!.bytes[0]).toBe(0);
  });

  it('without an IOMMU there are no groups', () => {
    const program = new Program(new ScriptedKernel(x86({}, { iommu: 'off' })));
    expect(program.open('/dev/vfio/vfio')).toBeGreaterThan(0);
    expect(program.open('/dev/vfio/7')).toBeLessThan(0);
  });
});
