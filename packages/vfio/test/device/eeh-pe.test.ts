import { type EehOwnerPort, type OwnedPe } from '@pci-recovery/eeh';
import { EehPe, openEehPe, VfioContainer, VfioGroup, VfioOwnership } from '../../src/index.js';
import { EEH_PE_OP as OP, EEH_PE_STATE as STATE } from '../../src/uapi/index.js';
import { type MachineDescription } from '../../src/testing/index.js';
import { failure } from '../uapi/failure.js';
import { A, B, Lab } from './lab.js';

const PORT = '0000:00:00.0';

/** A PowerPC machine: two functions below a port, in one PE. */
const POWER: MachineDescription = {
  arch: 'ppc64',
  ports: [{ bdf: PORT }],
  groups: [
    {
      number: 3,
      functions: [
        { bdf: A, port: PORT },
        { bdf: B, port: PORT },
      ],
    },
  ],
};

/** The same in two PEs, as with SR-IOV. */
const TWO_PES: MachineDescription = {
  ...POWER,
  groups: [
    { number: 3, functions: [{ bdf: A, port: PORT }], pe: { address: 0x1fd } },
    { number: 4, functions: [{ bdf: B, port: PORT }], pe: { address: 0x1fe } },
  ],
};

const opened = async (lab: Lab, options = {}): Promise<EehPe> =>
  lab.clock.drive(openEehPe(A, { ...lab.options, ...options }));

