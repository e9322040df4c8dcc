import { createEngine, type RecoveryEngine, type RecoveryOutcome, type RecoveryPolicy } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import {
  AerObserverPlatform,
  type AerLinuxEvent,
  type AerLinuxRecord,
  type AerObserverOptions,
} from '../../../src/linux/index.js';
import { FakeKernel, PROMPT, type Delays } from './kernel.js';
import { machineOf, type DriverKind, type FakeMachine } from './machine.js';

export interface ObserverBenchOptions extends AerObserverOptions {
  readonly drivers?: Readonly<Record<string, DriverKind>>;
  readonly delays?: Partial<Delays>;
  /** Whether there is a trace of AER errors. Default: yes. */
  readonly trace?: boolean;
  readonly policy?: RecoveryPolicy;
}

/** A fake host with somebody who looks on. */
export class ObserverBench {
  readonly clock = new VirtualClock();
  readonly machine: FakeMachine;
  readonly kernel: FakeKernel;
  readonly platform: AerObserverPlatform;
  readonly engine: RecoveryEngine;
  readonly outcomes: RecoveryOutcome[] = [];
  readonly troubles: unknown[] = [];

  constructor({ drivers, delays, trace = true, policy, ...options }: ObserverBenchOptions = {}) {
    this.machine = machineOf(drivers);
    this.kernel = new FakeKernel(this.machine, this.clock, { ...PROMPT, ...delays });
    this.platform = new AerObserverPlatform(
      {
        sysfs: this.machine.sysfs,
        uevents: { events: ({ signal }) => this.kernel.uevents.events(signal) },
        ...(trace ? { trace: { events: ({ signal }) => this.kernel.trace.events(signal) } } : {}),
      },
      this.clock,
      { trouble: (error) => this.troubles.push(error), ...options },
    );
    this.engine = createEngine({ platforms: [this.platform], clock: this.clock, ...(policy ? { policy } : {}) });
    this.engine.observe((event) => event.type === 'ended' && this.outcomes.push(event.outcome));
  }

  async start(): Promise<this> {
    await this.drive(this.engine.start());
    return this;
  }

  drive<T>(promise: Promise<T>): Promise<T> {
    return this.clock.drive(promise);
  }

  /** Time passes, seconds. */
  async pass(seconds: number): Promise<void> {
    await this.drive(new Promise<void>((resolve) => this.clock.after(seconds * 1000, resolve)));
  }

  async close(): Promise<void> {
    await this.drive(this.engine.close());
    await this.drive(this.platform[Symbol.asyncDispose]());
  }

  /** Results and reasons of all recoveries. */
  get results(): string[] {
    return this.outcomes.map(({ result, why }) => `${result}: ${why}`);
  }

  get records(): AerLinuxRecord[] {
    return this.outcomes.map(({ event }) => (event as AerLinuxEvent).record);
  }
}
