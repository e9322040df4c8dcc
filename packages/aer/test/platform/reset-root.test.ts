import { parseBdf, type Bdf } from '@pci-recovery/core';
import { AER, PCIE } from '@pci-recovery/pci';
import { type AerHostPort } from '../../src/index.js';
import { type SimulatedHardware } from '../../src/sim/index.js';
import { aerOf, altered, factsOf, host, pcieOf, readAer, reset, writePcie, type Host, type Machine } from './host.js';

const ROOT = parseBdf('00:06.0');
const ENDPOINT = parseBdf('01:00.0');
const COLLECTOR = parseBdf('00:1e.0');
const INTEGRATED = parseBdf('00:10.0');
const LONELY = parseBdf('00:11.0');

const MACHINE: Machine = {
  rootPorts: [{ kind: 'root_port', bdf: ROOT, below: [{ kind: 'endpoint', bdf: ENDPOINT }] }],
  eventCollectors: [{ kind: 'rcec', bdf: COLLECTOR, collects: [{ kind: 'rciep', bdf: INTEGRATED }] }],
  integrated: [{ kind: 'rciep', bdf: LONELY }],
};

/** What happened around a reset at a root: its own writes to the root's error registers, and resets. */
function story({ hardware }: Host, root: Bdf): string[] {
  const at = aerOf(hardware, root);
  return hardware.log.flatMap((fact) => {
    if (fact.kind === 'flr' || fact.kind.startsWith('secondary_bus_reset')) return [fact.kind];
    if (fact.kind !== 'config_write' || fact.bdf !== root) return [];
    if (fact.offset === at + AER.ROOT_COMMAND) return [`interrupts ${(fact.value & 7) === 7 ? 'on' : 'off'}`];
    return fact.offset === at + AER.ROOT_STATUS ? ['status cleared'] : [];
  });
}

describe("the root's error interrupts (aer.c:aer_root_reset)", () => {
  it('are off during a bus reset, and its status is cleared before they are on again', async () => {
    const here = host(MACHINE);
    await reset(here, ENDPOINT);
    expect(story(here, ROOT)).toEqual([
      'interrupts off',
      'secondary_bus_reset_asserted',
      'secondary_bus_reset_deasserted',
      'status cleared',
      'interrupts on',
    ]);
  });

  it('an error that the reset itself causes is forgotten with that status', async () => {
    const here = host(MACHINE);
    here.clock.after(1, () => void here.hardware.detect(ROOT, { error: 'SURPDN' }));
    await reset(here, ENDPOINT);
    expect(factsOf(here.hardware, 'message').map((fact) => fact.root)).toEqual([ROOT]);
    expect(factsOf(here.hardware, 'interrupt')).toEqual([]);
    expect(here.platform.interrupted(ROOT)).toEqual([]);
  });

  it('are on again also when the reset fails', async () => {
    const here = host(MACHINE);
    here.hardware.script({ fault: 'link_stays_down', bdf: ROOT });
    expect((await reset(here, ENDPOINT))[0].ok).toBe(false);
    expect(story(here, ROOT).slice(-2)).toEqual(['status cleared', 'interrupts on']);
    expect(readAer(here.hardware, ROOT, AER.ROOT_COMMAND) & 7).toBe(7);
  });

  it('are those of the event collector for an RCiEP', async () => {
    const here = host(MACHINE);
    await reset(here, INTEGRATED);
    expect(story(here, COLLECTOR)).toEqual(['interrupts off', 'flr', 'status cleared', 'interrupts on']);
  });

  it('are left alone for an event collector itself, which is below no root port', async () => {
    const here = host(MACHINE);
    await reset(here, COLLECTOR);
    expect(story(here, COLLECTOR)).toEqual(['flr']);
  });

  it('are not there for an RCiEP without event collector', async () => {
    const here = host(MACHINE);
    expect(await reset(here, LONELY)).toEqual([{ ok: true }, 100]);
    expect(story(here, COLLECTOR)).toEqual(['flr']);
  });

  it.each([ENDPOINT, INTEGRATED])('belong to firmware where AER is not native: not touched (%s)', async (bdf) => {
    const here = host({ ...MACHINE, nativeAer: false });
    await reset(here, bdf);
    const written = [...story(here, ROOT), ...story(here, COLLECTOR)];
    expect(written.filter((one) => /interrupts|status/.test(one))).toEqual([]);
    expect(factsOf(here.hardware, 'function_reset').map((fact) => fact.bdf)).toEqual([bdf]);
  });
});

