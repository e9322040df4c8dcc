import { VirtualClock } from '@pci-recovery/core/testing';
import { ScriptedKernel } from '../../src/testing/index.js';
import { eehPe, EXTENSION, setContainer, spaprInfo } from '../../src/uapi/index.js';
import { BDF, named, PORT, ppc64, Program } from './programs.js';

const OTHER = '0001:01:00.0';
const V1 = EXTENSION.spaprTceIommu;

const opened = (kernel = new ScriptedKernel(ppc64())) => {
  const program = new Program(kernel);
  const fds = program.openDevice(BDF, 1, V1);
  const operate = (operation: Parameters<typeof eehPe.encodeRequest>[0]): string | number =>
    program.ioctl(fds.container, 'VFIO_EEH_PE_OP', eehPe.encodeRequest(operation));
  return { kernel, program, ...fds, operate };
};

describe('what the lab saw of EEH', () => {
  it('a frozen PE that is passed through signals nobody: its owner must poll', () => {
    const { kernel, program, device, operate } = opened();
    const eventfd = program.errorEventfd(device);
    expect(kernel.error(BDF, {}).finish().taken).toEqual(['frozen']);
    expect(named(Number(kernel.takeEventfd(eventfd)))).toBe('EAGAIN');
    expect(operate('getState')).toBe(2);
  });

  it('states by what is frozen; thawing MMIO, then DMA: 2, 4, 0', () => {
    const { kernel, operate } = opened();
    kernel.error(BDF, {}).finish();
    const states = [operate('getState')];
    operate('unfreezeIo');
    states.push(operate('getState'));
    operate('unfreezeDma');
    expect([...states, operate('getState')]).toEqual([2, 4, 0]);
  });

  it('reading the state marks a PE isolated of which both are frozen, and only then', () => {
    const { kernel, operate } = opened();
    kernel.error(BDF, { mmio: true, dma: false }).finish();
    operate('getState');
    expect(kernel.pe(BDF)!.isolated).toBe(false);
    kernel.error(BDF, { dma: true }).finish();
    operate('getState');
    expect(kernel.pe(BDF)!.isolated).toBe(true);
  });

  it('sysfs tells both words, and reading them marks it as well: MMIO only 0x50, DMA only 0x28 of the lab', () => {
    const word = (frozen: { mmio: boolean; dma: boolean }): string => {
      const { kernel } = opened();
      kernel.error(BDF, frozen).finish();
      return kernel.sysfs.read(BDF, 'eeh_pe_state')!;
    };
    expect(word({ mmio: true, dma: false })).toBe('0x00000050 0x00000800');
    expect(word({ mmio: false, dma: true })).toBe('0x00000028 0x00000800');
    expect(word({ mmio: true, dma: true })).toBe('0x00000000 0x00000801');
  });

  it('MMIO and configuration space read all ones while MMIO is frozen, but for what VFIO makes up (COMMAND bit 10)', () => {
    const { kernel, program, device } = opened();
    kernel.error(BDF, {}).finish();
    const read = new Uint8Array(2);
    kernel.pread(device, read, 0n);
    expect([...read]).toEqual([255, 255]);
    expect(program.config(device, 0x104, 4)).toEqual(Uint8Array.of(255, 255, 255, 255));
    expect(program.config16(device, 4)).toBe(0xfbff);
  });

  it('a parent that is isolated or recovering makes it unavailable: 5', () => {
    const { kernel, operate } = opened();
    kernel.pe(BDF)!.parentBusy = true;
    expect(operate('getState')).toBe(5);
  });

  it('a reset is asserted on pSeries (1), and looks frozen on PowerNV (2), until it is deactivated', () => {
    for (const [eeh, state] of [
      ['pseries', 1],
      ['powernv', 2],
    ] as const) {
      const { operate } = opened(new ScriptedKernel(ppc64({ eeh })));
      operate('resetHot');
      expect(operate('getState')).toBe(state);
      operate('resetDeactivate');
      expect(operate('getState')).toBe(0);
    }
  });

  it('a reset takes its time in a thread', async () => {
    const clock = new VirtualClock();
    const { program, container } = opened(new ScriptedKernel(ppc64({ durations: { eehReset: 5000 } }), { clock }));
    const reset = program.ioctlAsync(container, 'VFIO_EEH_PE_OP', eehPe.encodeRequest('resetFundamental'));
    expect(await clock.drive(reset)).toBe(0);
    expect(clock.monotonic()).toBe(5000e6);
  });

  it('walks the groups of a container and stops at the first result that is not 0, a state too', () => {
    const kernel = new ScriptedKernel(
      ppc64({}, [
        { number: 1, functions: [{ bdf: BDF, port: PORT }] },
        { number: 2, functions: [{ bdf: OTHER }] },
      ]),
    );
    const program = new Program(kernel);
    const { container } = program.openDevice(BDF, 1, EXTENSION.spaprTceV2Iommu);
    const second = program.open('/dev/vfio/2');
    expect(program.ioctl(second, 'VFIO_GROUP_SET_CONTAINER', setContainer.encodeRequest(container))).toBe(0);
    kernel.error(BDF, {}).finish();
    kernel.error(OTHER, {}).finish();
    const operate = (operation: 'getState' | 'unfreezeIo'): unknown =>
      program.ioctl(container, 'VFIO_EEH_PE_OP', eehPe.encodeRequest(operation));
    expect(operate('getState')).toBe(2);
    expect([kernel.pe(BDF)!.isolated, kernel.pe(OTHER)!.isolated]).toEqual([true, false]);
    expect(operate('unfreezeIo')).toBe(0);
    expect([kernel.pe(BDF)!.mmioFrozen, kernel.pe(OTHER)!.mmioFrozen]).toEqual([false, false]);
  });

  it('stock pSeries: extension 0, every operation ENODEV', () => {
    const { program, container, operate } = opened(new ScriptedKernel(ppc64({ eeh: 'off' })));
    expect(program.ioctl(container, 'VFIO_CHECK_EXTENSION', EXTENSION.eeh)).toBe(0);
    for (const operation of ['disable', 'enable', 'getState', 'resetHot', 'configure'] as const) {
      expect([operation, operate(operation)]).toEqual([operation, 'ENODEV']);
    }
  });

  it('opening and closing thaw a PE; one that nobody has open the host recovers', () => {
    const kernel = new ScriptedKernel(ppc64());
    kernel.pe(BDF)!.freeze();
    const { device } = opened(kernel);
    expect(kernel.pe(BDF)).toMatchObject({ mmioFrozen: false, passed: 1 });
    kernel.error(BDF, {}).finish();
    kernel.close(device);
    expect(kernel.pe(BDF)).toMatchObject({ mmioFrozen: false, passed: 0 });
    expect(kernel.error(BDF, {}).finish().taken).toEqual(['frozen', 'isolated', 'recovered']);
    expect(kernel.pe(BDF)).toMatchObject({ mmioFrozen: false, isolated: false });
  });
});

