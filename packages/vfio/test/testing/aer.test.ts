import { VirtualClock } from '@pci-recovery/core/testing';
import { type AerSeverity, ScriptedKernel } from '../../src/testing/index.js';
import { parseUevent, pciUevent } from '../../src/index.js';
import { hotReset } from '../../src/uapi/index.js';
import { BDF, codeOf, named, PORT, Program, turns, twoFunctions, x86 } from './programs.js';

const SIBLING = '0000:01:00.1';
const PCIE_DEVCTL = 0x48 + 8;
const AER_UNCOR = 0x104;

/** A machine with its device open, told of errors, and listening to uevents. */
function opened(machine = x86(), group = 7, clock?: VirtualClock) {
  const kernel = new ScriptedKernel(machine, clock ? { clock } : {});
  const program = new Program(kernel);
  const uevents = kernel.ueventSocket(1 << 20);
  const { device, group: groupFd } = program.openDevice(BDF, group);
  program.writeConfig(device, 4, 0x07, 0x01);
  const eventfd = program.errorEventfd(device);
  const heard = (): string[] => {
    const events: string[] = [];
    for (const buffer = new Uint8Array(4096); ;) {
      const { result } = kernel.receive(uevents, buffer);
      if (result < 0) return events;
      const uevent = parseUevent(buffer.subarray(0, result));
      if (typeof uevent === 'string') throw new Error(uevent);
      const told = pciUevent(uevent);
      if (told?.kind === 'error_event') events.push(`${told.bdf} ${told.event} ${told.online}`);
    }
  };
  const taken = (fd = eventfd): bigint | number | string => {
    const count = kernel.takeEventfd(fd);
    return count < 0n ? named(Number(count)) : count;
  };
  const counters = (bdf: string, severity: AerSeverity): string[] =>
    kernel.sysfs
      .read(bdf as typeof BDF, `aer_dev_${severity}`)!
      .split('\n')
      .filter((line) => !line.endsWith(' 0'));
  return { kernel, program, device, group: groupFd, eventfd, heard, taken, counters };
}