describe('function level reset of what is inside the root complex (pci.c:pcie_reset_flr, pcie_flr)', () => {
  it.each([INTEGRATED, COLLECTOR])('%s: 100 ms, this function only, no bus reset', async (bdf) => {
    const here = host(MACHINE);
    expect(await reset(here, bdf)).toEqual([{ ok: true }, 100]);
    expect(factsOf(here.hardware, 'flr').map((fact) => fact.bdf)).toEqual([bdf]);
    expect(factsOf(here.hardware, 'function_reset').map((fact) => fact.bdf)).toEqual([bdf]);
    expect(factsOf(here.hardware, 'secondary_bus_reset_asserted')).toEqual([]);
  });

  it('a function that is not ready then is asked at doubling intervals', async () => {
    const here = host({ integrated: [{ kind: 'rciep', bdf: LONELY, readyAfterMs: 110 }] });
    expect(await reset(here, LONELY)).toEqual([{ ok: true }, 100 + 15]);
  });

  it('a function that is never ready is given up after 60 s of intervals', async () => {
    const here = host(MACHINE);
    here.hardware.script({ fault: 'never_ready', bdf: INTEGRATED });
    expect(await reset(here, INTEGRATED)).toMatchObject([{ ok: false, why: 'timeout' }, 100 + 65_535]);
  });

  it('is refused while configuration space is inaccessible, and nothing is written to it (R2.9)', async () => {
    const here = host(MACHINE);
    here.hardware.freeze(INTEGRATED);
    expect(await reset(here, INTEGRATED)).toMatchObject([{ ok: false, why: 'unsupported' }, 0]);
    expect(factsOf(here.hardware, 'config_write').filter((fact) => fact.bdf === INTEGRATED)).toEqual([]);
  });

  it('is refused where the function has none; no other reset stands in for it (R3.6)', async () => {
    const here = host({ integrated: [{ kind: 'rciep', bdf: LONELY, flr: false }] });
    expect(await reset(here, LONELY)).toMatchObject([{ ok: false, why: 'unsupported' }, 0]);
    expect(factsOf(here.hardware, 'function_reset')).toEqual([]);
  });

  it('keeps what else is in Device Control until the reset clears it', async () => {
    const here = host(MACHINE);
    writePcie(here.hardware, INTEGRATED, PCIE.DEVICE_CONTROL, 0x2837);
    here.hardware.clearLog();
    await reset(here, INTEGRATED);
    const writes = factsOf(here.hardware, 'config_write').filter((fact) => fact.bdf === INTEGRATED);
    expect(writes.map((fact) => fact.value)).toEqual([0xa837]);
  });

  /** Device Status says that transactions are pending, until so many milliseconds have passed. */
  const pending = (ms: number): Host => {
    const port = (hardware: SimulatedHardware): AerHostPort => {
      const at = pcieOf(hardware, LONELY) + PCIE.DEVICE_STATUS;
      return altered(hardware, {
        readConfig: (bdf, offset, width) => {
          const busy = bdf === LONELY && offset === at && here.clock.monotonic() < ms * 1e6;
          return hardware.readConfig(bdf, offset, width) | (busy ? 0x20 : 0);
        },
      });
    };
    const here: Host = host(MACHINE, { port });
    return here;
  };

  it.each([
    [1, 100],
    [100, 100],
    [101, 300],
    [300, 300],
    [301, 700],
    [5000, 700],
  ])('transactions that are pending for %i ms delay it by %i ms; then it is done anyway', async (ms, delay) => {
    const here = pending(ms);
    expect(await reset(here, LONELY)).toEqual([{ ok: true }, delay + 100]);
    expect(factsOf(here.hardware, 'flr').map((fact) => fact.time)).toEqual([delay * 1e6]);
  });
});
