import { type KernelPolicyOptions, type PciErrorHandlers } from '@pci-recovery/core';
import {
  encodeCcdfError,
  ZpciOwnerPlatform,
  type ZpciOwnerOptions,
  type Errno,
  type ZpciOwnerPort,
} from '../../src/index.js';
import {
  SimulatedVfio,
  type HeldDevice,
  type HeldDeviceOptions,
  type SimulatedVfioOptions,
  type SimulatedZpci,
} from '../../src/sim/index.js';
import { AT, codeOf, LOOKING, machine, operated, running, type Running, type Votes } from '../machine.js';
import { replaced } from '../owner-port.js';

const A = AT[1];

interface Owner extends Running {
  readonly hardware: SimulatedZpci;
  readonly vfio: SimulatedVfio;
  readonly held: HeldDevice;
  readonly platform: ZpciOwnerPlatform;
}

interface OwnerOptions {
  readonly listener?: Votes | PciErrorHandlers | null;
  readonly vfio?: SimulatedVfioOptions;
  readonly held?: HeldDeviceOptions;
  readonly options?: ZpciOwnerOptions;
  readonly policy?: KernelPolicyOptions;
  readonly handles?: 'keep' | 'change';
  /** Before the owner looks for the first time. */
  readonly before?: (hardware: SimulatedZpci, held: HeldDevice) => void;
  /** After that, when the host has handled it. */
  readonly again?: (hardware: SimulatedZpci, held: HeldDevice) => void;
  /** What the owner has of the function instead of the device itself. */
  readonly port?: (held: HeldDevice) => ZpciOwnerPort;
}

async function owner(given: OwnerOptions = {}): Promise<Owner> {
  const { clock, hardware } = machine({ handles: given.handles ?? 'change' });
  const vfio = new SimulatedVfio(hardware, given.vfio);
  const held = vfio.open(1, given.held);
  held.writeConfig(0x04, 2, 0x0406);
  held.writeConfig(0x10, 4, 0x1234_5000);
  given.before?.(hardware, held);
  await new Promise((resolve) => setImmediate(resolve));
  given.again?.(hardware, held);
  await new Promise((resolve) => setImmediate(resolve));
  const platform = new ZpciOwnerPlatform([given.port?.(held) ?? held], clock, given.options);
  const listener = given.listener === undefined ? LOOKING : given.listener;
  const run = await running(clock, platform, listener ? { [A]: listener } : {}, given.policy);
  return { ...run, hardware, vfio, held, platform };
}

const resets = (hardware: SimulatedZpci): string[] =>
  hardware.log.flatMap((fact) =>
    fact.kind === 'vfio' && fact.call.endsWith('reset') ? [`${fact.call} ${fact.errno}`] : [],
  );

