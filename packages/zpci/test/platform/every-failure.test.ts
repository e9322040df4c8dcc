import { type RecoveryOutcome } from '@pci-recovery/core';
import {
  type FirmwareCall,
  type HardwareFault,
  type ZpciFact,
  type ZpciMachineDescription,
} from '../../src/sim/index.js';
import { callCounts, everyFailure } from '../firmware-faults.js';
import { AT, host, LOOKING, RESETTING, type Host, type Votes } from '../machine.js';

const A = AT[1];

/** What happens to which function, and who drives it. */
interface Scenario {
  readonly votes: Votes;
  readonly disables?: 'openly' | 'silently';
  /** Its functions, if it is another machine. */
  readonly functions?: ZpciMachineDescription['functions'];
  readonly handles?: 'keep';
  /** Somebody holds the function through VFIO. */
  readonly held?: true;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a look': { votes: LOOKING },
  'a look that was not enough': { votes: { ...LOOKING, mmioEnabled: 'need_reset' } },
  'a driver that only hears of errors': { votes: { errorDetected: 'none' } },
  'a reset': { votes: RESETTING },
  'a reset that keeps the handle': { votes: RESETTING, handles: 'keep' },
  'a reset with memory mappings': { votes: RESETTING, functions: [{ fid: 1, bdf: A, mio: true }] },
  'a reset without interrupts': { votes: RESETTING, functions: [{ fid: 1, bdf: A, interrupts: false }] },
  'a function that its error disabled': { votes: LOOKING, disables: 'openly' },
  'a function that is disabled and does not show it': { votes: LOOKING, disables: 'silently' },
  'a function that is held': { votes: RESETTING, held: true },
};

/** What the hardware can do beside that. */
const HARDWARE_FAULTS: readonly HardwareFault[] = [
  { fault: 'error_when_enabled', fid: 1, times: 1 },
  { fault: 'error_when_enabled', fid: 1, error: { pec: 0x3b }, times: 1 },
  { fault: 'error_when_enabled', fid: 1, error: { disables: 'openly' }, times: 1 },
];

interface Result {
  readonly run: Host;
  /** Of the first error; a second one may have followed. */
  readonly outcome: RecoveryOutcome;
}

async function play(scenario: Scenario, fault?: HardwareFault): Promise<Result> {
  const { votes, disables, functions, handles, held } = scenario;
  const run = await host({
    drivers: { [A]: votes },
    machine: { ...(functions && { functions }), ...(handles && { handles }) },
  });
  if (held) run.platform.open(A);
  if (fault) run.hardware.script(fault);
  run.hardware.detect(1, disables ? { disables } : {});
  const [outcome] = await run.ended(1);
  // Whatever error came out of this one comes to an end as well.
  await run.settled();
  await run.clock.drive(run.engine.close());
  return { run, outcome: outcome! };
}

/** How often each call is made when nothing fails, from the error on. */
async function callsOf(scenario: Scenario): Promise<ReadonlyMap<FirmwareCall, number>> {
  const { run, outcome } = await play(scenario);
  expect(outcome.result).toBe(scenario.held ? 'handed_over' : 'recovered');
  return callCounts(run.hardware);
}

/** DMA was never let through while register accesses were blocked (R2.6), by the log of the machine. */
function dmaNeverFirst(log: readonly ZpciFact[]): void {
  let blocked = false;
  for (const { kind } of log) {
    if (kind === 'error_state') blocked = true;
    if (kind === 'load_store_unblocked' || kind === 'disabled') blocked = false;
    if (kind === 'dma_unblocked') expect(blocked).toBe(false);
  }
}

/** What is done to a function by a recovery. */
const TOUCHES: ReadonlySet<string> = new Set(['load_store_unblocked', 'dma_unblocked', 'disabled', 'enabled']);

/** Interrupts are registered since it was enabled last, where its driver has some. */
function interruptsWork({ hardware }: Host): void {
  const mine = hardware.log.filter(({ fid }) => fid === 1).map(({ kind }) => kind);
  const enabled = mine.lastIndexOf('enabled');
  if (enabled >= 0 && hardware.usesInterrupts(A)) expect(mine.slice(enabled)).toContain('interrupts_registered');
}

/** What must be true of the machine, whatever failed. */
function check({ run, outcome }: Result, scenario: Scenario): void {
  const { hardware, platform, outcomes, told, clock } = run;
  dmaNeverFirst(hardware.log);
  expect(told.filter(({ type }) => type === 'trouble')).toEqual([]);
  expect(told.filter(({ type }) => type === 'received')).toHaveLength(outcomes.length);
  expect(clock.pending).toBe(0);
  for (const sibling of [AT[2], AT[3]]) expect(hardware.log.filter(({ bdf }) => bdf === sibling)).toEqual([]);
  const touched = hardware.log.filter(({ kind }) => TOUCHES.has(kind));
  if (outcome.result === 'recovered') {
    expect(scenario.held).toBeUndefined();
    expect(outcome.usable.map(({ bdf }) => bdf)).toEqual([A]);
    if (outcomes.length > 1) return;
    const now = hardware.inspect(1)!;
    expect(now).toMatchObject({ enabled: true, error: false, blocked: false, translated: true });
    expect(platform.functions()[0]!.fh).toBe(now.fh);
    expect(platform.channelOf(A)).toBe('normal');
    interruptsWork(run);
    return;
  }
  expect(outcome.usable).toEqual([]);
  if (outcome.result === 'disconnected') {
    expect(platform.channelOf(A)).toBe('perm_failure');
    expect(run.calls.at(-1)).toBe(`errorDetected ${A} perm_failure`);
    return;
  }
  expect(outcome.result).toBe(scenario.held && run.calls.length > 0 ? 'handed_over' : 'ignored');
  expect(touched).toEqual([]);
  expect(platform.channelOf(A)).toBe(outcome.result === 'handed_over' ? 'frozen' : 'normal');
}

describe('whichever call of firmware fails, at whichever time, in whichever way, once or for ever', () => {
  it.each(Object.entries(SCENARIOS))(
    '%s comes to an end, and nothing is handed back in a state that nobody knows',
    async (_, scenario) => {
      const results = new Map<string, number>();
      const faults = [...(await callsOf(scenario))].flatMap(([call, count]) => everyFailure(call, count));
      for (const fault of [...faults, ...HARDWARE_FAULTS]) {
        const result = await play(scenario, fault);
        try {
          check(result, scenario);
        } catch (error) {
          throw new Error(`${JSON.stringify(fault)}: ${(error as Error).message}`, { cause: error });
        }
        results.set(result.outcome.result, (results.get(result.outcome.result) ?? 0) + 1);
      }
      const expected = scenario.held ? ['handed_over', 'ignored'] : ['recovered', 'disconnected', 'ignored'];
      for (const seen of expected) expect([seen, (results.get(seen) ?? 0) > 0]).toEqual([seen, true]);
    },
    60_000,
  );
});

describe('firmware that says that it has done what it has not', () => {
  it.each(['stays_blocked', 'stays_in_error', 'reset_ignored'] as const)(
    '(%s) is believed, as the kernel does; what is still in the error state is found by the next survey',
    async (fault) => {
      for (const scenario of Object.values(SCENARIOS)) {
        const { run, outcome } = await play(scenario, { fault, fid: 1 });
        expect(outcome.result).toBe(scenario.held ? 'handed_over' : 'recovered');
        const { error, blocked } = run.hardware.inspect(1)!;
        const found = await run.platform.survey(new AbortController());
        expect(found.map(({ device }) => device.bdf)).toEqual(error || blocked ? [A] : []);
      }
    },
  );
});
