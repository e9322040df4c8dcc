import { type ErsResult, type PciErrorHandlers } from '@pci-recovery/core';
import { type HardwareFault } from '../../src/sim/index.js';
import { AT, host, LOOKING, operated, RESETTING, seen, type Host, type Votes } from '../machine.js';

const A = AT[1];

/** A whole recovery as it is seen from outside. */
interface Scenario {
  readonly says: string;
  readonly votes: Votes | PciErrorHandlers | undefined;
  readonly faults?: readonly HardwareFault[];
  readonly disables?: 'openly' | 'silently';
  /** What happened at the function after its error, uevents included. */
  readonly sees: readonly string[];
  readonly calls: readonly string[];
  readonly result: 'recovered' | 'disconnected';
}

const ERROR = ['error_state', 'notification'];
const RESET = ['disabled', 'enabled', 'interrupts_registered', 'translation_registered'];

const call = (...names: string[]): string[] =>
  names.map((name) => (name.startsWith('errorDetected ') ? name.replace(' ', ` ${A} `) : `${name} ${A}`));

const LOST = call('errorDetected perm_failure');
const FROZEN = call('errorDetected frozen');
const votes = (change: Partial<Record<keyof Votes, ErsResult>>): Votes => ({ ...LOOKING, ...change }) as Votes;
const only = (...callbacks: (keyof Votes)[]): Votes =>
  Object.fromEntries(Object.entries(LOOKING).filter(([name]) => callbacks.includes(name as keyof Votes)));

const SCENARIOS: readonly Scenario[] = [
  {
    says: 'a driver that looks and goes on: MMIO, mmio_enabled, DMA, resume (R2.6)',
    votes: LOOKING,
    sees: [...ERROR, 'BEGIN_RECOVERY', 'load_store_unblocked', 'dma_unblocked', 'SUCCESSFUL_RECOVERY'],
    calls: [...FROZEN, ...call('mmioEnabled', 'resume')],
    result: 'recovered',
  },
  {
    says: 'a driver that wants a reset: reset, slot_reset, resume (R2.6)',
    votes: RESETTING,
    sees: [...ERROR, 'BEGIN_RECOVERY', ...RESET, 'SUCCESSFUL_RECOVERY'],
    calls: [...FROZEN, ...call('slotReset', 'resume')],
    result: 'recovered',
  },
  {
    says: 'a driver that only has error_detected abstains from everything else: NONE counts as recovered (R2.6)',
    votes: only('errorDetected'),
    sees: [...ERROR, 'BEGIN_RECOVERY', 'load_store_unblocked', 'dma_unblocked', 'SUCCESSFUL_RECOVERY'],
    calls: FROZEN,
    result: 'recovered',
  },
  {
    says: 'an abort vote: no reset, its own uevent',
    votes: votes({ errorDetected: 'disconnect' }),
    sees: [...ERROR, 'FAILED_RECOVERY'],
    calls: [...FROZEN, ...LOST],
    result: 'disconnected',
  },
  {
    says: 'a driver that votes no_aer_driver: no reset, no uevent',
    votes: votes({ errorDetected: 'no_aer_driver' }),
    sees: ERROR,
    calls: [...FROZEN, ...LOST],
    result: 'disconnected',
  },
  {
    says: 'an abort after mmio_enabled: no reset, no uevent of failure',
    votes: votes({ mmioEnabled: 'disconnect' }),
    sees: [...ERROR, 'BEGIN_RECOVERY', 'load_store_unblocked'],
    calls: [...FROZEN, ...call('mmioEnabled'), ...LOST],
    result: 'disconnected',
  },
  {
    says: 'a driver that wants a reset after all',
    votes: votes({ mmioEnabled: 'need_reset' }),
    sees: [...ERROR, 'BEGIN_RECOVERY', 'load_store_unblocked', ...RESET, 'SUCCESSFUL_RECOVERY'],
    calls: [...FROZEN, ...call('mmioEnabled', 'slotReset', 'resume')],
    result: 'recovered',
  },
  {
    says: 'a driver that still can recover after mmio_enabled: too late',
    votes: votes({ mmioEnabled: 'can_recover' }),
    sees: [...ERROR, 'BEGIN_RECOVERY', 'load_store_unblocked', 'dma_unblocked', 'FAILED_RECOVERY'],
    calls: [...FROZEN, ...call('mmioEnabled'), ...LOST],
    result: 'disconnected',
  },
  ...(['need_reset', 'can_recover', 'disconnect', 'no_aer_driver'] as const).map((slotReset): Scenario => ({
    says: `a driver that answers ${slotReset} to slot_reset: failed, and user space is told`,
    votes: { ...RESETTING, slotReset },
    sees: [...ERROR, 'BEGIN_RECOVERY', ...RESET, 'FAILED_RECOVERY'],
    calls: [...FROZEN, ...call('slotReset'), ...LOST],
    result: 'disconnected',
  })),
  {
    says: 'register access that stays blocked: reset (R2.6)',
    votes: LOOKING,
    faults: [{ fault: 'call_fails', call: 'reset_block' }],
    sees: [...ERROR, 'BEGIN_RECOVERY', ...RESET, 'SUCCESSFUL_RECOVERY'],
    calls: [...FROZEN, ...call('slotReset', 'resume')],
    result: 'recovered',
  },
  {
    says: 'an error state that cannot be cleared: reset (R2.6)',
    votes: LOOKING,
    faults: [{ fault: 'call_fails', call: 'reset_error' }],
    sees: [...ERROR, 'BEGIN_RECOVERY', 'load_store_unblocked', ...RESET, 'SUCCESSFUL_RECOVERY'],
    calls: [...FROZEN, ...call('mmioEnabled', 'slotReset', 'resume')],
    result: 'recovered',
  },
  {
    says: 'a function that the error disabled: reset without disabling it',
    votes: LOOKING,
    disables: 'openly',
    sees: [...ERROR, 'BEGIN_RECOVERY', ...RESET.slice(1), 'SUCCESSFUL_RECOVERY'],
    calls: [...FROZEN, ...call('slotReset', 'resume')],
    result: 'recovered',
  },
  {
    says: 'a function that is disabled although its handle says enabled: no error',
    votes: RESETTING,
    disables: 'silently',
    sees: [...ERROR, 'BEGIN_RECOVERY', ...RESET, 'SUCCESSFUL_RECOVERY'],
    calls: [...FROZEN, ...call('slotReset', 'resume')],
    result: 'recovered',
  },
  ...(['disable', 'enable', 'register_interrupts', 'register_translation'] as const).map((at, index): Scenario => ({
    says: `a reset that fails at ${at}: failed, and user space is told`,
    votes: RESETTING,
    faults: [{ fault: 'call_fails', call: at, fid: 1 }],
    sees: [
      ...ERROR,
      'BEGIN_RECOVERY',
      ...RESET.slice(0, index),
      ...(at === 'register_translation' ? ['disabled'] : []),
      'FAILED_RECOVERY',
    ],
    calls: [...FROZEN, ...LOST],
    result: 'disconnected',
  })),
  {
    says: 'nobody bound: failed without a word to user space',
    votes: undefined,
    sees: ERROR,
    calls: [],
    result: 'disconnected',
  },
  {
    says: 'a driver without error_detected: failed without a word to anybody',
    votes: only('mmioEnabled', 'slotReset', 'resume'),
    sees: ERROR,
    calls: [],
    result: 'disconnected',
  },
];