describe('the holder of a function (R2.5, R2.7)', () => {
  it('resets it when the host lets it, restores it, and hands it back', async () => {
    const { hardware, held, ended, calls, platform } = await owner();
    hardware.detect(1, { pec: 4 });
    const [outcome] = await ended(1);
    expect(outcome).toMatchObject({ result: 'recovered', usable: [{ bdf: A, generation: 0 }] });
    expect(operated(outcome!)).toEqual(['confirm_error', 'vfio_reset', 'restore_config', 'enable_bus_master']);
    expect(calls).toEqual([`errorDetected ${A} frozen`, `slotReset ${A}`, `resume ${A}`]);
    expect(resets(hardware)).toEqual(['reset EAGAIN', 'reset EAGAIN', 'reset 0']);
    expect(held.readConfig(0x04, 2)).toBe(0x0406);
    expect(held.readConfig(0x10, 4)).toBe(0x1234_5004);
    expect(platform.channelOf(A)).toBe('normal');
  });

  it('has the record that the host kept, and its bytes', async () => {
    const { hardware, ended } = await owner();
    hardware.detect(1, { pec: 4, faddr: 0x1_2000_0000n });
    const [outcome] = await ended(1);
    expect(outcome!.event).toMatchObject({ severity: 'fatal', record: { origin: 'vfio', fid: 1, ccdf: { pec: 4 } } });
    expect(outcome!.event.raw).toHaveLength(32);
  });

  it('restores the right to do DMA only where it was there', async () => {
    const { hardware, held, ended } = await owner({ before: (_, device) => device.writeConfig(0x04, 2, 0x0402) });
    hardware.detect(1);
    await ended(1);
    expect(held.readConfig(0x04, 2)).toBe(0x0402);
  });

  it('never restores what it read from a function that did not answer (R2.8)', async () => {
    const { held, ended } = await owner({ before: (hardware) => hardware.detect(1) });
    const [outcome] = await ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(held.readConfig(0x10, 4)).toBe(0x0000_0004);
    expect(held.readConfig(0x04, 2)).toBe(0x0006);
  });

  it('keeps what was saved before when a function that does not answer is to be saved (R2.8)', async () => {
    const { hardware, held, ended, platform } = await owner();
    hardware.detect(1);
    platform.save(A);
    await ended(1);
    expect(held.readConfig(0x10, 4)).toBe(0x1234_5004);
    expect(held.readConfig(0x04, 2)).toBe(0x0406);
  });

  it('restores what was saved last', async () => {
    const { hardware, held, ended, platform } = await owner();
    held.writeConfig(0x10, 4, 0x7654_3000);
    platform.save(A);
    hardware.detect(1);
    await ended(1);
    expect(held.readConfig(0x10, 4)).toBe(0x7654_3004);
  });

  it.each(['keep', 'change'] as const)('resets once for several records, handles that %s', async (handles) => {
    const { hardware, ended } = await owner({
      handles,
      vfio: { handlerMs: 0 },
      before: (one) => [1, 2, 3].forEach((pec) => one.detect(1, { pec })),
    });
    const outcomes = await ended(3);
    expect(outcomes.map(({ result }) => result)).toEqual(['recovered', 'ignored', 'ignored']);
    expect(resets(hardware)).toEqual(['reset 0']);
    hardware.detect(1);
    expect((await ended(4))[3]).toMatchObject({ result: 'recovered' });
  });

  it.each(['keep', 'change'] as const)(
    'recovers a function whose newest record was dropped, although all that were kept are from before a reset (%s)',
    async (handles) => {
      const { hardware, ended } = await owner({
        handles,
        vfio: { handlerMs: 0 },
        before: (one) => [1, 2, 3, 4].forEach((pec) => one.detect(1, { pec })),
        again: (one, device) => {
          device.reset();
          one.detect(1, { pec: 5 });
        },
      });
      const outcomes = await ended(4);
      expect(outcomes.map(({ result }) => result)).toEqual(['recovered', 'ignored', 'ignored', 'ignored']);
      expect(hardware.inspect(1)).toMatchObject({ error: false, blocked: false });
    },
  );

  it('reads on after a record that got lost on its way, and hears of the others', async () => {
    const { hardware, ended } = await owner({
      vfio: { handlerMs: 0 },
      port: (device) => {
        let lost = 1;
        const nextError: ZpciOwnerPort['nextError'] = () => {
          const given = device.nextError();
          return lost-- > 0 ? { errno: 'EFAULT' } : given;
        };
        return replaced(device, { nextError });
      },
      before: (one) => [1, 2].forEach((pec) => one.detect(1, { pec })),
    });
    const [outcome] = await ended(1);
    expect(outcome).toMatchObject({ result: 'recovered', event: { record: { ccdf: { pec: 2 } } } });
    expect(resets(hardware)).toEqual(['reset 0']);
  });

  it('takes a record of another function for an error of which nothing is known, and keeps its bytes', async () => {
    const record = encodeCcdfError({ fh: 0x8000_0009, fid: 9, pec: 4 });
    let left = 1;
    const { hardware, held, ended } = await owner({
      vfio: { handlerMs: 0 },
      port: (device) =>
        replaced(device, { nextError: () => (left-- > 0 ? { errno: 0, record } : { errno: 'ENOMSG' }) }),
    });
    hardware.detect(1);
    const [outcome] = await ended(1);
    expect(outcome!.event).toMatchObject({ raw: record, record: { origin: 'vfio', class: 'recoverable', fid: 1 } });
    expect(outcome!.result).toBe('recovered');
    expect(held.readConfig(0x04, 2)).toBe(0x0406);
  });

  it('finds a function that does not answer although there is no record', async () => {
    const { ended } = await owner({ held: { records: false }, before: (hardware) => hardware.detect(1) });
    const [outcome] = await ended(1);
    expect(outcome!.event.record).toEqual({ origin: 'vfio', class: 'recoverable', fid: 1, fh: 0x8002_0000 });
    expect(outcome!.result).toBe('recovered');
  });

  it('reports nothing for a signal without record and without error', async () => {
    const { held, settled, told } = await owner();
    held.signal();
    await settled();
    expect(told.filter(({ type }) => type === 'received')).toEqual([]);
  });
});

