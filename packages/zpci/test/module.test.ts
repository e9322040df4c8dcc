import { coreModule, parseBdf, TOKENS, type RecoveryEngine, type RecoveryOutcome } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { Container } from 'inversify';
import { zpciModule, ZpciPlatform } from '../src/index.js';
import { simulateZpci } from '../src/sim/index.js';
import { driver, RESETTING } from './machine.js';

const A = parseBdf('0001:00:00.0');

function composed(): { clock: VirtualClock; hardware: ReturnType<typeof simulateZpci>; container: Container } {
  const clock = new VirtualClock();
  const hardware = simulateZpci({ clock, functions: [{ fid: 1, bdf: A }] });
  const container = new Container();
  container.load(coreModule({ clock }), zpciModule({ port: hardware }));
  return { clock, hardware, container };
}

describe('the zPCI module of a container', () => {
  it('brings one platform, and recovers by it', async () => {
    const { clock, hardware, container } = composed();
    const engine = container.get<RecoveryEngine>(TOKENS.engine);
    const calls: string[] = [];
    engine.attach(A, driver(A, RESETTING, calls));
    const outcome = new Promise<RecoveryOutcome>((resolve) => {
      engine.observe((event) => void (event.type === 'ended' && resolve(event.outcome)));
    });
    await clock.drive(engine.start());
    hardware.detect(1);
    expect(await clock.drive(outcome)).toMatchObject({ platform: 'zpci', result: 'recovered' });
    expect(container.get(ZpciPlatform)).toBe(container.getAll(TOKENS.platform)[0]);
    await clock.drive(engine.close());
  });

  it('has availability events wait for the recoveries of its engine', async () => {
    const { clock, hardware, container } = composed();
    const engine = container.get<RecoveryEngine>(TOKENS.engine);
    engine.attach(A, driver(A, RESETTING, []));
    const states: (string | undefined)[] = [];
    engine.observe((event) => {
      if (event.type === 'ended') states.push(event.outcome.result, container.get(ZpciPlatform).functions()[0]?.state);
    });
    await clock.drive(engine.start());
    hardware.detect(1);
    hardware.requestDeconfiguration(1);
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    states.push(container.get(ZpciPlatform).functions()[0]?.state);
    expect(states).toEqual(['recovered', 'configured', 'standby']);
  });

  it('changes functions all the same when its engine is closed', async () => {
    const { clock, hardware, container } = composed();
    const engine = container.get<RecoveryEngine>(TOKENS.engine);
    const platform = container.get(ZpciPlatform);
    await clock.drive(engine.close());
    const closing = new AbortController();
    const taking = platform.events(closing)[Symbol.asyncIterator]().next();
    hardware.takeAway(1);
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(platform.functions()[0]?.state).toBe('standby');
    closing.abort();
    expect(await taking).toMatchObject({ done: true });
  });
});
