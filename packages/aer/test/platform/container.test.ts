import {
  coreModule,
  createEngine,
  parseBdf,
  TOKENS,
  type EngineEvent,
  type RecoveryEngine,
  type RecoveryPlatform,
} from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { Container } from 'inversify';
import { aerModule, AerPlatform } from '../../src/index.js';
import { simulate, type SimulatedHardware } from '../../src/sim/index.js';
import { driver, factsOf, refusalOf, WORKING } from './host.js';

const ROOT = '00:06.0';
const ENDPOINT = parseBdf('01:00.0');
const machine = (clock: VirtualClock): SimulatedHardware =>
  simulate({ clock, rootPorts: [{ kind: 'root_port', bdf: ROOT, below: [{ kind: 'endpoint', bdf: ENDPOINT }] }] });

describe('the AER backend in a container', () => {
  it('recovers with aerModule and coreModule alone', async () => {
    const clock = new VirtualClock();
    const hardware = machine(clock);
    const container = new Container();
    container.load(coreModule({ clock }), aerModule({ port: hardware }));
    const ended = new Promise<EngineEvent>((resolve) => {
      container
        .bind(TOKENS.observer)
        .toConstantValue((event: EngineEvent) => void (event.type === 'ended' && resolve(event)));
    });
    const engine = container.get<RecoveryEngine>(TOKENS.engine);
    engine.attach(ENDPOINT, driver(ENDPOINT, WORKING, []));
    await clock.drive(engine.start());
    hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    expect(await clock.drive(ended)).toMatchObject({ outcome: { result: 'recovered', platform: 'aer' } });
    expect(container.getAll(TOKENS.platform)).toEqual([container.get(AerPlatform)]);
    await clock.drive(engine.close());
  });

  it('takes its options: a name of its own, and no waiting', async () => {
    const clock = new VirtualClock();
    const timings = {
      assert: 0,
      settle: 0,
      conventional: 0,
      answer: 0,
      detect: 0,
      link: 0,
      linkPoll: 0,
      ready: 0,
      pending: 0,
      flr: 0,
    };
    const container = new Container();
    container.load(coreModule({ clock }), aerModule({ port: machine(clock), name: 'left', timings }));
    const [platform] = container.getAll<RecoveryPlatform>(TOKENS.platform);
    expect(platform!.name).toBe('left');
    const result = await platform!.perform(
      { name: 'reset_subordinates', nature: 'change', device: ENDPOINT },
      { recovery: 1, scope: { id: '', members: [], capabilities: {} }, signal: new AbortController().signal },
    );
    expect([result, clock.monotonic()]).toEqual([{ ok: true }, 0]);
  });

  it('two machines in one container, each its platform: an error of one touches nothing of the other', async () => {
    const clock = new VirtualClock();
    const [left, right] = [machine(clock), machine(clock)];
    const container = new Container();
    container.load(
      coreModule({ clock }),
      aerModule({ port: left, name: 'left' }),
      aerModule({ port: right, name: 'right' }),
    );
    const engine = container.get<RecoveryEngine>(TOKENS.engine);
    engine.attach(ENDPOINT, driver(ENDPOINT, WORKING, []));
    const ended = new Promise<EngineEvent>((resolve) => {
      engine.observe((event) => void (event.type === 'ended' && resolve(event)));
    });
    await clock.drive(engine.start());
    right.detect(ENDPOINT, { error: 'MALF_TLP' });
    expect(await clock.drive(ended)).toMatchObject({ outcome: { result: 'recovered', platform: 'right' } });
    expect(factsOf(right, 'secondary_bus_reset_asserted')).toHaveLength(1);
    expect(left.log).toEqual([]);
    await clock.drive(engine.close());
  });

  it('two platforms of one name are refused', () => {
    const clock = new VirtualClock();
    const twice = [machine(clock), machine(clock)].map((hardware) => new AerPlatform(hardware, clock));
    expect(refusalOf(() => createEngine({ platforms: twice, clock })).code).toBe('ERR_PCI_DUPLICATE_PLATFORM');
  });
});
