import {
  coreModule,
  parseBdf,
  TOKENS,
  type PciErrorHandlers,
  type RecoveryEngine,
  type RecoveryOutcome,
} from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { aerModule } from '@pci-recovery/aer';
import { simulate } from '@pci-recovery/aer/sim';
import { zpciModule } from '@pci-recovery/zpci';
import { simulateZpci } from '@pci-recovery/zpci/sim';
import { Container } from 'inversify';

const NVME = parseBdf('0000:01:00.0');
const CARD = parseBdf('0001:00:00.0');

describe('several backends in one container', () => {
  it('recover side by side, each by its own law', async () => {
    const clock = new VirtualClock();
    const x86 = simulate({
      clock,
      rootPorts: [{ kind: 'root_port', bdf: '0000:00:06.0', below: [{ kind: 'endpoint', bdf: NVME }] }],
    });
    const s390 = simulateZpci({ clock, functions: [{ fid: 1, bdf: CARD }] });
    const container = new Container();
    container.load(coreModule({ clock }), aerModule({ port: x86 }), zpciModule({ port: s390 }));
    const engine = container.get<RecoveryEngine>(TOKENS.engine);
    const driver: PciErrorHandlers = { errorDetected: () => 'can_recover', mmioEnabled: () => 'recovered' };
    engine.attach(NVME, driver);
    engine.attach(CARD, driver);
    const outcomes: RecoveryOutcome[] = [];
    const both = new Promise<void>((resolve) => {
      engine.observe((event) => event.type === 'ended' && outcomes.push(event.outcome) === 2 && resolve());
    });
    await clock.drive(engine.start());
    x86.detect(NVME, { error: 'COMP_TIME' });
    s390.detect(1, { pec: 4 });
    await clock.drive(both);
    expect(outcomes.map(({ platform, result }) => [platform, result]).sort()).toEqual([
      ['aer', 'recovered'],
      ['zpci', 'recovered'],
    ]);
    expect(new Set(outcomes.map(({ recovery }) => recovery))).toEqual(new Set([1, 2]));
    await clock.drive(engine.close());
  });
});
