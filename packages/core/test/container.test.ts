import { coreModule, TOKENS, type EngineEvent, type RecoveryEngine, type RecoveryPlatform } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { Container } from 'inversify';
import { address, bench, errorAt, scripted } from './scripted-platform.js';

function containerOf(
  platforms: readonly RecoveryPlatform[],
  options: Parameters<typeof coreModule>[0] = {},
): Container {
  const container = new Container();
  container.load(coreModule(options));
  for (const platform of platforms) container.bind(TOKENS.platform).toConstantValue(platform);
  return container;
}
const engineOf = (container: Container): RecoveryEngine => container.get<RecoveryEngine>(TOKENS.engine);

describe('a container with coreModule', () => {
  it('has one engine without any platform', async () => {
    const container = containerOf([]);
    expect(engineOf(container)).toBe(engineOf(container));
    await expect(engineOf(container).submit(errorAt(1))).rejects.toMatchObject({ code: 'ERR_PCI_UNKNOWN_PLATFORM' });
  });

  it.each([[['a']], [['a', 'b']]])('has an engine of the platforms %j', async (names) => {
    const engine = engineOf(containerOf(names.map((name) => scripted({ name }))));
    for (const platform of names) {
      const outcome = await engine.submit(errorAt(1, { platform }));
      expect(outcome).toMatchObject({ platform, result: 'recovered' });
    }
    await engine.close();
  });

  it('refuses two platforms of one name with ERR_PCI_DUPLICATE_PLATFORM', () => {
    const container = containerOf([scripted(), scripted()]);
    expect(() => engineOf(container)).toThrow(expect.objectContaining({ code: 'ERR_PCI_DUPLICATE_PLATFORM' }) as Error);
  });

  it('gives the engine every observer, the clock, the policy and the settings', async () => {
    const clock = new VirtualClock();
    const seen: EngineEvent[] = [];
    const script = { stages: [{ notify: 'errorDetected' }] as const, lane: () => 'one' };
    const container = containerOf([scripted(script)], { clock, policy: { deadlineMs: 5 }, mostQueued: 1 });
    for (let n = 0; n < 2; n++)
      container.bind(TOKENS.observer).toConstantValue((event: EngineEvent) => void seen.push(event));
    const engine = engineOf(container);
    engine.attach(address(1), { errorDetected: () => new Promise(() => {}) });
    const all = [1, 1, 1].map((n) => engine.submit(errorAt(n)));
    const outcomes = await clock.drive(Promise.all(all));
    expect(outcomes.map(({ recovery, endedAt }) => [recovery, endedAt])).toEqual([
      [1, 5e6],
      [2, 10e6],
      [0, 0],
    ]);
    expect(seen.filter(({ type }) => type === 'received')).toHaveLength(6);
  });

  it('does what an engine built by hand does', async () => {
    const [byHand, byContainer] = [bench().engine, engineOf(containerOf([scripted()]))];
    const event = errorAt(1);
    const strip = ({ result, why, usable, scope }: Awaited<ReturnType<RecoveryEngine['submit']>>) => [
      result,
      why,
      usable,
      scope,
    ];
    expect(strip(await byContainer.submit(event))).toEqual(strip(await byHand.submit(event)));
  });
});
