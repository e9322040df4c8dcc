import { parseBdf } from '@pci-recovery/core';
import { PCIE } from '@pci-recovery/pci';
import { PciTopology, type TopologyFunction } from '@pci-recovery/pci/topology';
import { altered, factsOf, host, pcieOf, reset, type Host, type Machine } from './host.js';

const root = parseBdf('00:06.0');
const bdf = parseBdf('01:00.0');

/** Reset is held 2 ms; a fast link is looked at after another 20 ms. */
const ASSERT = 2;
const DETECT = 20;
const SETTLE = 100;
const FAST = { linkSpeed: 3 };
const SLOW = { linkSpeed: 2 };
/** Firmware has not made busy functions visible (RRS): the command register is asked instead. */
const INVISIBLE = { configured: false };

interface Timed {
  readonly linkSpeed: number;
  readonly linkUpAfterMs?: number;
  readonly readyAfterMs?: number;
}

const below = (timed: Timed, more: Omit<Machine, 'rootPorts'> = {}): Host =>
  host({
    ...more,
    rootPorts: [
      {
        kind: 'root_port',
        bdf: root,
        ...timed,
        below: [{ kind: 'endpoint', bdf, readyAfterMs: timed.readyAfterMs ?? 0 }],
      },
    ],
  });

/** How long asking takes at intervals of 1, 2, 4, … ms until `ms` have passed. */
const polled = (ms: number): number => (ms <= 0 ? 0 : 2 ** Math.ceil(Math.log2(ms + 1)) - 1);

describe('secondary bus reset (pci.c:pci_reset_secondary_bus)', () => {
  it('is held for 2 ms, on the bridge above, and resets everything below once', async () => {
    const here = below(FAST);
    expect(await reset(here, bdf)).toEqual([{ ok: true }, ASSERT + DETECT + SETTLE]);
    expect(factsOf(here.hardware, 'secondary_bus_reset_asserted').map((fact) => fact.bdf)).toEqual([root]);
    expect(factsOf(here.hardware, 'secondary_bus_reset_deasserted').map((fact) => fact.held)).toEqual([ASSERT * 1e6]);
    expect(factsOf(here.hardware, 'function_reset').map((fact) => fact.bdf)).toEqual([bdf]);
  });

  it('of a bridge without functions below it waits for nothing', async () => {
    const here = host({ rootPorts: [{ kind: 'root_port', bdf: root, secondary: 1 }] });
    expect(await reset(here, root)).toEqual([{ ok: true }, ASSERT]);
  });

  it('leaves everything else in Bridge Control as it was', async () => {
    const here = below(FAST);
    const before = here.hardware.readConfig(root, 0x3e, 2);
    await reset(here, bdf);
    expect(here.hardware.readConfig(root, 0x3e, 2)).toBe(before);
  });

  it('does nothing where there is no bus below: refused as unsupported', async () => {
    const here = host({ integrated: [{ kind: 'endpoint', bdf: '00:05.0' }] });
    const [result, ms] = await reset(here, parseBdf('00:05.0'));
    expect(result).toMatchObject({ ok: false, why: 'unsupported' });
    expect(ms).toBe(0);
  });

  it('of a function that is not there any more is refused as gone', async () => {
    const here = below(FAST);
    here.hardware.remove(bdf);
    here.hardware.remove(root);
    expect((await reset(here, bdf))[0]).toMatchObject({ ok: false, why: 'gone' });
  });
});

describe('a link faster than 5 GT/s (pci.c:pci_bridge_wait_for_secondary_bus, pcie_wait_for_link_delay)', () => {
  it.each([0, 1, 19, 20, 21, 35, 500, 1019])('is waited for, %i ms here, then 100 ms more', async (linkUpAfterMs) => {
    const up = Math.max(DETECT, linkUpAfterMs);
    expect(await reset(below({ ...FAST, linkUpAfterMs }), bdf)).toEqual([{ ok: true }, ASSERT + up + SETTLE]);
  });

  it.each([0, 100, 101, 107, 300, 59_000])(
    'a function that is ready after %i ms is asked at doubling intervals',
    async (ms) => {
      const [result, took] = await reset(below({ ...FAST, readyAfterMs: ms }), bdf);
      expect(result).toEqual({ ok: true });
      expect(took).toBe(ASSERT + DETECT + SETTLE + polled(ms - DETECT - SETTLE));
    },
  );

  it('fails when the link has not come up after 20 ms and a second', async () => {
    const here = below(FAST);
    here.hardware.script({ fault: 'link_stays_down', bdf: root });
    const [result, ms] = await reset(here, bdf);
    expect(result).toMatchObject({ ok: false, why: 'failed' });
    expect(ms).toBe(ASSERT + DETECT + 1000);
  });

  it('gives a function up that is never ready, when the next interval would be longer than 60 s less 100 ms', async () => {
    const here = below(FAST);
    here.hardware.script({ fault: 'never_ready', bdf });
    const [result, ms] = await reset(here, bdf);
    expect(result).toMatchObject({ ok: false, why: 'timeout' });
    expect(ms).toBe(ASSERT + DETECT + SETTLE + 65_535);
  });

  it('without active link reporting there is nothing to look at: a second is waited, and 100 ms', async () => {
    const here = host(
      { rootPorts: [{ kind: 'root_port', bdf: root, below: [{ kind: 'endpoint', bdf }] }] },
      {
        port: (hardware) => {
          const at = pcieOf(hardware, root) + PCIE.LINK_CAPABILITIES;
          return altered(hardware, {
            readConfig: (of, offset, width) =>
              hardware.readConfig(of, offset, width) & (of === root && offset === at ? ~(1 << 20) : -1),
          });
        },
      },
    );
    expect(await reset(here, bdf)).toEqual([{ ok: true }, ASSERT + 1000 + SETTLE]);
  });
});