describe('what a holder cannot recover', () => {
  it.each(['disconnect', 'no_aer_driver'] as const)('a listener that votes %s: no reset', async (errorDetected) => {
    const { hardware, ended } = await owner({ listener: { ...LOOKING, errorDetected } });
    hardware.detect(1);
    expect((await ended(1))[0]!.result).toBe('disconnected');
    expect(resets(hardware)).toEqual([]);
  });

  it('a function without any listener: it votes disconnect (R1.3)', async () => {
    const { hardware, ended } = await owner({ listener: null });
    hardware.detect(1);
    expect((await ended(1))[0]!.result).toBe('disconnected');
    expect(resets(hardware)).toEqual([]);
  });

  it.each([0x3b, 0x40])('a permanent event 0x%s: told, no reset', async (pec) => {
    const { hardware, ended, calls, platform } = await owner();
    hardware.detect(1, { pec });
    expect((await ended(1))[0]!.result).toBe('disconnected');
    expect(calls).toEqual([`errorDetected ${A} perm_failure`]);
    expect(resets(hardware)).toEqual([]);
    expect(platform.channelOf(A)).toBe('perm_failure');
    hardware.detect(1);
    expect((await ended(2))[1]!.why).toContain('lost before');
  });

  it('a host that never lets it: it gives up after the limit, and says so', async () => {
    const timings = { firstRetryMs: 1, mostRetryMs: 8, limitMs: 100 };
    const { hardware, ended, clock } = await owner({ vfio: { handlerMs: 1e6 }, options: { timings } });
    hardware.detect(1);
    const begin = clock.monotonic();
    const [outcome] = await ended(1);
    expect(outcome!.why).toContain('VFIO_DEVICE_RESET gave EAGAIN');
    expect((clock.monotonic() - begin) / 1e6).toBe(100);
    expect(resets(hardware)).toHaveLength(16);
  });

  it.each<[Errno[], string]>([
    // The handler of this error is done, but for its state lock.
    [['EAGAIN', 'EIO'], 'recovered'],
    // The handler of the next one has the state lock, and not yet the device.
    [['EIO'], 'recovered'],
    [['EIO', 'EAGAIN', 'EAGAIN'], 'recovered'],
    [['EIO', 'EIO'], 'disconnected'],
    [['EAGAIN', 'EIO', 'EIO'], 'disconnected'],
    [['EIO', 'EAGAIN', 'EIO'], 'disconnected'],
  ])(
    'a moment of the host’s handler in which only its state lock is held is waited for, once: %j',
    async (answers, result) => {
      const script = [...answers];
      const { hardware, ended } = await owner({
        vfio: { handlerMs: 0 },
        port: (device) => replaced(device, { reset: () => script.shift() ?? device.reset() }),
      });
      hardware.detect(1);
      expect((await ended(1))[0]!.result).toBe(result);
      expect(script).toEqual([]);
    },
  );

  it('a reset that fails: no other method is tried', async () => {
    const { hardware, ended } = await owner({ vfio: { handlerMs: 0 } });
    hardware.script({ fault: 'call_fails', call: 'enable' });
    hardware.detect(1);
    expect((await ended(1))[0]!.why).toContain('VFIO_DEVICE_RESET gave EIO');
    expect(resets(hardware)).toEqual(['reset EIO', 'reset EIO']);
  });

  it('a function that does not take its configuration back', async () => {
    const { hardware, ended } = await owner({ vfio: { handlerMs: 0 } });
    hardware.script({ fault: 'error_when_enabled', fid: 1, times: 1 });
    hardware.detect(1);
    const [outcome] = await ended(1);
    expect(outcome!.why).toContain('Configuration could not be restored');
  });
});

describe('the next reset method (R2.9)', () => {
  it('is used where the first is not there, and everything affected is owned; the trace names both', async () => {
    const { hardware, ended } = await owner({ held: { resettable: false }, vfio: { handlerMs: 0 } });
    hardware.detect(1);
    const [outcome] = await ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(operated(outcome!)).toEqual([
      'confirm_error',
      'vfio_reset',
      'vfio_hot_reset',
      'restore_config',
      'enable_bus_master',
    ]);
  });

  it('waits for the host’s handler as the first does', async () => {
    const { hardware, ended } = await owner({ held: { resettable: false } });
    hardware.detect(1);
    expect((await ended(1))[0]).toMatchObject({ result: 'recovered' });
    expect(resets(hardware)).toEqual(['reset EINVAL', 'hot_reset EAGAIN', 'hot_reset EAGAIN', 'hot_reset 0']);
  });

  it('is refused where something affected is not owned, and why is said', async () => {
    const absent = '0001:00:00.1 is not owned';
    const { hardware, ended } = await owner({
      held: { resettable: false, canHotReset: { absent } },
      vfio: { handlerMs: 0 },
    });
    hardware.detect(1);
    expect((await ended(1))[0]!.why).toBe(
      `The reset did not succeed: VFIO_DEVICE_RESET gave EINVAL. A hot reset is not possible: ${absent}.`,
    );
    expect(resets(hardware)).toEqual(['reset EINVAL']);
  });
});

it('refuses to hold one function twice', async () => {
  const { held, clock } = await owner();
  expect(codeOf(() => new ZpciOwnerPlatform([held, held], clock))).toBe('ERR_PCI_DUPLICATE_FUNCTION');
});
