import { type Probe } from './machine.js';

const name = (parameter: string): Record<string, string> => ({ bdf: `+0(${parameter}->dev.kobj.name):string` });

/**
 * The walks of a recovery, in their order; each is called once per function (drivers/pci/pcie/err.c), with the state that
 * its channel has when the walk comes by.
 */
const WALKS: readonly Probe[] = [
  'report_frozen_detected',
  'report_normal_detected',
  'report_mmio_enabled',
  'report_slot_reset',
  'report_resume',
  'report_perm_failure_detected',
].map((walk) => ({ function: walk, fields: { ...name('dev'), channel: 'dev->error_state:u32' } }));

/** What Linux calls when it recovers from an AER error, in the files that its comments name. */
export const X86_PROBES: readonly Probe[] = [
  // drivers/pci/pcie/err.c
  { function: 'pcie_do_recovery', fields: { ...name('dev'), state: 'state:u32' }, result: 'u32' },
  ...WALKS,
  // drivers/pci/pci-driver.c
  { function: 'pci_uevent_ers', fields: { ...name('pdev'), vote: 'err_type:u32' } },
  // drivers/pci/pcie/aer.c
  { function: 'aer_root_reset', fields: name('dev'), result: 'u32' },
  { function: 'pci_aer_clear_nonfatal_status', fields: name('dev') },
  { function: 'pci_aer_clear_fatal_status', fields: name('dev') },
  // drivers/pci/pci.c
  { function: 'pci_bus_error_reset', fields: name('bridge'), result: 's32' },
  { function: 'pci_bridge_secondary_bus_reset', fields: name('dev'), result: 's32' },
  { function: 'pcie_clear_device_status', fields: name('dev') },
  // drivers/pci/pcie/portdrv.c
  { function: 'pcie_portdrv_error_detected', fields: { ...name('dev'), state: 'error:u32' }, result: 'u32' },
  { function: 'pcie_portdrv_mmio_enabled', fields: name('dev'), result: 'u32' },
  { function: 'pcie_portdrv_slot_reset', fields: name('dev'), result: 'u32' },
  // drivers/vfio/pci/vfio_pci_core.c
  {
    function: 'vfio_pci_core_aer_err_detected',
    fields: { ...name('pdev'), state: 'state:u32' },
    result: 'u32',
    module: 'vfio_pci_core',
  },
  // drivers/net/ethernet/intel/e1000e/netdev.c
  {
    function: 'e1000_io_error_detected',
    fields: { ...name('pdev'), state: 'state:u32' },
    result: 'u32',
    module: 'e1000e',
  },
  { function: 'e1000_io_slot_reset', fields: name('pdev'), result: 'u32', module: 'e1000e' },
  { function: 'e1000_io_resume', fields: name('pdev'), module: 'e1000e' },
];
