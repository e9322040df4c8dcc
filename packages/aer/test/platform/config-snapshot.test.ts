import { parseBdf } from '@pci-recovery/core';
import { AER, CAPABILITY_ID, COMMAND, MSIX, PCI_HEADER, PCIE } from '@pci-recovery/pci';
import { restoreConfig, saveConfig } from '../../src/index.js';
import { findCapability } from '../../src/platform/registers.js';
import { factsOf, host, pcieOf, readAer, reset, writeAer, writePcie, type Machine } from './host.js';

const ROOT = parseBdf('00:06.0');
const ENDPOINT = parseBdf('01:00.0');
const MACHINE: Machine = {
  rootPorts: [{ kind: 'root_port', bdf: ROOT, below: [{ kind: 'endpoint', bdf: ENDPOINT }] }],
};

describe('a saved configuration (pci.c:pci_save_state, pci_restore_state)', () => {
  it('brings back what a reset takes: base addresses, command, Device Control, MSI-X, and AER settings', async () => {
    const here = host(MACHINE);
    const { hardware } = here;
    writeAer(hardware, ENDPOINT, AER.UNCOR_MASK, 1 << 20);
    const msix = findCapability(hardware, ENDPOINT, CAPABILITY_ID.MSIX) + MSIX.CONTROL;
    const registers: [offset: number, width: 2 | 4][] = [
      [PCI_HEADER.BASE_ADDRESS_0, 4],
      [PCI_HEADER.COMMAND, 2],
      [pcieOf(hardware, ENDPOINT) + PCIE.DEVICE_CONTROL, 2],
      [msix, 2],
    ];
    const read = (): number[] => registers.map(([offset, width]) => hardware.readConfig(ENDPOINT, offset, width));
    const before = read();
    const saved = saveConfig(hardware, ENDPOINT)!;
    await reset(here, ENDPOINT);
    expect(read()).not.toEqual(before);
    restoreConfig(hardware, saved);
    expect(read()).toEqual(before);
    expect(readAer(hardware, ENDPOINT, AER.UNCOR_MASK)).toBe(1 << 20);
  });

  it('lets memory be decoded only after the base addresses are back', async () => {
    const here = host(MACHINE);
    const saved = saveConfig(here.hardware, ENDPOINT)!;
    await reset(here, ENDPOINT);
    here.hardware.clearLog();
    restoreConfig(here.hardware, saved);
    const offsets = factsOf(here.hardware, 'config_write').map((fact) => fact.offset);
    expect(offsets.indexOf(PCI_HEADER.BASE_ADDRESS_0)).toBeLessThan(offsets.indexOf(PCI_HEADER.COMMAND));
    expect(here.hardware.readConfig(ENDPOINT, PCI_HEADER.COMMAND, 2) & COMMAND.memorySpace.mask).not.toBe(0);
  });

  it('is never made of a function that answers all ones (R2.8)', () => {
    const { hardware } = host(MACHINE);
    hardware.freeze(ENDPOINT);
    expect(saveConfig(hardware, ENDPOINT)).toBeUndefined();
    expect(saveConfig(hardware, parseBdf('7f:00.0'))).toBeUndefined();
  });

  const broken = (machine: Machine): ReturnType<typeof host> => {
    const here = host(machine);
    writePcie(here.hardware, ROOT, PCIE.DEVICE_CONTROL, 0);
    for (const bdf of [ROOT, ENDPOINT]) here.hardware.detect(bdf, { uncorrectable: ['MALF_TLP', 'COMP_TIME'] });
    for (const bdf of [ROOT, ENDPOINT]) here.hardware.detect(bdf, { error: 'BAD_TLP' });
    return here;
  };
  const statuses = ({ hardware }: ReturnType<typeof host>, bdf: typeof ROOT): number[] =>
    [AER.UNCOR_STATUS, AER.COR_STATUS].map((register) => readAer(hardware, bdf, register));

  it('clears error status, which is sticky: the errors of before the reset are over (pci_aer_clear_status)', () => {
    const here = broken(MACHINE);
    for (const bdf of [ROOT, ENDPOINT]) {
      expect(statuses(here, bdf)).not.toEqual([0, 0]);
      restoreConfig(here.hardware, saveConfig(here.hardware, bdf)!);
      expect(statuses(here, bdf)).toEqual([0, 0]);
    }
    expect(readAer(here.hardware, ROOT, AER.ROOT_STATUS)).toBe(0);
  });

  it('leaves error status to firmware where AER is not native (pcie_aer_is_native)', () => {
    const here = broken({ ...MACHINE, nativeAer: false });
    const before = statuses(here, ENDPOINT);
    restoreConfig(here.hardware, saveConfig(here.hardware, ENDPOINT)!);
    expect(statuses(here, ENDPOINT)).toEqual(before);
  });
});
