import { createEngine, parseBdf, systemClock as clock } from '@pci-recovery/core';
import { AerPlatform } from '@pci-recovery/aer';
import { simulate } from '@pci-recovery/aer/sim';

const below = [{ kind: 'endpoint' as const, bdf: '01:00.0' }];
const hardware = simulate({ clock, rootPorts: [{ kind: 'root_port', bdf: '00:01.0', below }] });
const engine = createEngine({ platforms: [new AerPlatform(hardware, clock)], clock });
engine.attach(parseBdf('01:00.0'), { errorDetected: () => 'need_reset', slotReset: () => 'recovered' });
engine.observe((event) => event.type === 'ended' && console.log(event.outcome.result));
hardware.detect('01:00.0', { error: 'MALF_TLP' });
await engine.start(); // surveys what is broken already, then listens
await engine.close(); // drains: prints "recovered"