describe('a PE that is held', () => {
  it('is an OwnedPe of the EEH backend', async () => {
    const lab = new Lab(POWER);
    const pe: OwnedPe = await opened(lab);
    const port: EehOwnerPort = { owned: [pe] };
    expect([pe.name, pe.functions, pe.needsFundamentalReset, pe.resetAllowed, port.owned.length]).toEqual([
      'group 3',
      [A, B],
      false,
      true,
      1,
    ]);
    await (pe as EehPe).close();
    expect([lab.left, lab.ownership.groups]).toEqual([[], []]);
  });

  it('tells and lifts its two freezes (R4.5)', async () => {
    const lab = new Lab(POWER);
    const pe = await opened(lab);
    expect(await pe.operate(OP.getState)).toBe(STATE.normal);
    lab.kernel.error(A, {}).finish();
    expect(await pe.operate(OP.getState)).toBe(STATE.stopped);
    expect(await pe.operate(OP.unfreezeIo)).toBe(0);
    expect(await pe.operate(OP.getState)).toBe(STATE.stoppedDma);
    expect(await pe.operate(OP.unfreezeDma)).toBe(0);
    expect(await pe.operate(OP.getState)).toBe(STATE.normal);
    await pe.close();
  });

  it('is never told of a freeze: the state has to be asked for', async () => {
    const lab = new Lab(POWER);
    const pe = await opened(lab);
    const told: number[] = [];
    pe.devices[0]!.onError((signals) => told.push(signals));
    lab.kernel.error(A, {}).finish();
    await lab.turn();
    expect(told).toEqual([]);
    await pe.close();
  });

  it('is marked as isolated by asking for its state', async () => {
    const lab = new Lab(POWER);
    const pe = await opened(lab);
    lab.kernel.error(A, {}).finish();
    expect(lab.kernel.pe(A)!.isolated).toBe(false);
    await pe.operate(OP.getState);
    expect(lab.kernel.pe(A)!.isolated).toBe(true);
    await pe.close();
  });

  it('is thawed by ENABLE, and by opening it', async () => {
    const lab = new Lab(POWER);
    lab.kernel.error(A, { mmio: true, dma: false }).until('frozen');
    const pe = await opened(lab);
    expect(await pe.operate(OP.getState)).toBe(STATE.normal);
    lab.kernel.error(A, {}).finish();
    expect(await pe.operate(OP.enable)).toBe(0);
    expect(await pe.operate(OP.getState)).toBe(STATE.normal);
    await pe.close();
  });

  it.each([
    ['resetHot', OP.resetHot],
    ['resetFundamental', OP.resetFundamental],
  ])('is reset: %s, then deactivated and configured (R4.4, R4.8)', async (_, reset) => {
    const lab = new Lab({ ...POWER, durations: { eehReset: 5000 } });
    const pe = await opened(lab);
    lab.kernel.error(A, {}).finish();
    for (const operation of [reset, OP.resetDeactivate, OP.configure]) {
      expect(await lab.clock.drive(pe.operate(operation))).toBe(0);
    }
    await pe.close();
    expect(lab.left).toEqual([]);
  });

  it.each([
    ['an operation that there is not', 42, undefined],
    ['no operation', 1.5, undefined],
    ['an injection without what to inject', OP.injectError, undefined],
    ['an injection of what cannot be', OP.injectError, { type: -1, func: 0, address: 0n, mask: 0n }],
  ])('answers EINVAL to %s, without asking the kernel', async (_, operation, injection) => {
    const lab = new Lab(POWER);
    const pe = await opened(lab);
    expect(await pe.operate(operation, injection)).toBe(-22);
    expect(lab.count('VFIO_EEH_PE_OP')).toBe(0);
    await pe.close();
  });

  it('injects errors', async () => {
    const lab = new Lab(POWER);
    const pe = await opened(lab);
    const answer = await pe.operate(OP.injectError, { type: 0, func: 4, address: 0x1000n, mask: ~0n & 0xffffn });
    expect([answer, lab.count('VFIO_EEH_PE_OP')]).toEqual([0, 1]);
    await pe.close();
  });

  it.each(['ENODEV', 'EIO', 'EINVAL', 'EBUSY'])(
    'answers what the kernel refuses, and never throws: %s',
    async (errno) => {
      const lab = new Lab(POWER);
      const pe = await opened(lab);
      const refused = lab.kernel.script({ call: 'ioctl', request: 'VFIO_EEH_PE_OP', result: errno });
      expect(await pe.operate(OP.getState)).toBeLessThan(0);
      expect(refused.hits).toBe(1);
      await pe.close();
      expect(await pe.operate(OP.getState)).toBe(-9);
    },
  );

  it('is not closed under an operation', async () => {
    const lab = new Lab(POWER);
    const pe = await opened(lab);
    const held = lab.kernel.script({ call: 'ioctl', request: 'VFIO_EEH_PE_OP', hold: true });
    const operation = pe.operate(OP.getState);
    const closing = pe.close();
    await lab.turn();
    expect(lab.calls.filter(({ call, file }) => call === 'closeAsync' && file === '/dev/vfio/vfio')).toEqual([]);
    held.release();
    expect(await operation).toBeGreaterThanOrEqual(0);
    await closing;
    expect(lab.left).toEqual([]);
  });
});

describe('whether a PE may be reset (R4.9)', () => {
  it('is no while the reset reaches a function in another PE that is not held, and yes when one owner has both', async () => {
    const lab = new Lab(TWO_PES);
    const pe = await opened(lab);
    expect(pe.resetAllowed).toEqual({ absent: expect.stringContaining(`${B} (group 4)`) as string });
    const other = await lab.clock.drive(openEehPe(B, lab.options));
    expect([pe.resetAllowed, other.resetAllowed]).toEqual([true, true]);
    await other.close();
    expect(pe.resetAllowed).not.toBe(true);
    await pe.close();
    expect(lab.left).toEqual([]);
  });

  it('is yes for a virtual function, which has no bus of its own', async () => {
    const machine = { ...POWER, groups: [{ number: 3, functions: [{ bdf: A }] }] };
    const lab = new Lab(machine);
    const real = await opened(lab);
    expect(real.resetAllowed).toEqual({ absent: expect.stringContaining('no hot reset here') as string });
    await real.close();
    const find = lab.host.find.bind(lab.host);
    const host = { ...lab.host, find: async (bdf: typeof A) => ({ ...(await find(bdf)), virtual: true }) };
    const virtual = await opened(lab, { host });
    expect(virtual.resetAllowed).toBe(true);
    await virtual.close();
  });

  it('is no when it cannot be told', async () => {
    const lab = new Lab(POWER);
    const pe = await opened(lab);
    await pe.close();
    expect(pe.resetAllowed).toEqual({ absent: expect.stringContaining('cannot be told') as string });
  });
});