describe('a link of up to 5 GT/s', () => {
  it.each([1, 2])('of speed %i is waited for 100 ms, up or not', async (linkSpeed) => {
    expect(await reset(below({ linkSpeed }), bdf)).toEqual([{ ok: true }, ASSERT + SETTLE]);
  });

  it.each([150, 900])('a function that is ready after %i ms is asked at doubling intervals', async (ms) => {
    const [result, took] = await reset(below({ ...SLOW, readyAfterMs: ms }), bdf);
    expect(result).toEqual({ ok: true });
    expect(took).toBe(ASSERT + SETTLE + polled(ms - SETTLE));
  });

  it('fails after about a second when its link is not up, without waiting for longer', async () => {
    const here = below(SLOW, INVISIBLE);
    here.hardware.script({ fault: 'link_stays_down', bdf: root });
    const [result, ms] = await reset(here, bdf);
    expect(result).toMatchObject({ ok: false, why: 'failed' });
    expect(ms).toBe(ASSERT + SETTLE + 1023);
  });

  it('with its link up, a function that is not ready gets 59 s more', async () => {
    const here = below(SLOW);
    here.hardware.script({ fault: 'never_ready', bdf });
    const [result, ms] = await reset(here, bdf);
    expect(result).toMatchObject({ ok: false, why: 'timeout' });
    expect(ms).toBe(ASSERT + SETTLE + 1023 + 65_535);
  });

  it('counts as ready when busy functions are visible and nobody answers at all, as in the kernel', async () => {
    const here = below(SLOW);
    here.hardware.script({ fault: 'link_stays_down', bdf: root });
    expect(await reset(here, bdf)).toEqual([{ ok: true }, ASSERT + SETTLE]);
  });
});

describe('a busy function (pci.c:pci_dev_wait)', () => {
  it.each([{}, INVISIBLE])(
    'is seen by its vendor id, or by its command register where that is not visible: %j',
    async (machine) => {
      const here = below({ ...FAST, readyAfterMs: 300 }, machine);
      expect(await reset(here, bdf)).toEqual([{ ok: true }, ASSERT + DETECT + SETTLE + polled(300 - DETECT - SETTLE)]);
    },
  );

  it('is waited for only where it is the first on the bus', async () => {
    const second = { kind: 'endpoint', bdf: '01:00.1', readyAfterMs: 5000 } as const;
    const here = host({ rootPorts: [{ kind: 'root_port', bdf: root, below: [{ kind: 'endpoint', bdf }, second] }] });
    expect(await reset(here, bdf)).toEqual([{ ok: true }, ASSERT + DETECT + SETTLE]);
  });
});

describe('other bridges', () => {
  const as = (portType: TopologyFunction['portType']): Host =>
    host(
      { rootPorts: [{ kind: 'root_port', bdf: root, ...FAST, linkUpAfterMs: 50, below: [{ kind: 'endpoint', bdf }] }] },
      {
        port: (hardware) => {
          const changed = [...hardware.topology.functions()].map((fn) => {
            if (fn.bdf !== root) return fn;
            const { portType: _, ...rest } = fn;
            return portType ? { ...rest, portType } : rest;
          });
          return altered(hardware, { topology: new PciTopology(changed) });
        },
      },
    );

  it('a conventional PCI bridge: 1 s and 100 ms, nobody is asked', async () => {
    const here = as(undefined);
    here.hardware.script({ fault: 'never_ready', bdf });
    expect(await reset(here, bdf)).toEqual([{ ok: true }, ASSERT + 1000 + SETTLE]);
  });

  it('a PCI to PCIe bridge has a link below it like a port (pcie_downstream_port)', async () => {
    expect(await reset(as('pci_to_pcie_bridge'), bdf)).toEqual([{ ok: true }, ASSERT + 50 + SETTLE]);
  });

  it.each(['upstream_port', 'pcie_to_pci_bridge'] as const)(
    '%s has no link below it: nothing is waited for',
    async (portType) => {
      expect(await reset(as(portType), bdf)).toEqual([{ ok: true }, ASSERT]);
    },
  );
});