async function play({ votes: given, faults, disables }: Scenario): Promise<Host> {
  const run = await host({ drivers: given ? { [A]: given } : {} });
  for (const fault of faults ?? []) run.hardware.script(fault);
  run.hardware.detect(1, disables ? { disables } : {});
  await run.ended(1);
  return run;
}

describe('the kernel’s recovery of one function', () => {
  it.each(SCENARIOS.map((scenario) => [scenario.says, scenario] as const))('%s', async (_, scenario) => {
    const { hardware, outcomes, calls, platform, engine, clock, told } = await play(scenario);
    expect(seen(hardware)).toEqual(scenario.sees);
    expect(calls).toEqual(scenario.calls);
    expect(outcomes.map(({ result }) => result)).toEqual([scenario.result]);
    expect(outcomes[0]!.usable.map(({ bdf }) => bdf)).toEqual(scenario.result === 'recovered' ? [A] : []);
    expect(platform.channelOf(A)).toBe(scenario.result === 'recovered' ? 'normal' : 'perm_failure');
    const well = scenario.result === 'recovered';
    if (well)
      expect(hardware.inspect(1)).toMatchObject({ enabled: true, error: false, blocked: false, translated: true });
    expect(told.filter(({ type }) => type === 'trouble')).toEqual([]);
    await clock.drive(engine.close());
  });

  it('recovers a function so that registers and DMA work again', async () => {
    for (const drives of [LOOKING, RESETTING]) {
      const { hardware, ended } = await host({ drivers: { [A]: drives } });
      using _ = hardware.map(1, 0x1_0000_0000n, 0x1000n);
      expect(hardware.dma(1, { address: 0x1_2000_0000n })).toBe('fault');
      expect(hardware.readConfig(A, 0, 2)).toBe(0xffff);
      expect(hardware.dma(1, { address: 0x1_0000_0000n })).toBe('blocked');
      await ended(1);
      expect(hardware.readConfig(A, 0, 2)).toBe(0x1af4);
      expect(hardware.dma(1, { address: 0x1_0000_0000n })).toBe('done');
    }
  });

  it('lets the driver look at registers in mmio_enabled, and not at memory', async () => {
    const looked: unknown[] = [];
    const { hardware, ended } = await host({
      drivers: {
        [A]: {
          errorDetected: () => 'can_recover',
          mmioEnabled: () => {
            looked.push(hardware.readConfig(A, 0, 2), hardware.dma(1, { address: 0x1_0000_0000n }));
            return 'recovered';
          },
        },
      },
    });
    hardware.detect(1);
    await ended(1);
    expect(looked).toEqual([0x1af4, 'blocked']);
  });

  it('touches no sibling on the same bus (R2.10)', async () => {
    const { hardware, ended, calls, platform } = await host({ drivers: { [AT[2]]: RESETTING, [AT[3]]: RESETTING } });
    hardware.detect(2);
    const [outcome] = await ended(1);
    expect(outcome!.scope.members.map(({ bdf }) => bdf)).toEqual([AT[2]]);
    expect(hardware.log.filter((fact) => fact.bdf === AT[3])).toEqual([]);
    expect(calls.every((one) => one.includes(AT[2]))).toBe(true);
    expect(platform.channelOf(AT[3])).toBe('normal');
  });

  it('gives the function a new handle, and knows it (R2.7)', async () => {
    const { hardware, ended, platform } = await host({ drivers: { [A]: RESETTING } });
    const before = hardware.inspect(1)!.fh;
    hardware.detect(1);
    await ended(1);
    const after = hardware.inspect(1)!.fh;
    expect(after).not.toBe(before);
    expect(platform.functions().find(({ fid }) => fid === 1)!.fh).toBe(after);
  });

  it('enables memory mappings too where the function has them, and disables it again when that fails', async () => {
    const functions = [{ fid: 1, bdf: A, mio: true }];
    const good = await host({ drivers: { [A]: RESETTING }, machine: { functions } });
    good.hardware.detect(1);
    expect((await good.ended(1))[0]!.result).toBe('recovered');
    const calls = good.hardware.log.flatMap((fact) => (fact.kind === 'firmware_call' ? [fact.call] : []));
    expect(calls).toEqual(['list', 'disable', 'enable', 'enable_mio', 'register_interrupts', 'register_translation']);
    const bad = await host({ drivers: { [A]: RESETTING }, machine: { functions } });
    bad.hardware.script({ fault: 'call_fails', call: 'enable_mio' });
    bad.hardware.detect(1);
    expect((await bad.ended(1))[0]).toMatchObject({ result: 'disconnected' });
    expect(bad.hardware.inspect(1)!.enabled).toBe(false);
    expect(bad.platform.functions()[0]!.fh).toBe(bad.hardware.inspect(1)!.fh);
  });

  it('registers no interrupts where none are in use', async () => {
    const functions = [{ fid: 1, bdf: A, interrupts: false }];
    const { hardware, ended } = await host({ drivers: { [A]: RESETTING }, machine: { functions } });
    hardware.detect(1);
    await ended(1);
    expect(seen(hardware)).not.toContain('interrupts_registered');
  });
});

