import { VirtualClock } from '@pci-recovery/core/testing';
import { ScriptedKernel } from '../../src/testing/index.js';
import { deviceInfo, zpciError } from '../../src/uapi/index.js';
import { errnoName } from '../../src/index.js';
import { Program, s390, turns, ZBDF } from './programs.js';

function opened(kernel = new ScriptedKernel(s390())) {
  const program = new Program(kernel);
  const { device, container, group } = program.openDevice(ZBDF, 1);
  const eventfd = program.errorEventfd(device);
  const record = new Uint8Array(32);
  const take = (): string | number => {
    const request = zpciError.encodeRequest(kernel.addressOf(record));
    return program.ioctl(device, 'VFIO_DEVICE_FEATURE', request);
  };
  const taken = (): bigint | string => {
    const count = kernel.takeEventfd(eventfd);
    return count < 0n ? errnoName(Number(count)) : count;
  };
  const hex = (): string =>
    Buffer.from(record)
      .toString('hex')
      .replace(/(.{8})(?=.)/g, '$1 ');
  return { kernel, program, device, container, group, take, taken, record, hex };
}

describe('what the lab saw of zPCI', () => {
  it('GET_INFO tells base version 3, group version 2 and the path', () => {
    const { program, device } = opened();
    const info = program.ask(device, deviceInfo.query());
    expect([...info.flags].sort()).toEqual(['caps', 'pci', 'reset']);
    expect(info.capabilities.map(({ kind, version }) => [kind, version])).toEqual([
      ['zpci-base', 3],
      ['zpci-group', 2],
      ['zpci-pfip', 1],
    ]);
    expect(info.capabilities[0]).toMatchObject({ startDma: 0x1_0000_0000n, fh: 0x8002_0001, ccdfErrLength: 32 });
  });

  it.each([1, 2] as const)('an older kernel tells base version %s, and knows no feature 13', (baseVersion) => {
    const { program, device, take } = opened(new ScriptedKernel(s390({ zpci: { fid: 1, baseVersion } })));
    const [base] = program.ask(device, deviceInfo.query()).capabilities;
    expect(base).toMatchObject({ kind: 'zpci-base', version: baseVersion });
    expect('fh' in base!).toBe(baseVersion === 2);
    expect(take()).toBe('ENOTTY');
  });

  it.each([
    ['s390x', 'ENODEV'],
    ['x64', 'ENOTTY'],
    ['ppc64', 'ENOTTY'],
  ] as const)('feature 13 of a function that is not zPCI, on %s: %s', (arch, answer) => {
    const kernel = new ScriptedKernel({ arch, iommu: 'type1', groups: [{ number: 1, functions: [{ bdf: ZBDF }] }] });
    expect(opened(kernel).take()).toBe(answer);
  });

  it('a utility string comes where there is one', () => {
    const utilString = new Uint8Array(64).fill(0x40);
    utilString.set([0xc1, 0xc2]);
    const { program, device } = opened(new ScriptedKernel(s390({ zpci: { fid: 1, utilString } })));
    expect(program.ask(device, deviceInfo.query()).capabilities[2]).toMatchObject({ kind: 'zpci-util', text: 'AB' });
  });

  it('the record is the firmware’s, big-endian: fh at 4, fid at 8, pec at 30', () => {
    const { kernel, take, taken, hex } = opened();
    kernel.error(ZBDF, { pec: 4, address: 0x0000_0001_2000_0000n }).finish();
    expect([taken(), take()]).toEqual([1n, 0]);
    expect(hex()).toBe('00000000 80020001 00000001 00000001 00000001 20000000 00000000 00000004');
  });

  it('six errors undrained: six signals, the oldest four records', () => {
    const { kernel, take, taken, record } = opened();
    for (let pec = 1; pec <= 6; pec++) kernel.error(ZBDF, { pec }).finish();
    expect(taken()).toBe(6n);
    const pecs: number[] = [];
    while (take() === 0) pecs.push(record[31]!);
    expect(pecs).toEqual([1, 2, 3, 4]);
    expect(kernel.zpci(ZBDF)).toMatchObject({ dropped: 2, pending: 0 });
  });

  it('closing forgets what is left, and counts it', () => {
    const { kernel, device } = opened();
    kernel.error(ZBDF, { pec: 4 }).finish();
    kernel.close(device);
    expect(kernel.zpci(ZBDF)).toMatchObject({ unhandled: 1, pending: 0, mediated: false });
  });

  it('a bad pointer loses the record (R2.4)', () => {
    const { kernel, program, device, take } = opened();
    kernel.error(ZBDF, { pec: 4 }).finish();
    expect(program.ioctl(device, 'VFIO_DEVICE_FEATURE', zpciError.encodeRequest(0x10n))).toBe('EFAULT');
    expect(take()).toBe('ENOMSG');
  });

  it('0x2a is logged only; 0x3b and 0x40 are queued and signalled; another handle is dropped and counted', () => {
    const { kernel, take, taken } = opened();
    expect(kernel.error(ZBDF, { pec: 0x2a }).finish().taken).toEqual(['raised', 'ignored']);
    expect([taken(), take()]).toEqual(['EAGAIN', 'ENOMSG']);
    expect(kernel.error(ZBDF, { fh: 0x8003_0001 }).finish().taken).toEqual(['raised', 'stale']);
    expect([taken(), take(), kernel.zpci(ZBDF)!.stale]).toEqual(['EAGAIN', 'ENOMSG', 1]);
    for (const pec of [0x3b, 0x40]) {
      kernel.error(ZBDF, { pec }).finish();
      expect([taken(), take()]).toEqual([1n, 0]);
    }
    expect(kernel.zpci(ZBDF)!.channel).toBe('perm_failure');
  });

  it('a reset at once is EAGAIN for up to 12 ms; then the device answers again', async () => {
    const clock = new VirtualClock();
    const { kernel, program, device } = opened(new ScriptedKernel(s390(), { clock }));
    const played = kernel.error(ZBDF, { pec: 4 }).play(clock);
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe('EAGAIN');
    expect(program.config(device, 4, 2)).toBe('ENODEV');
    clock.advance(12);
    await played;
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe(0);
    expect(program.config16(device, 4)).toBe(2);
  });

  it('BARs read all ones in the error state, and nothing changes without a reset', () => {
    const { kernel, device } = opened();
    kernel.error(ZBDF, { pec: 4 }).finish();
    const read = new Uint8Array(4);
    expect(kernel.pread(device, read, 0n)).toBe(4);
    expect([...read]).toEqual([255, 255, 255, 255]);
    kernel.error(ZBDF, { pec: 4 }).finish();
    expect(kernel.hardware(ZBDF).silence).toBe('blocked');
  });

  it('without a holder the kernel recovers by itself; with another driver too, without handlers it gives up', () => {
    const free = new ScriptedKernel(s390());
    expect(free.error(ZBDF, { pec: 4 }).finish().taken).toEqual(['raised', 'notified', 'unblocked', 'recovered']);
    expect(free.hardware(ZBDF).silence).toBeUndefined();
    const unable = new ScriptedKernel(s390({ driver: 'other', errorHandlers: false }));
    expect(unable.error(ZBDF, { pec: 4 }).finish().taken).toEqual(['raised', 'permanent']);
  });

  it('an open device without an eventfd is mediated all the same (R2.5)', () => {
    const kernel = new ScriptedKernel(s390());
    new Program(kernel).openDevice(ZBDF, 1);
    expect(kernel.error(ZBDF, { pec: 4 }).finish().taken).toEqual(['raised', 'notified', 'left']);
  });

  it('reset methods can vanish: a device that is opened then cannot be reset', async () => {
    const { kernel, program, device, container, group } = opened();
    kernel.hardware(ZBDF).resetMethods = [];
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe('ENOTTY');
    for (const fd of [device, group, container]) await kernel.closeAsync(fd);
    await turns();
    const again = program.openDevice(ZBDF, 1);
    expect([...program.ask(again.device, deviceInfo.query()).flags].sort()).toEqual(['caps', 'pci']);
    expect(program.ioctl(again.device, 'VFIO_DEVICE_RESET')).toBe('EINVAL');
    expect(kernel.sysfs.read(ZBDF, 'reset_method')).toBeUndefined();
  });
});
