import { VirtualClock } from '@pci-recovery/core/testing';
import { parseBdf } from '@pci-recovery/core';
import { AerPlatform, saveConfig } from '../../src/index.js';
import { simulate } from '../../src/sim/index.js';

const PHYSICAL = parseBdf('01:00.0');
const VIRTUAL = parseBdf('01:00.4');

describe('a virtual function, whose ids read all ones by rule (PCIe r6.1 §9.3.4.1.1)', () => {
  const clock = new VirtualClock();
  const hardware = simulate({
    clock,
    rootPorts: [
      {
        kind: 'root_port',
        bdf: '00:01.0',
        below: [{ kind: 'endpoint', bdf: PHYSICAL, virtualFunctions: [{ bdf: VIRTUAL }] }],
      },
    ],
  });
  const platform = new AerPlatform(hardware, clock);

  it('answers, so a survey of a healthy machine does not report it', async () => {
    expect(hardware.readConfig(VIRTUAL, 0, 4)).toBe(0xffff_ffff);
    expect(await platform.survey({ signal: new AbortController().signal })).toEqual([]);
  });

  it('has a configuration that can be saved', () => expect(saveConfig(hardware, VIRTUAL)).toBeDefined());

  it('is a source of errors like any other function, in the scope of its physical function’s port (R3.9)', () => {
    hardware.detect(VIRTUAL, { error: 'COMP_TIME' });
    const [event] = platform.interrupted(parseBdf('00:01.0'));
    expect(event?.device.bdf).toBe(VIRTUAL);
    expect(platform.scopeOf(event!).members.map((member) => member.bdf)).toEqual([PHYSICAL, VIRTUAL]);
  });
});
