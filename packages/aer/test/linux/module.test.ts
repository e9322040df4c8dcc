import { coreModule, parseBdf, TOKENS, type EngineEvent, type RecoveryEngine } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { Container } from 'inversify';
import { aerObserverModule, AerObserverPlatform, aerOwnerModule, AerOwnerPlatform } from '../../src/linux/index.js';
import { FakeKernel } from './host/kernel.js';
import { machineOf } from './host/machine.js';
import { FakeVfioPort } from './host/vfio-port.js';

const [HELD, OTHER] = [parseBdf('02:00.0'), parseBdf('01:00.0')];

it('owner and observer live in one container: each reports what is its own', async () => {
  const clock = new VirtualClock();
  const machine = machineOf();
  const kernel = new FakeKernel(machine, clock);
  const ports = {
    sysfs: machine.sysfs,
    uevents: { events: ({ signal }: { signal: AbortSignal }) => kernel.uevents.events(signal) },
    trace: { events: ({ signal }: { signal: AbortSignal }) => kernel.trace.events(signal) },
  };
  const container = new Container();
  container.load(
    coreModule({ clock }),
    aerOwnerModule({ ports }),
    aerObserverModule({ ports, observes: (bdf) => bdf !== HELD }),
  );
  const ended: string[] = [];
  const observer = (event: EngineEvent): void => {
    if (event.type === 'ended') ended.push(`${event.outcome.platform}: ${event.outcome.result}`);
  };
  container.bind(TOKENS.observer).toConstantValue(observer);
  const engine = container.get<RecoveryEngine>(TOKENS.engine);
  const owner = container.get(AerOwnerPlatform);
  expect(container.getAll(TOKENS.platform)).toEqual([owner, container.get(AerObserverPlatform)]);

  await clock.drive(owner.hold(new FakeVfioPort(kernel, machine.get(HELD))));
  engine.attach(HELD, { errorDetected: () => 'can_recover' });
  await clock.drive(engine.start());
  await clock.drive(kernel.error(HELD, 'fatal'));
  await clock.drive(kernel.error(OTHER, 'fatal'));
  await clock.drive(new Promise<void>((resolve) => clock.after(10_000, resolve)));
  expect(ended).toEqual(['aer-owner: recovered', 'aer-observer: recovered']);
  await clock.drive(engine.close());
  await clock.drive(container.get(AerObserverPlatform)[Symbol.asyncDispose]());
  await clock.drive(owner[Symbol.asyncDispose]());
});
