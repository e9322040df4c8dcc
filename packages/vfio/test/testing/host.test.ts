import { placeFunctions, PciTopology } from '@pci-recovery/pci/topology';
import { AbortError, collect } from './streams.js';
import { type ErrorUevent } from '@pci-recovery/core/linux';
import { parseTraceLine, parseUevent, readAerCounters, UeventMonitor, type Sysfs } from '../../src/index.js';
import { ScriptedKernel } from '../../src/testing/index.js';
import { irqSet, PCI_IRQ } from '../../src/uapi/index.js';
import { BDF, named, PORT, ppc64, Program, s390, turns, x86, ZBDF } from './programs.js';

const kernelWithDevice = () => {
  const kernel = new ScriptedKernel(x86());
  const program = new Program(kernel);
  return { kernel, program, ...program.openDevice() };
};

describe('uevents of the scripted kernel', () => {
  it('reach our own monitor as the kernel’s do', async () => {
    const { kernel } = kernelWithDevice();
    await using monitor = new UeventMonitor(kernel);
    const stop = new AbortController();
    const heard = collect(monitor.events({ signal: stop.signal }), 2);
    kernel.error(BDF, { severity: 'nonfatal' }).finish();
    const events = await heard;
    expect(events).toEqual<ErrorUevent[]>([
      { kind: 'error_event', bdf: BDF, event: 'BEGIN_RECOVERY', online: false },
      { kind: 'error_event', bdf: BDF, event: 'SUCCESSFUL_RECOVERY', online: true },
    ]);
    stop.abort(new AbortError());
  });

  it('can be lost, which is said once (ENOBUFS), and forged by others', () => {
    const kernel = new ScriptedKernel(x86());
    const socket = kernel.ueventSocket(0);
    for (let i = 0; i < 10; i++) kernel.errorUevent(BDF, 'BEGIN_RECOVERY');
    const buffer = new Uint8Array(4096);
    const results = Array.from({ length: 6 }, () => named(kernel.receive(socket, buffer).result));
    expect(results[0]).toBe('ENOBUFS');
    expect(results.filter((result) => result === 'ENOBUFS')).toHaveLength(1);
    expect(results.at(-1)).toBe('EAGAIN');
    kernel.uevents.deliver(new Uint8Array(Buffer.from('add@/x\0')), 4711);
    expect(kernel.receive(socket, buffer).sender).toBe(4711);
    expect(named(kernel.ueventSocket(-1))).toBe('EINVAL');
  });

  it('are cut when the buffer is short, and reach nobody after the close', () => {
    const kernel = new ScriptedKernel(x86());
    const socket = kernel.ueventSocket(1 << 16);
    kernel.errorUevent(BDF, 'FAILED_RECOVERY');
    expect(kernel.receive(socket, new Uint8Array(10))).toMatchObject({ result: 10, truncated: true });
    kernel.close(socket);
    kernel.errorUevent(BDF, 'FAILED_RECOVERY');
    expect(kernel.openDescriptors).toEqual([]);
  });

  it('name the device by its path', () => {
    const kernel = new ScriptedKernel(x86());
    const socket = kernel.ueventSocket(1 << 16);
    kernel.errorUevent(BDF, 'BEGIN_RECOVERY');
    const buffer = new Uint8Array(4096);
    const { result } = kernel.receive(socket, buffer);
    const uevent = parseUevent(buffer.subarray(0, result));
    expect(uevent).toMatchObject({ action: 'change', devicePath: `/devices/pci0000:00/${PORT}/${BDF}` });
  });
});