describe('what the lab saw of AER on x86', () => {
  it('correctable: counted by name, cleared by the kernel, nobody is told (R1.2)', () => {
    const { kernel, program, device, heard, taken, counters } = opened();
    kernel.error(BDF, { severity: 'correctable' }).finish();
    expect([taken(), heard()]).toEqual(['EAGAIN', []]);
    expect(counters(BDF, 'correctable')).toEqual(['BadTLP 1', 'TOTAL_ERR_COR 1']);
    expect(kernel.sysfs.read(PORT as typeof BDF, 'aer_rootport_total_err_cor')).toBe('1');
    expect(program.config(device, AER_UNCOR + 12, 4)).toEqual(new Uint8Array(4));
  });

  it('non-fatal: one signal, BEGIN and SUCCESSFUL, counted by name; status cleared, DEVCTL kept', () => {
    const { kernel, program, device, heard, taken, counters } = opened();
    kernel.error(BDF, { severity: 'nonfatal' }).finish();
    expect(taken()).toBe(1n);
    expect(heard()).toEqual([`${BDF} BEGIN_RECOVERY false`, `${BDF} SUCCESSFUL_RECOVERY true`]);
    expect(counters(BDF, 'nonfatal')).toEqual(['CmpltTO 1', 'TOTAL_ERR_NONFATAL 1']);
    expect(program.config(device, AER_UNCOR, 4)).toEqual(new Uint8Array(4));
    expect(program.config16(device, PCIE_DEVCTL)).toBe(0x000f);
  });

  it('fatal: one signal, only the total is counted; COMMAND and DEVCTL are 0, the status sticks', () => {
    const { kernel, program, device, heard, taken, counters } = opened();
    expect([program.config16(device, 4), program.config16(device, PCIE_DEVCTL)]).toEqual([0x0107, 0x000f]);
    kernel.error(BDF, { severity: 'fatal' }).finish();
    expect(taken()).toBe(1n);
    expect(heard()).toEqual([`${BDF} BEGIN_RECOVERY false`, `${BDF} SUCCESSFUL_RECOVERY true`]);
    expect(counters(BDF, 'fatal')).toEqual(['TOTAL_ERR_FATAL 1']);
    expect([program.config16(device, 4), program.config16(device, PCIE_DEVCTL)]).toEqual([0, 0]);
    expect(program.config(device, AER_UNCOR, 4)).toEqual(Uint8Array.of(0, 0, 4, 0));
  });

  it('after a fatal error the endpoint is silent until DEVCTL and COMMAND are written', () => {
    const { kernel, program, device, taken } = opened();
    kernel.error(BDF, { severity: 'fatal' }).finish();
    taken();
    expect(kernel.error(BDF, { severity: 'nonfatal' }).finish().taken).toEqual(['raised']);
    expect(taken()).toBe('EAGAIN');
    program.writeConfig(device, PCIE_DEVCTL, 0x0f, 0x00);
    kernel.error(BDF, { severity: 'nonfatal' }).finish();
    expect(taken()).toBe(1n);
  });

  it('two functions below one port: an error of either signals both, and only its counters move', () => {
    const { kernel, program, group, taken, counters } = opened(twoFunctions(), 8);
    const sibling = program.errorEventfd(program.deviceOf(group, SIBLING));
    kernel.error(SIBLING, { severity: 'nonfatal' }).finish();
    expect([taken(), taken(sibling)]).toEqual([1n, 1n]);
    expect(counters(SIBLING, 'nonfatal')).toEqual(['CmpltTO 1', 'TOTAL_ERR_NONFATAL 1']);
    expect(counters(BDF, 'nonfatal')).toEqual([]);
  });

  it('a non-fatal error of the root port itself signals every endpoint below', () => {
    const { kernel, taken, heard } = opened();
    kernel.error(PORT, { severity: 'nonfatal' }).finish();
    expect(taken()).toBe(1n);
    expect(heard()).toHaveLength(2);
  });

  it('a sibling without a driver fails the recovery: signalled twice, FAILED about all, before and after the reset', () => {
    for (const severity of ['nonfatal', 'fatal'] as const) {
      const { kernel, heard, taken } = opened(twoFunctions({ driver: null }), 8);
      const recovery = kernel.error(BDF, { severity });
      recovery.until('notified');
      expect(taken()).toBe(1n);
      recovery.finish();
      expect([recovery.taken.at(-1), taken()]).toEqual(['failed', 1n]);
      expect(heard()).toEqual([
        `${BDF} BEGIN_RECOVERY false`,
        `${BDF} FAILED_RECOVERY false`,
        `${SIBLING} FAILED_RECOVERY false`,
      ]);
    }
  });

  it('a link that cannot be reset fails the recovery too', () => {
    const { kernel, taken } = opened();
    expect(kernel.error(BDF, { severity: 'fatal', linkReset: 'fails' }).finish().taken.at(-1)).toBe('failed');
    expect(taken()).toBe(2n);
  });

  it('the eventfd is signalled before the reset; until its end resets are EAGAIN and configuration space waits', async () => {
    const clock = new VirtualClock();
    const { kernel, program, device, group, taken } = opened(x86(), 7, clock);
    const played = kernel.error(BDF, { severity: 'fatal' }).play(clock);
    expect(taken()).toBe(1n);
    const read = kernel.preadAsync(device, new Uint8Array(2), (7n << 40n) + 4n);
    expect(await program.ioctlAsync(device, 'VFIO_DEVICE_RESET')).toBe('EAGAIN');
    const byGroup = hotReset.byGroups([group]);
    expect(await program.ioctlAsync(device, 'VFIO_DEVICE_PCI_HOT_RESET', byGroup)).toBe('EAGAIN');
    clock.advance(140);
    await played;
    expect(await read).toBe(2);
    expect(clock.monotonic()).toBe(140e6);
    expect(await program.ioctlAsync(device, 'VFIO_DEVICE_RESET')).toBe(0);
  });

  it('what is made up can be read meanwhile: the vendor does not wait', () => {
    const { kernel, program, device } = opened();
    const recovery = kernel.error(BDF, { severity: 'fatal' });
    recovery.until('notified');
    expect(program.config(device, 0, 2)).toEqual(Uint8Array.of(0xf4, 0x1a));
    expect(codeOf(() => program.config(device, 4, 2))).toBe('ERR_PCI_WOULD_BLOCK');
    recovery.finish();
  });

  it('the status is cleared after SUCCESSFUL, not before', () => {
    const { kernel, program, device, heard } = opened();
    const recovery = kernel.error(BDF, { severity: 'nonfatal' });
    recovery.until('recovered');
    expect(heard()).toHaveLength(2);
    expect(program.config(device, AER_UNCOR, 4)).toEqual(Uint8Array.of(0, 0x40, 0, 0));
    recovery.finish();
    expect(program.config(device, AER_UNCOR, 4)).toEqual(new Uint8Array(4));
  });

  it('VFIO_DEVICE_RESET clears the status and does not bring DEVCTL back; a second reset keeps what was restored', () => {
    const { kernel, program, device } = opened();
    kernel.error(BDF, { severity: 'fatal' }).finish();
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe(0);
    expect(program.config(device, AER_UNCOR, 4)).toEqual(new Uint8Array(4));
    expect(program.config16(device, PCIE_DEVCTL)).toBe(0);
    program.writeConfig(device, PCIE_DEVCTL, 0x0f, 0);
    program.writeConfig(device, 4, 0x06, 0x01);
    program.ioctl(device, 'VFIO_DEVICE_RESET');
    expect([program.config16(device, 4), program.config16(device, PCIE_DEVCTL)]).toEqual([0x0106, 0x000f]);
  });

  it('a function without AER, and one that does not answer, report nothing', () => {
    const { kernel, taken } = opened(x86({ config: { aer: false } }));
    expect(kernel.error(BDF, { severity: 'fatal' }).finish().taken).toEqual(['raised']);
    expect(taken()).toBe('EAGAIN');
  });

  it('signals nobody who detached, and nobody after the close', async () => {
    const { kernel, device, taken } = opened();
    kernel.close(device);
    await turns();
    kernel.error(BDF, { severity: 'nonfatal' }).finish();
    expect(taken()).toBe('EAGAIN');
  });
});

describe('a recovery of the host', () => {
  it('does nothing before it is told to, and each step once', () => {
    const { kernel, taken } = opened();
    const recovery = kernel.error(BDF, { severity: 'fatal' });
    expect([taken(), recovery.taken, recovery.done]).toEqual(['EAGAIN', [], false]);
    const steps: (string | undefined)[] = [];
    do steps.push(recovery.step());
    while (steps.at(-1) !== undefined);
    expect(steps).toEqual(['raised', 'recorded', 'notified', 'reset', 'recovered', 'cleared', undefined]);
    expect([recovery.done, recovery.step(), recovery.until('reset'), taken()]).toEqual([true, undefined, false, 1n]);
  });

  it('is refused for what the machine does not have', () => {
    const { kernel } = opened();
    expect(codeOf(() => kernel.error('0000:77:00.0', { severity: 'fatal' }))).toBe('ERR_PCI_NOT_PRESENT');
    expect(codeOf(() => kernel.error(BDF, { pec: 1 }))).toBe('ERR_PCI_BAD_SCRIPT');
  });
});