describe('SPAPR TCE', () => {
  it('a version 1 container takes one group, version 2 several', () => {
    for (const [type, answer] of [
      [V1, 'EBUSY'],
      [EXTENSION.spaprTceV2Iommu, 0],
    ] as const) {
      const kernel = new ScriptedKernel(
        ppc64({}, [
          { number: 1, functions: [{ bdf: BDF }] },
          { number: 2, functions: [{ bdf: OTHER }] },
        ]),
      );
      const program = new Program(kernel);
      const { container } = program.openDevice(BDF, 1, type);
      const second = program.open('/dev/vfio/2');
      expect(program.ioctl(second, 'VFIO_GROUP_SET_CONTAINER', setContainer.encodeRequest(container))).toBe(answer);
      expect(kernel.openDescriptors.length).toBeGreaterThan(0);
    }
  });

  it('tells its windows: dynamic ones only in version 2', () => {
    for (const [type, dynamic] of [
      [V1, false],
      [EXTENSION.spaprTceV2Iommu, true],
    ] as const) {
      const program = new Program(new ScriptedKernel(ppc64()));
      const { container } = program.openDevice(BDF, 1, type);
      const request = spaprInfo.encodeRequest();
      expect(program.ioctl(container, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', request)).toBe(0);
      const info = spaprInfo.decodeReply(request);
      expect([info.dma32WindowSize, info.dynamicWindows !== undefined]).toEqual([0x8000_0000, dynamic]);
    }
  });

  it('needs memlock for the whole window in version 1', () => {
    const { program, container } = opened(new ScriptedKernel(ppc64({ dma: { memlock: 4096 } })));
    expect(program.ioctl(container, 'VFIO_IOMMU_ENABLE')).toBe('ENOMEM');
  });
});