describe('sysfs of the scripted kernel', () => {
  it('shows functions, ports, links and attributes as they are', () => {
    const kernel = new ScriptedKernel(x86());
    const { sysfs } = kernel;
    expect(sysfs.devices()).toEqual([PORT, BDF]);
    expect([
      sysfs.link(BDF, 'driver'),
      sysfs.link(BDF, 'iommu_group'),
      sysfs.link(PORT as typeof BDF, 'driver'),
    ]).toEqual(['vfio-pci', '7', 'pcieport']);
    expect([sysfs.read(BDF, 'vendor'), sysfs.read(BDF, 'class'), sysfs.read(BDF, 'reset_method')]).toEqual([
      '0x1af4',
      '0x020000',
      'flr bus',
    ]);
    expect([sysfs.read(BDF, 'nothing'), sysfs.parent(BDF), sysfs.readBytes(BDF, 'config')!.length]).toEqual([
      undefined,
      PORT,
      4096,
    ]);
  });

  it('shows ports as bridges, with what is below them', () => {
    const upper = '0000:00:01.0' as typeof BDF;
    const lower = '0000:01:00.0' as typeof BDF;
    const deep = '0000:02:00.0' as typeof BDF;
    const empty = '0000:00:02.0' as typeof BDF;
    const { sysfs } = new ScriptedKernel({
      arch: 'x64',
      ports: [{ bdf: upper }, { bdf: lower, port: upper }, { bdf: empty }],
      groups: [{ number: 1, functions: [{ bdf: deep, port: lower }] }],
    });
    const images = sysfs.devices().map((bdf) => ({ bdf, bytes: sysfs.readBytes(bdf, 'config')! }));
    const topology = new PciTopology(placeFunctions(images).map((one) => one.topology));
    expect(topology.upstreamBridge(deep)?.bdf).toBe(lower);
    expect([...topology.below(upper)].map(({ bdf }) => bdf)).toEqual([lower, deep]);
    expect([upper, lower, empty].map((bdf) => topology.get(bdf)?.portType)).toEqual([
      'root_port',
      'downstream_port',
      'root_port',
    ]);
    expect([...topology.below(empty)]).toEqual([]);
  });

  it('lets configuration space be written as hardware takes it, and nothing else by bytes', () => {
    const { sysfs } = new ScriptedKernel(x86());
    sysfs.writeBytes(BDF, 'config', 0, Uint8Array.of(1, 2));
    sysfs.writeBytes(BDF, 'config', 4, Uint8Array.of(0x06, 0x01));
    expect([...sysfs.readBytes(BDF, 'config')!.subarray(0, 6)]).toEqual([0xf4, 0x1a, 0x41, 0x10, 0x06, 0x01]);
    for (const [bdf, attribute, errno] of [
      [BDF, 'vendor', 'EACCES'],
      ['0000:7f:00.0' as typeof BDF, 'config', 'ENOENT'],
    ] as const) {
      expect(() => sysfs.writeBytes(bdf, attribute, 0, Uint8Array.of(1))).toThrow(errno);
    }
  });

  it('counters are what our own reader makes of them', async () => {
    const { kernel } = kernelWithDevice();
    kernel.error(BDF, { severity: 'nonfatal', status: (1 << 14) | (1 << 12) }).finish();
    const reader = { read: kernel.sysfs.read.bind(kernel.sysfs), has: () => false } as unknown as Sysfs;
    const counters = await readAerCounters(reader, BDF);
    expect(counters).toMatchObject({ nonfatal: { total: 1n }, findings: [] });
    expect(counters!.nonfatal!.errors.get('CmpltTO')).toBe(1n);
    expect(counters!.nonfatal!.errors.get('TLP')).toBe(1n);
  });

  it('takes orders: reset, reset_method, eeh_pe_state; others are refused by errno', async () => {
    const kernel = new ScriptedKernel(x86());
    kernel.hardware(BDF).bars[0]!.bytes[0] = 1;
    await kernel.sysfs.write(BDF, 'reset', '1');
    expect(kernel.hardware(BDF).bars[0]!.bytes[0]).toBe(0);
    await kernel.sysfs.write(BDF, 'reset_method', 'bus');
    expect(kernel.hardware(BDF).resetMethods).toEqual(['bus']);
    await expect(kernel.sysfs.write(BDF, 'vendor', '1')).rejects.toMatchObject({ code: 'ERR_PCI_PERMISSION' });
    await expect(kernel.sysfs.write(BDF, 'nothing', '1')).rejects.toMatchObject({ code: 'ERR_PCI_NOT_PRESENT' });
    const power = new ScriptedKernel(ppc64());
    power.pe(BDF)!.freeze();
    await power.sysfs.write(BDF, 'eeh_pe_state', '1');
    expect(power.pe(BDF)!.mmioFrozen).toBe(false);
  });

  it('shows what is of s390', () => {
    const { sysfs } = new ScriptedKernel(s390());
    expect([sysfs.read(ZBDF, 'function_id'), sysfs.read(ZBDF, 'function_handle')]).toEqual([
      '0x00000001',
      '0x80020001',
    ]);
    expect(sysfs.read(ZBDF, 'aer_dev_fatal')).toBeUndefined();
  });

  it('files of it can be opened, as plain files', () => {
    const kernel = new ScriptedKernel(x86());
    const fd = kernel.open(`/sys/bus/pci/devices/${BDF}/vendor`, 0);
    const buffer = new Uint8Array(16);
    expect(Buffer.from(buffer.subarray(0, kernel.read(fd, buffer))).toString()).toBe('0x1af4\n');
    expect(named(kernel.open(`/sys/bus/pci/devices/${BDF}/nothing`, 0))).toBe('ENOENT');
  });
});

