import fc from 'fast-check';
import { ScriptedKernel } from '../../src/testing/index.js';
import { irqSet, PCI_IRQ } from '../../src/uapi/index.js';
import { BDF, named, Program, x86 } from './programs.js';

const PM = 0x40;
const PCIE = 0x48;
const MSIX = 0x84;
const AER = 0x100;

const opened = (more = {}) => {
  const kernel = new ScriptedKernel(x86(more));
  const program = new Program(kernel);
  return { kernel, program, ...program.openDevice() };
};

describe('configuration space as VFIO shows it', () => {
  it('lists the capabilities of the function', () => {
    const { program, device } = opened();
    const walk: number[] = [];
    for (let at = (program.config(device, 0x34, 1) as Uint8Array)[0]!; at !== 0;) {
      const [id, next] = program.config(device, at, 2) as Uint8Array;
      walk.push(id!);
      at = next!;
    }
    expect(walk).toEqual([0x01, 0x10, 0x11]);
    expect(program.config(device, PCIE, 1)).toEqual(Uint8Array.of(0x10));
    expect(program.config(device, MSIX, 1)).toEqual(Uint8Array.of(0x11));
  });

  it('hides capabilities that it does not know from the list', () => {
    const config = new Uint8Array(256);
    config.set([0x34, 0x12, 0x78, 0x56]);
    config[6] = 0x10;
    config[0x34] = 0x40;
    config.set([0x0c, 0x50], 0x40); // hot-plug controller: not known
    config.set([0x01, 0x60, 3, 0], 0x50);
    config.set([0x0d, 0x00], 0x60); // bridge subsystem id: not known
    const { program, device } = opened({ config, bars: [], resetMethods: ['bus'] });
    expect(program.config(device, 0x34, 1)).toEqual(Uint8Array.of(0x50));
    expect(program.config(device, 0x51, 1)).toEqual(Uint8Array.of(0));
  });

  it('makes BARs up: they are sized as hardware is, and the real ones never move', () => {
    const { kernel, program, device } = opened();
    const real = kernel.hardware(BDF).u32(0x10);
    program.writeConfig(device, 0x10, 0xff, 0xff, 0xff, 0xff);
    expect(program.config(device, 0x10, 4)).toEqual(Uint8Array.of(0x00, 0xc0, 0xff, 0xff));
    program.writeConfig(device, 0x10, 0x00, 0x00, 0x00, 0xa0);
    expect(program.config(device, 0x10, 4)).toEqual(Uint8Array.of(0, 0, 0, 0xa0));
    expect(kernel.hardware(BDF).u32(0x10)).toBe(real);
    expect(program.config(device, 0x14, 4)).toEqual(new Uint8Array(4));
  });

  it('restores the real BARs when decoding is switched on after a reset behind its back', () => {
    const { kernel, program, device } = opened();
    const real = kernel.hardware(BDF).u32(0x10);
    kernel.backdoorReset(BDF);
    expect(kernel.hardware(BDF).u32(0x10)).not.toBe(real);
    program.writeConfig(device, 4, 0x06, 0);
    expect(kernel.hardware(BDF).u32(0x10)).toBe(real);
  });

  it('keeps INTx disable for itself', () => {
    const { kernel, program, device } = opened();
    program.writeConfig(device, 4, 0x06, 0x04);
    expect(program.config16(device, 4)).toBe(0x0406);
    expect(kernel.hardware(BDF).command).toBe(0x0006);
  });

  it('takes Device Control but for what concerns others; the FLR bit resets and reads 0', () => {
    const { kernel, program, device } = opened();
    kernel.hardware(BDF).bars[0]!.bytes[0] = 9;
    program.writeConfig(device, PCIE + 8, 0x0f, 0x00);
    expect(program.config16(device, PCIE + 8) & 0x1f).toBe(0x0f);
    program.writeConfig(device, PCIE + 8, 0x0f, 0x80);
    expect(program.config16(device, PCIE + 8) & 0x8000).toBe(0);
    expect(kernel.hardware(BDF).bars[0]!.bytes[0]).toBe(0);
  });

  it('passes the read request size on only when it changes, never below the payload size, and the payload size never', () => {
    const { kernel, program, device } = opened();
    const hardware = kernel.hardware(BDF);
    const physical = (): number => hardware.u16(PCIE + 8);
    hardware.poke16(PCIE + 8, 0x2850);
    program.writeConfig(device, PCIE + 8, 0x1f, 0x58);
    expect(physical()).toBe(0x585f);
    kernel.backdoorReset(BDF);
    program.writeConfig(device, PCIE + 8, 0x1f, 0x58);
    expect(physical() & 0x70e0).toBe(0);
    program.writeConfig(device, PCIE + 8, 0x1f, 0x48);
    program.writeConfig(device, PCIE + 8, 0x1f, 0x58);
    expect(physical() & 0x7000).toBe(0x5000);
    hardware.poke16(PCIE + 8, 0x2850);
    program.writeConfig(device, PCIE + 8, 0x1f, 0x08);
    expect(physical() & 0x70e0).toBe(0x2040);
  });

  it('resets nothing by the FLR bit of a function that cannot', () => {
    const { kernel, program, device } = opened({ config: { flr: false } });
    kernel.hardware(BDF).bars[0]!.bytes[0] = 9;
    program.writeConfig(device, PCIE + 8, 0x00, 0x80);
    expect(kernel.hardware(BDF).bars[0]!.bytes[0]).toBe(9);
  });

  it('clears AER status by writing 1, up to bit 25; a bit above that is set is cleared by any write, as the merge writes it back', () => {
    const { kernel, program, device } = opened();
    kernel.hardware(BDF).poke32(AER + 4, (1 << 18) | (1 << 14));
    program.writeConfig(device, AER + 4, 0, 0x40, 0, 0);
    expect(program.config(device, AER + 4, 4)).toEqual(Uint8Array.of(0, 0, 4, 0));
    kernel.hardware(BDF).poke32(AER + 4, (1 << 26) | (1 << 18));
    program.writeConfig(device, AER + 4, 0, 0, 0, 0);
    expect(program.config(device, AER + 4, 4)).toEqual(Uint8Array.of(0, 0, 4, 0));
  });

  it('drops writes of MSI-X control: it is switched by SET_IRQS', () => {
    const { kernel, program, device } = opened();
    program.writeConfig(device, MSIX + 2, 0x03, 0x80);
    expect(program.config16(device, MSIX + 2)).toBe(0x0003);
    const eventfd = kernel.eventfd(0);
    program.ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.eventfds({ index: PCI_IRQ.msix }, [eventfd]));
    expect(program.config16(device, MSIX + 2)).toBe(0x8003);
    program.ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.disable(PCI_IRQ.msix));
    expect(program.config16(device, MSIX + 2)).toBe(0x0003);
  });

  it('hides that it can wake the machine, and takes power states', () => {
    const { kernel, program, device } = opened();
    program.writeConfig(device, PM + 4, 0x03, 0x00);
    expect(program.config16(device, PM + 4) & 3).toBe(3);
    expect(named(kernel.pread(device, new Uint8Array(4), 0n))).toBe('EIO');
    program.writeConfig(device, PM + 4, 0x00, 0x00);
    expect(kernel.pread(device, new Uint8Array(4), 0n)).toBe(4);
  });

  it('answers ENODEV when the function was pulled out, but for what is made up', () => {
    const { kernel, program, device } = opened();
    kernel.pull(BDF);
    expect(program.config(device, 4, 2)).toBe('ENODEV');
    expect(program.config(device, 0, 4)).toEqual(Uint8Array.of(0xf4, 0x1a, 0x41, 0x10));
    expect(program.writeConfig(device, 4, 0, 0)).toBe('ENODEV');
  });

  it('reads the same in any pieces', () => {
    const { program, device } = opened();
    const whole = program.config(device, 0, 4096) as Uint8Array;
    fc.assert(
      fc.property(fc.nat(4095), fc.integer({ min: 1, max: 64 }), (at, length) => {
        const fits = Math.min(length, 4096 - at);
        expect(program.config(device, at, fits)).toEqual(whole.slice(at, at + fits));
      }),
    );
  });

  it('never lets a write change what may not be written: identification, capability headers, statuses without ones', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, bytes) => {
        const { program, device } = opened();
        const fixed = [0, 1, 2, 3, 0x34, PM, PM + 1, PCIE, PCIE + 1, MSIX, MSIX + 1, MSIX + 2, MSIX + 3];
        const before = program.config(device, 0, 256) as Uint8Array;
        expect(program.writeConfig(device, at, ...bytes.slice(0, 4096 - at))).toBe(Math.min(bytes.length, 4096 - at));
        const after = program.config(device, 0, 256) as Uint8Array;
        expect(fixed.map((place) => after[place])).toEqual(fixed.map((place) => before[place]));
      }),
      { numRuns: 60 },
    );
  });
});

