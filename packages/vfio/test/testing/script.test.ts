import { PciRecoveryError } from '@pci-recovery/core';
import { ScriptedKernel } from '../../src/testing/index.js';
import { deviceInfo, EXTENSION, PCI_IRQ, irqSet } from '../../src/uapi/index.js';
import { BDF, codeOf, named, Program, ppc64, turns, x86 } from './programs.js';

const opened = () => {
  const kernel = new ScriptedKernel(x86());
  const program = new Program(kernel);
  return { kernel, program, ...program.openDevice() };
};

describe('scripts', () => {
  it('answer instead of the kernel, which does nothing', () => {
    const { kernel, program, device } = opened();
    kernel.hardware(BDF).bars[0]!.bytes[0] = 3;
    using script = kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_RESET', result: 'EIO' });
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe('EIO');
    expect(kernel.hardware(BDF).bars[0]!.bytes[0]).toBe(3);
    expect(script.hits).toBe(1);
  });

  it('hold for calls in threads too, and no longer than they are wanted', async () => {
    const { kernel, program, device } = opened();
    const script = kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_RESET', result: 'EAGAIN' });
    expect(await program.ioctlAsync(device, 'VFIO_DEVICE_RESET')).toBe('EAGAIN');
    script[Symbol.dispose]();
    expect(await program.ioctlAsync(device, 'VFIO_DEVICE_RESET')).toBe(0);
  });

  it('are for the nth call that fits, or for so many', () => {
    const { kernel, program, device } = opened();
    kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_RESET', nth: 2, result: 'EIO' });
    const reset = (): unknown => program.ioctl(device, 'VFIO_DEVICE_RESET');
    expect([reset(), reset(), reset()]).toEqual([0, 'EIO', 0]);
    kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_RESET', times: 2, result: 'EAGAIN' });
    expect([reset(), reset(), reset()]).toEqual(['EAGAIN', 'EAGAIN', 0]);
  });

  it('are for one file, one process, and one request by its number as that kind of file knows it', () => {
    const { kernel, program, device, container } = opened();
    kernel.script({ call: 'open', file: '/dev/vfio/8', result: 'EACCES' });
    kernel.script({ call: 'open', file: /^\/dev\/vfio\/9/, result: 'EPERM' });
    expect([program.open('/dev/vfio/8'), program.open('/dev/vfio/99')].map(named)).toEqual(['EACCES', 'EPERM']);
    kernel.script({ call: 'eventfd', pid: 1, result: 'EMFILE' });
    expect(kernel.eventfd(0)).toBeGreaterThan(0);
    // One number: of a container it asks for the IOMMU, of a device for those that a hot reset touches.
    kernel.script({ call: 'ioctl', request: 'VFIO_IOMMU_GET_INFO', result: 'EIO' });
    expect(program.ioctl(container, 'VFIO_IOMMU_GET_INFO', new Uint8Array(64))).toBe('EIO');
    expect(program.ioctl(device, 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', new Uint8Array(64))).toBe('EINVAL');
  });

  it('name a request by either of its names', () => {
    const kernel = new ScriptedKernel(ppc64());
    const program = new Program(kernel);
    const { container } = program.openDevice(BDF, 1, EXTENSION.spaprTceIommu);
    kernel.script({ call: 'ioctl', request: 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', result: 'ENXIO' });
    expect(program.ioctl(container, 'VFIO_IOMMU_SPAPR_TCE_GET_INFO', new Uint8Array(32))).toBe('ENXIO');
  });

  it('alter the reply, as a kernel that disagrees about the interface would', () => {
    const { kernel, program, device } = opened();
    using _script = kernel.script({
      call: 'ioctl',
      request: 'VFIO_DEVICE_GET_INFO',
      reply: (bytes) => void bytes.fill(0xff, 8, 12),
    });
    expect(codeOf(() => program.ask(device, deviceInfo.query()))).toBe('ERR_PCI_KERNEL_REPLY');
  });

  it('alter the result, and the last one given wins', () => {
    const { kernel, device } = opened();
    kernel.script({ call: 'pread', reply: () => 1 });
    expect(kernel.pread(device, new Uint8Array(4), 7n << 40n)).toBe(1);
    kernel.script({ call: 'pread', result: 2 });
    expect(kernel.pread(device, new Uint8Array(4), 7n << 40n)).toBe(2);
  });

  it('hold calls in threads until they are released; a call that the program waits for cannot be held', async () => {
    const { kernel, program, device } = opened();
    const held = kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_RESET', hold: true });
    let settled = false;
    const reset = program.ioctlAsync(device, 'VFIO_DEVICE_RESET').finally(() => (settled = true));
    await turns(20);
    expect(settled).toBe(false);
    expect(codeOf(() => program.ioctl(device, 'VFIO_DEVICE_RESET'))).toBe('ERR_PCI_WOULD_BLOCK');
    held.release();
    expect(await reset).toBe(0);
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe(0);
  });

  it('are refused when they do nothing or name no errno', () => {
    const { kernel } = opened();
    expect(codeOf(() => kernel.script({ call: 'open' }))).toBe('ERR_PCI_BAD_SCRIPT');
    expect(codeOf(() => kernel.script({ call: 'open', result: 'EIO', nth: 0 }))).toBe('ERR_PCI_BAD_SCRIPT');
    expect(codeOf(() => kernel.script({ call: 'open', result: 'ENOTHING' }))).toBe('ERR_PCI_UNKNOWN_ERRNO');
  });

  it.each(['mmap', 'takeEventfd', 'watch', 'receive', 'socketPair'] as const)('let %s fail', (call) => {
    const { kernel, device } = opened();
    kernel.script({ call, result: 'ENOMEM' });
    const results = {
      mmap: () => kernel.mmap(device, 4096, 3, 0n),
      takeEventfd: () => Number(kernel.takeEventfd(kernel.eventfd(1))),
      watch: () =>
        kernel.watch(
          kernel.eventfd(1),
          () => undefined,
          () => undefined,
        ),
      receive: () => kernel.receive(device, new Uint8Array(1)).result,
      socketPair: () => kernel.socketPair(),
    };
    expect(named(results[call]() as number)).toBe('ENOMEM');
  });
});

describe('the log', () => {
  it('has every call with what it was about, in order, and what came back', async () => {
    const { kernel, program, device } = opened();
    kernel.log.clear();
    await program.ioctlAsync(device, 'VFIO_DEVICE_RESET');
    program.ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.disable(PCI_IRQ.err));
    program.open('/none');
    expect(kernel.log.calls).toMatchObject([
      { call: 'ioctlAsync', request: 'VFIO_DEVICE_RESET', kind: 'device', fd: device, result: 0, argument: undefined },
      { call: 'ioctl', request: 'VFIO_DEVICE_SET_IRQS', argument: irqSet.disable(PCI_IRQ.err), result: -22 },
      { call: 'open', path: '/none', result: -2 },
    ]);
  });

  it('keeps the argument as it was passed, and orders what ends late', async () => {
    const { kernel, program, device } = opened();
    const held = kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_RESET', hold: true });
    const reset = program.ioctlAsync(device, 'VFIO_DEVICE_RESET');
    const request = deviceInfo.encodeRequest(64);
    const passed = request.slice();
    program.ioctl(device, 'VFIO_DEVICE_GET_INFO', request);
    held.release();
    await reset;
    const [late, early] = kernel.log.calls.slice(-2);
    expect(early!.argument).toEqual(passed);
    expect(late!.endedAs).toBeGreaterThan(early!.endedAs!);
    expect(program.ioctl(device, 'VFIO_DEVICE_GET_INFO', new Uint8Array(3))).toBe('EFAULT');
    expect(kernel.log.calls.at(-1)).toMatchObject({ request: 'VFIO_DEVICE_GET_INFO' });
  });

  it('is bounded', () => {
    const kernel = new ScriptedKernel(x86(), { logLimit: 10 });
    for (let i = 0; i < 100; i++) kernel.eventfd(0);
    expect(kernel.log.calls.length).toBeLessThanOrEqual(10);
    expect(kernel.log.calls.at(-1)!.sequence).toBe(99);
  });
});

describe('what is not played', () => {
  it('is refused rather than made up, synchronously and in a thread', async () => {
    const { program, device } = opened();
    const lowPower = new Uint8Array(8);
    new Uint32Array(lowPower.buffer).set([8, (1 << 17) | 3]);
    expect(codeOf(() => program.ioctl(device, 'VFIO_DEVICE_FEATURE', lowPower))).toBe('ERR_PCI_NOT_PLAYED');
    await expect(program.ioctlAsync(device, 'VFIO_DEVICE_FEATURE', lowPower)).rejects.toBeInstanceOf(PciRecoveryError);
  });

  it('and machines that cannot be are too', () => {
    const twice = { arch: 'x64' as const, groups: [{ number: 1, functions: [{ bdf: BDF }, { bdf: BDF }] }] };
    expect(codeOf(() => new ScriptedKernel(twice))).toBe('ERR_PCI_BAD_MACHINE');
    expect(codeOf(() => new ScriptedKernel(x86({ zpci: { fid: 1 } })))).toBe('ERR_PCI_BAD_MACHINE');
    expect(codeOf(() => new ScriptedKernel(x86({ config: new Uint8Array(100) })))).toBe('ERR_PCI_BAD_MACHINE');
    expect(codeOf(() => new ScriptedKernel(x86({ bdf: 'nonsense' })))).toBe('ERR_PCI_BAD_BDF');
    const groups = [
      { number: 1, functions: [] },
      { number: 1, functions: [] },
    ];
    expect(codeOf(() => new ScriptedKernel({ arch: 'x64', groups }))).toBe('ERR_PCI_BAD_MACHINE');
    expect(codeOf(() => new ScriptedKernel(x86(), { architecture: 'riscv64' }))).toBe('ERR_PCI_UNKNOWN_ARCHITECTURE');
  });
});
