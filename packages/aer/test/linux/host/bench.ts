import {
  createEngine,
  parseBdf,
  type Bdf,
  type EngineEvent,
  type ErsResult,
  type PciErrorHandlers,
  type RecoveryEngine,
  type RecoveryOutcome,
  type RecoveryPolicy,
  type TraceEntry,
} from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import {
  AerOwnerPlatform,
  type AerLinuxEvent,
  type AerLinuxRecord,
  type AerOwnerOptions,
} from '../../../src/linux/index.js';
import { FakeKernel, PROMPT, type Delays } from './kernel.js';
import { machineOf, type DriverKind, type FakeMachine } from './machine.js';
import { FakeVfioPort } from './vfio-port.js';

/** What a listener was told. */
export interface Call {
  readonly time: number;
  readonly bdf: Bdf;
  /** `error_detected` with its channel, or the other callback's name. */
  readonly what: string;
}

/** How a listener votes; it recovers where nothing is said. */
export type Votes = Partial<Record<'errorDetected' | 'mmioEnabled' | 'slotReset', ErsResult>>;

export interface BenchOptions extends AerOwnerOptions {
  readonly drivers?: Readonly<Record<string, DriverKind>>;
  readonly delays?: Partial<Delays>;
  /** Whether there is a trace of AER errors. Default: no. */
  readonly trace?: boolean;
  readonly policy?: RecoveryPolicy;
}

/** A fake host with an owner of some of its devices. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly machine: FakeMachine;
  readonly kernel: FakeKernel;
  readonly platform: AerOwnerPlatform;
  readonly engine: RecoveryEngine;
  readonly calls: Call[] = [];
  readonly outcomes: RecoveryOutcome[] = [];
  readonly events: EngineEvent[] = [];
  readonly troubles: unknown[] = [];
  readonly ports = new Map<string, FakeVfioPort>();
  readonly holds = new Map<string, Disposable>();

  constructor({ drivers, delays, trace = false, policy, ...options }: BenchOptions = {}) {
    this.machine = machineOf(drivers);
    this.kernel = new FakeKernel(this.machine, this.clock, { ...PROMPT, ...delays });
    this.platform = new AerOwnerPlatform(
      {
        sysfs: this.machine.sysfs,
        uevents: { events: ({ signal }) => this.kernel.uevents.events(signal) },
        ...(trace ? { trace: { events: ({ signal }) => this.kernel.trace.events(signal) } } : {}),
      },
      this.clock,
      { trouble: (error) => this.troubles.push(error), ...options },
    );
    this.engine = createEngine({ platforms: [this.platform], clock: this.clock, ...(policy ? { policy } : {}) });
    this.engine.observe((event) => {
      this.events.push(event);
      if (event.type === 'ended') this.outcomes.push(event.outcome);
    });
  }

  /** Starts the engine; holds these devices first, with listeners that vote so. */
  async start(votes: Readonly<Record<string, Votes>>): Promise<this> {
    for (const [bdf, how] of Object.entries(votes)) {
      await this.hold(bdf);
      this.engine.attach(parseBdf(bdf), this.listener(bdf, how));
    }
    await this.drive(this.engine.start());
    return this;
  }

  port(bdf: string): FakeVfioPort {
    let port = this.ports.get(bdf);
    if (!port) this.ports.set(bdf, (port = new FakeVfioPort(this.kernel, this.machine.get(bdf))));
    return port;
  }

  async hold(bdf: string): Promise<void> {
    this.holds.set(bdf, await this.drive(this.platform.hold(this.port(bdf))));
  }

  drive<T>(promise: Promise<T>): Promise<T> {
    return this.clock.drive(promise);
  }

  /** Everything happens that can: no timer is left, nothing moves any more. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; idle++) {
      await this.drive(new Promise<void>((resolve) => this.clock.after(0, resolve)));
      while (this.clock.pending > 0) {
        idle = 0;
        await this.drive(new Promise<void>((resolve) => this.clock.after(1_000, resolve)));
      }
    }
  }

  async close(): Promise<void> {
    await this.drive(this.engine.close());
    await this.drive(this.platform[Symbol.asyncDispose]());
  }

  /** What one function's listener was told, in order. */
  toldTo(bdf: string): string[] {
    return this.calls.filter((call) => call.bdf === parseBdf(bdf)).map(({ what }) => what);
  }

  /** The operations of the one recovery that there was, with what they answered. */
  get operations(): string[] {
    return this.outcomes.flatMap(({ trace }) => trace.flatMap(operationOf));
  }

  /** Results and reasons of all recoveries. */
  get results(): string[] {
    return this.outcomes.map(({ result, why }) => `${result}: ${why}`);
  }

  get records(): AerLinuxRecord[] {
    return this.outcomes.map(({ event }) => (event as AerLinuxEvent).record);
  }

  listener(bdf: string, votes: Votes): PciErrorHandlers {
    const heard = (what: string): void =>
      void this.calls.push({ time: this.clock.monotonic(), bdf: parseBdf(bdf), what });
    return {
      errorDetected(_, channel) {
        heard(`error_detected(${channel})`);
        return votes.errorDetected ?? 'can_recover';
      },
      mmioEnabled() {
        heard('mmio_enabled');
        return votes.mmioEnabled ?? 'recovered';
      },
      slotReset() {
        heard('slot_reset');
        return votes.slotReset ?? 'recovered';
      },
      resume: () => heard('resume'),
    };
  }
}

const operationOf = (entry: TraceEntry): string[] => {
  if (entry.what !== 'operated') return [];
  const { result } = entry;
  return [`${entry.at}=${result.ok ? ((result.value as string | undefined) ?? 'ok') : result.why}`];
};
