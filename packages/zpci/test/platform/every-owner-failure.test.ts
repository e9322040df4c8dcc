import { type RecoveryOutcome } from '@pci-recovery/core';
import { ZpciOwnerPlatform, type Errno, type ZpciOwnerPort } from '../../src/index.js';
import { SimulatedVfio, type SimulatedZpci } from '../../src/sim/index.js';
import { AT, LOOKING, machine, RESETTING, running, type Running, type Votes } from '../machine.js';
import { replaced } from '../owner-port.js';

const A = AT[1];

/** What happens to the function, and how the host and its holder behave. */
interface Scenario {
  readonly votes: Votes;
  readonly handlerMs: number;
  /** VFIO_DEVICE_RESET is not there. */
  readonly hot?: true;
  readonly handles?: 'keep';
  readonly pecs: readonly number[];
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a reset that the host lets through at once': { votes: LOOKING, handlerMs: 0, pecs: [4] },
  'a reset that the host holds up': { votes: RESETTING, handlerMs: 2, pecs: [4] },
  'a hot reset': { votes: LOOKING, handlerMs: 2, hot: true, pecs: [4] },
  'several records': { votes: LOOKING, handlerMs: 0, pecs: [4, 5, 6] },
  'several records, with handles that stay': { votes: LOOKING, handlerMs: 0, handles: 'keep', pecs: [4, 5, 6] },
  'more records than are kept': { votes: LOOKING, handlerMs: 0, pecs: [1, 2, 3, 4, 5, 6] },
};

/** The calls that can fail. */
type Call = 'handle' | 'nextError' | 'reset' | 'hotReset' | 'readConfig' | 'writeConfig';

/** What each answers then; a record that could not be copied is lost. */
const FAILURES: Readonly<Record<Call, readonly unknown[]>> = {
  handle: [undefined],
  nextError: [
    ...(['ENOMSG', 'ENOTTY', 'ENODEV', 'EINVAL', 'EFAULT'] as Errno[]).map((errno) => ({ errno })),
    { errno: 0 },
    { errno: 0, record: new Uint8Array(8) },
  ],
  reset: ['EAGAIN', 'EIO', 'EINVAL', 'ENOTTY', 'EBUSY', 'EPERM', 'ENODEV', 'ENOMEM'] satisfies Errno[],
  hotReset: ['EAGAIN', 'EIO', 'EINVAL', 'ENOTTY', 'EBUSY', 'EPERM', 'ENODEV', 'ENOSPC'] satisfies Errno[],
  readConfig: [undefined],
  writeConfig: [false],
};
const CALLS = Object.keys(FAILURES) as Call[];

interface Fault {
  readonly call: Call;
  readonly answer: unknown;
  /** So many of them succeed before. */
  readonly skip: number;
  readonly times: number;
}

/** How often each call was made since the error, and whichever fault is to strike. */
class Script {
  readonly counts = new Map<Call, number>(CALLS.map((call) => [call, 0]));
  armed = false;
  readonly #fault: Fault | undefined;

  constructor(fault: Fault | undefined) {
    this.#fault = fault;
  }

  wrap(device: ZpciOwnerPort): ZpciOwnerPort {
    const calls = CALLS.map((call) => {
      const real = device[call].bind(device) as (...given: unknown[]) => unknown;
      return [call, (...given: unknown[]) => (this.#strikes(call) ? this.#instead(real) : real(...given))] as const;
    });
    return replaced(device, Object.fromEntries(calls));
  }

  #strikes(call: Call): boolean {
    if (!this.armed) return false;
    const count = this.counts.get(call)!;
    this.counts.set(call, count + 1);
    const fault = this.#fault;
    return fault?.call === call && count >= fault.skip && count < fault.skip + fault.times;
  }

  #instead(real: () => unknown): unknown {
    const { call, answer } = this.#fault!;
    if (call === 'nextError' && (answer as { errno: Errno }).errno === 'EFAULT') real();
    return answer;
  }
}