describe('MSI-X across a reset (R5)', () => {
  const table = (kernel: ScriptedKernel): Uint8Array => kernel.hardware(BDF).msixTable!.bytes;
  const enabled = () => {
    const all = opened();
    const eventfds = [0, 1].map(() => all.kernel.eventfd(0));
    const set = (): unknown =>
      all.program.ioctl(all.device, 'VFIO_DEVICE_SET_IRQS', irqSet.eventfds({ index: PCI_IRQ.msix }, eventfds));
    expect(set()).toBe(0);
    return { ...all, eventfds, set };
  };

  it('entries are written as vectors are enabled, and masked as they are not', () => {
    const { kernel } = enabled();
    const entries = table(kernel);
    expect([entries[12], entries[16 + 12], entries[32 + 12]]).toEqual([0, 0, 1]);
    expect(entries[8 + 16]).toBe(1);
  });

  it('a backdoor reset loses them; enabling a vector again writes its message anew', () => {
    const { kernel, program, device, eventfds, set } = enabled();
    kernel.backdoorReset(BDF);
    expect([...table(kernel).subarray(0, 12)]).toEqual(Array(12).fill(0));
    expect(program.config16(device, MSIX + 2)).toBe(0x0003);
    expect(set()).toBe(0);
    expect(table(kernel)[12]).toBe(0);
    kernel.interrupt(BDF, 1);
    expect([named(Number(kernel.takeEventfd(eventfds[0]!))), kernel.takeEventfd(eventfds[1]!)]).toEqual(['EAGAIN', 1n]);
  });

  it('fails as a whole when one descriptor is none', () => {
    const { kernel, program, device } = opened();
    const eventfd = kernel.eventfd(0);
    const request = irqSet.eventfds({ index: PCI_IRQ.msix }, [eventfd, 999]);
    expect(program.ioctl(device, 'VFIO_DEVICE_SET_IRQS', request)).toBe('EBADF');
    expect(program.config16(device, MSIX + 2)).toBe(0x0003);
    kernel.interrupt(BDF, 0);
    expect(named(Number(kernel.takeEventfd(eventfd)))).toBe('EAGAIN');
  });

  it('INTx masks itself as it fires', () => {
    const { kernel, program, device } = opened();
    const eventfd = kernel.eventfd(0);
    program.ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.eventfds({ index: PCI_IRQ.intx }, [eventfd]));
    kernel.interrupt(BDF);
    kernel.interrupt(BDF);
    expect(kernel.takeEventfd(eventfd)).toBe(1n);
    program.ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.none({ index: PCI_IRQ.intx, action: 'unmask' }, 1));
    kernel.interrupt(BDF);
    expect(kernel.takeEventfd(eventfd)).toBe(1n);
  });

  it('MSI and MSI-X exclude each other', () => {
    const { kernel, program, device } = opened({ config: { msi: 4 } });
    const eventfd = kernel.eventfd(0);
    const set = (index: number): unknown =>
      program.ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.eventfds({ index }, [eventfd]));
    expect([set(PCI_IRQ.msi), set(PCI_IRQ.msix), set(PCI_IRQ.intx)]).toEqual([0, 'EINVAL', 'EINVAL']);
  });
});
