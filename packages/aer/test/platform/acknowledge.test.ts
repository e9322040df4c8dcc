import { parseBdf, type PciErrorHandlers } from '@pci-recovery/core';
import { AER, PCIE } from '@pci-recovery/pci';
import { aerOf, factsOf, host, pcieOf, readAer, readPcie, running, writeAer, type Host, type Machine } from './host.js';

const root = parseBdf('00:06.0');
const bdf = parseBdf('01:00.0');
const MACHINE: Machine = { rootPorts: [{ kind: 'root_port', bdf: root, below: [{ kind: 'endpoint', bdf }] }] };

/** The registers of the endpoint that were written, by name, in order. */
function written({ hardware }: Pick<Host, 'hardware'>): string[] {
  const names = new Map<number, string>([
    [aerOf(hardware, bdf) + AER.COR_STATUS, 'COR_STATUS'],
    [aerOf(hardware, bdf) + AER.UNCOR_STATUS, 'UNCOR_STATUS'],
    [pcieOf(hardware, bdf) + PCIE.DEVICE_STATUS, 'DEVICE_STATUS'],
  ]);
  const writes = factsOf(hardware, 'config_write').filter((fact) => fact.bdf === bdf);
  return writes.map(({ offset, value }) => `${names.get(offset) ?? offset.toString(16)}=${value.toString(16)}`);
}

async function correctable(
  machine: Machine,
  handlers: (here: Host, seen: string[][]) => PciErrorHandlers,
): Promise<Host & { readonly seen: string[][]; readonly troubles: number }> {
  const here = host(machine);
  const seen: string[][] = [];
  const engine = await running(here, { [bdf]: handlers(here, seen) });
  writeAer(here.hardware, bdf, AER.COR_MASK, 0);
  here.hardware.clearLog();
  here.hardware.detect(bdf, { error: 'UNSUP', advisory: true });
  const [outcome] = await engine.ended(1);
  expect(outcome).toMatchObject({ recovery: 0, result: 'ignored', event: { severity: 'correctable' } });
  return { ...here, seen, troubles: engine.told.filter((event) => event.type === 'trouble').length };
}

const COR = 'COR_STATUS=2000';
const ADVISORY = 'UNCOR_STATUS=100000';
/** Correctable error and unsupported request detected. */
const DEVICE = 'DEVICE_STATUS=9';

describe('a correctable error (aer.c:pci_aer_handle_error)', () => {
  it('has its status cleared, then the advisory one, then the driver is told, then Device Status is cleared', async () => {
    const here = await correctable(MACHINE, (on, seen) => ({
      corErrorDetected: () => void seen.push(written(on)),
    }));
    expect(here.seen).toEqual([[COR, ADVISORY]]);
    expect(written(here)).toEqual([COR, ADVISORY, DEVICE]);
    expect(readAer(here.hardware, bdf, AER.COR_STATUS)).toBe(0);
    expect(readAer(here.hardware, bdf, AER.UNCOR_STATUS)).toBe(0);
    expect(readPcie(here.hardware, bdf, PCIE.DEVICE_STATUS)).toBe(0);
  });

  it('clears Device Status also when the driver has no callback', async () => {
    const here = await correctable(MACHINE, () => ({}));
    expect(written(here)).toEqual([COR, ADVISORY, DEVICE]);
  });

  it('clears Device Status also when the callback throws, which is reported', async () => {
    const here = await correctable(MACHINE, () => ({
      corErrorDetected: () => {
        throw new Error('driver bug');
      },
    }));
    expect(written(here)).toEqual([COR, ADVISORY, DEVICE]);
    expect(here.troubles).toBe(1);
  });

  it('while firmware controls AER: status is cleared, nobody is told, Device Status is left alone', async () => {
    const here = await correctable({ ...MACHINE, nativeAer: false }, (on, seen) => ({
      corErrorDetected: () => void seen.push(written(on)),
    }));
    expect(here.seen).toEqual([]);
    expect(written(here)).toEqual([COR, ADVISORY]);
    expect(readPcie(here.hardware, bdf, PCIE.DEVICE_STATUS)).toBe(9);
  });

  it('is never recovered: no callback of a recovery is called, no uevent is sent (R1.2)', async () => {
    const calls: string[] = [];
    const here = await correctable(MACHINE, () => ({
      errorDetected: () => (calls.push('errorDetected'), 'can_recover'),
    }));
    expect(calls).toEqual([]);
    expect(factsOf(here.hardware, 'uevent')).toEqual([]);
  });
});