describe('trace and log', () => {
  it('an AER error is traced as ras:aer_event; of a fatal one the list is empty', () => {
    const { kernel } = kernelWithDevice();
    const pipe = kernel.open('/sys/kernel/tracing/instances/x/trace_pipe', 0);
    const buffer = new Uint8Array(4096);
    const line = (): unknown => {
      const text = Buffer.from(buffer.subarray(0, kernel.read(pipe, buffer))).toString();
      return parseTraceLine(text.trimEnd());
    };
    kernel.error(BDF, { severity: 'nonfatal', tlpHeader: [0x4000_0001, 0xf, 0xfee0_0000, 0] }).finish();
    expect(line()).toMatchObject({
      bdf: BDF,
      severity: 'nonfatal',
      errors: ['Completion Timeout'],
      tlpHeader: [0x4000_0001, 0xf, 0xfee0_0000, 0],
    });
    kernel.error(BDF, { severity: 'fatal' }).finish();
    expect(line()).toMatchObject({ severity: 'fatal', errors: [] });
    expect(named(kernel.read(pipe, buffer))).toBe('EAGAIN');
  });

  it('/dev/kmsg gives one record a read, and passes over one that does not fit', () => {
    const kernel = new ScriptedKernel(x86());
    const fd = kernel.open('/dev/kmsg', 0);
    kernel.kernelLog('one', 3);
    kernel.kernelLog('two');
    const buffer = new Uint8Array(64);
    expect(Buffer.from(buffer.subarray(0, kernel.read(fd, buffer))).toString()).toMatch(/^3,\d+,\d+,-;one\n$/);
    expect(named(kernel.read(fd, new Uint8Array(4)))).toBe('EINVAL');
    expect(named(kernel.read(fd, buffer))).toBe('EAGAIN');
  });

  it('other streams are fed by the test', async () => {
    const kernel = new ScriptedKernel(x86());
    const feed = kernel.stream('/run/notes');
    const fd = kernel.open('/run/notes', 0);
    const heard: string[] = [];
    const watch = kernel.watch(
      fd,
      () => {
        const buffer = new Uint8Array(3);
        heard.push(Buffer.from(buffer.subarray(0, kernel.read(fd, buffer))).toString());
      },
      () => undefined,
    ) as Disposable;
    feed('hello');
    await turns();
    expect(heard).toEqual(['hel', 'lo']);
    watch[Symbol.dispose]();
  });
});

describe('functions come and go', () => {
  it('remove asks the holder, and ends when it has let the device go', async () => {
    const { kernel, program, device } = kernelWithDevice();
    const request = kernel.eventfd(0);
    program.ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.eventfds({ index: PCI_IRQ.req }, [request]));
    let gone = false;
    const removed = kernel.remove(BDF).then(() => (gone = true));
    await turns();
    expect([kernel.takeEventfd(request), gone]).toEqual([1n, false]);
    kernel.close(device);
    await removed;
    expect(kernel.sysfs.devices()).toEqual([PORT]);
    expect(named(program.open('/dev/vfio/7'))).toBe('ENOENT');
  });

  it('what is pulled out is silent and listed no more; what comes back is as after power-on', () => {
    const { kernel, program, device, group } = kernelWithDevice();
    const socket = kernel.ueventSocket(1 << 16);
    kernel.pull(BDF);
    expect(kernel.sysfs.devices()).toEqual([PORT]);
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe('ENOTTY');
    kernel.close(device);
    kernel.close(group);
    expect(named(program.open('/dev/vfio/7'))).toBe('ENOENT');
    kernel.add(BDF);
    expect(program.open('/dev/vfio/7')).toBeGreaterThan(0);
    const actions: string[] = [];
    for (const buffer = new Uint8Array(4096); ;) {
      const { result } = kernel.receive(socket, buffer);
      if (result < 0) break;
      const uevent = parseUevent(buffer.subarray(0, result));
      actions.push(typeof uevent === 'string' ? uevent : uevent.action);
    }
    expect(actions).toEqual(['unbind', 'remove', 'add', 'bind']);
  });

  it('rescan finds everything again', async () => {
    const kernel = new ScriptedKernel(x86());
    await kernel.sysfs.write(BDF, 'remove', '1');
    expect(kernel.sysfs.devices()).toEqual([PORT]);
    await kernel.sysfs.write(BDF, 'rescan', '1');
    expect(kernel.sysfs.devices()).toEqual([PORT, BDF]);
  });
});