describe('firmware that is busy', () => {
  it.each([
    ['disable', 0x108, 100, 2000],
    ['enable', 0x108, 100, 2000],
    ['register_translation', 2, 2000, 2000],
  ] as const)('is asked again while %s answers %d, up to %d times', async (at, answer, most, ms) => {
    for (const times of [1, most, most + 1]) {
      const { hardware, ended, clock } = await host({ drivers: { [A]: RESETTING } });
      hardware.script({ fault: 'call_fails', call: at, answer, times });
      hardware.detect(1);
      const begin = clock.monotonic();
      const [outcome] = await ended(1);
      expect(outcome!.result).toBe(times > most ? 'disconnected' : 'recovered');
      expect((clock.monotonic() - begin) / 1e6).toBe((ms / most) * Math.min(times, most));
    }
  });
});

it('stops before the reset when it is given up, and tells the driver', async () => {
  const heard: string[] = [];
  const { hardware, engine, clock, ended } = await host({
    drivers: {
      [A]: {
        errorDetected: (_, channel) => {
          heard.push(channel);
          if (channel === 'frozen') void engine.abort('The operator said so.');
          return Promise.resolve('need_reset' as const);
        },
      },
    },
  });
  hardware.detect(1);
  const [outcome] = await ended(1);
  await clock.drive(engine.close());
  expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
  expect(operated(outcome!)).not.toContain('hot_reset');
  expect(heard).toEqual(['frozen', 'perm_failure']);
});