describe('opening a PE', () => {
  it('takes a fundamental reset where it is told so (R4.4)', async () => {
    const lab = new Lab(POWER);
    const pe = await opened(lab, { needsFundamentalReset: true });
    expect(pe.needsFundamentalReset).toBe(true);
    await pe.close();
  });

  it('takes only the functions that it is told', async () => {
    const lab = new Lab(POWER);
    const pe = await opened(lab, { functions: [A] });
    expect(pe.functions).toEqual([A]);
    await pe.close();
  });

  it.each([
    ['no function at all', []],
    ['a function of another group', [A, B]],
  ])('takes functions of its group, not %s', async (_, functions) => {
    const lab = new Lab(TWO_PES);
    await expect(opened(lab, { functions })).rejects.toMatchObject({
      code: 'ERR_PCI_UNSUPPORTED',
      context: { group: 3 },
    });
    expect(lab.calls).toEqual([]);
  });

  it.each([
    ['where EEH is off', { ...POWER, eeh: 'off' as const }],
    ['on x86', { ...POWER, arch: 'x64' as const }],
  ])('says that there is no EEH %s, and leaves nothing open', async (_, machine) => {
    const lab = new Lab(machine);
    await expect(opened(lab)).rejects.toMatchObject({ code: 'ERR_PCI_UNSUPPORTED', context: { group: 3 } });
    expect(lab.left).toEqual([]);
  });

  it('says that there is no group', async () => {
    const lab = new Lab({ ...POWER, iommu: 'off' });
    await expect(opened(lab)).rejects.toMatchObject({ code: 'ERR_PCI_UNSUPPORTED', context: { bdf: A } });
  });

  it('leaves nothing open when one of its functions cannot be opened', async () => {
    const lab = new Lab(POWER);
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_GROUP_GET_DEVICE_FD', nth: 2, result: 'ENODEV' });
    await expect(opened(lab)).rejects.toMatchObject({ code: 'ERR_PCI_NOT_BOUND' });
    expect(lab.left).toEqual([]);
  });

  it('takes a container with one group only: the ioctl acts on all, and stops at the first answer that is not 0', async () => {
    const lab = new Lab(TWO_PES);
    const container = VfioContainer.open(lab.kernel);
    expect(failure(() => new EehPe({ container, devices: [] })).code).toBe('ERR_PCI_ONE_GROUP_PER_CONTAINER');
    const groups = [3, 4].map((id) => VfioGroup.open(lab.kernel, id));
    groups.forEach((group) => container.attach(group));
    expect(failure(() => new EehPe({ container, devices: [] }))).toMatchObject({
      code: 'ERR_PCI_ONE_GROUP_PER_CONTAINER',
      context: { groups: [3, 4] },
    });
    container.detach(groups[1]!);
    expect(new EehPe({ container, devices: [] }).name).toBe('group 3');
    await Promise.all(groups.map((group) => group.close()));
    await container.close();
    expect(lab.left).toEqual([]);
  });

  it('keeps PEs of one owner in containers of their own', async () => {
    const lab = new Lab(TWO_PES);
    const ownership = new VfioOwnership();
    const pes = [await opened(lab, { ownership }), await lab.clock.drive(openEehPe(B, { ...lab.options, ownership }))];
    lab.kernel.error(B, {}).finish();
    expect([await pes[0]!.operate(OP.getState), await pes[1]!.operate(OP.getState)]).toEqual([0, STATE.stopped]);
    await Promise.all(pes.map((pe) => pe.close()));
    expect(lab.left).toEqual([]);
  });
});