interface Result extends Running {
  readonly hardware: SimulatedZpci;
  readonly platform: ZpciOwnerPlatform;
  readonly script: Script;
}

async function play({ votes, handlerMs, hot, handles, pecs }: Scenario, fault?: Fault): Promise<Result> {
  const { clock, hardware } = machine({ handles: handles ?? 'change' });
  const vfio = new SimulatedVfio(hardware, { handlerMs });
  const held = vfio.open(1, { resettable: !hot });
  held.writeConfig(0x04, 2, 0x0406);
  held.writeConfig(0x10, 4, 0x1234_5000);
  const script = new Script(fault);
  const platform = new ZpciOwnerPlatform([script.wrap(held)], clock);
  const run = await running(clock, platform, { [A]: votes });
  script.armed = true;
  for (const pec of pecs) hardware.detect(1, { pec });
  await run.ended(1);
  await run.settled();
  await clock.drive(run.engine.close());
  await clock.drive(vfio[Symbol.asyncDispose]());
  return { ...run, hardware, platform, script };
}

/** What is said of the function must be so. */
function checkOutcome({ hardware, calls, platform }: Result, { result, usable }: RecoveryOutcome, last: boolean): void {
  if (result === 'disconnected') {
    expect(usable).toEqual([]);
    if (!last) return;
    expect(platform.channelOf(A)).toBe('perm_failure');
    expect(calls.at(-1)).toBe(`errorDetected ${A} perm_failure`);
    return;
  }
  expect(['recovered', 'ignored']).toContain(result);
  if (!last || usable.length === 0) return;
  expect(platform.channelOf(A)).toBe('normal');
  expect(hardware.inspect(1)).toMatchObject({ enabled: true, error: false, blocked: false, translated: true });
  expect(hardware.readConfig(A, 0x04, 2)).toBe(0x0406);
  expect(hardware.readConfig(A, 0x10, 4)).toBe(0x1234_5004);
}

const resets = (hardware: SimulatedZpci): number =>
  hardware.log.filter((fact) => fact.kind === 'vfio' && fact.call.endsWith('reset') && fact.errno === 0).length;

function check(result: Result): void {
  const { outcomes, told, hardware, clock } = result;
  expect(told.filter(({ type }) => type === 'trouble')).toEqual([]);
  expect(told.filter(({ type }) => type === 'received')).toHaveLength(outcomes.length);
  expect(clock.pending).toBe(0);
  outcomes.forEach((outcome, index) => checkOutcome(result, outcome, index === outcomes.length - 1));
  const tried = outcomes.filter(({ result: end }) => end !== 'ignored').length;
  expect(resets(hardware)).toBeLessThanOrEqual(tried);
}

const faultsOf = (call: Call, count: number): Fault[] =>
  Array.from({ length: count }, (_, skip) => skip).flatMap((skip) =>
    FAILURES[call].flatMap((answer) => [1, Infinity].map((times) => ({ call, answer, skip, times }))),
  );

describe('whichever call of a holder fails, at whichever time, in whichever way, once or for ever', () => {
  it.each(Object.entries(SCENARIOS))(
    '%s comes to an end, and nothing is handed back in a state that nobody knows',
    async (_, scenario) => {
      const good = await play(scenario);
      expect(good.outcomes[0]!.result).toBe('recovered');
      expect(resets(good.hardware)).toBe(1);
      check(good);
      const seen = new Set<string>();
      for (const [call, count] of good.script.counts) {
        for (const fault of faultsOf(call, count)) {
          const result = await play(scenario, fault);
          try {
            check(result);
          } catch (error) {
            throw new Error(`${JSON.stringify(fault)}: ${(error as Error).message}`, { cause: error });
          }
          for (const { result: end } of result.outcomes) seen.add(end);
        }
      }
      expect([...seen]).toEqual(expect.arrayContaining(['recovered', 'disconnected']));
    },
    60_000,
  );
});
