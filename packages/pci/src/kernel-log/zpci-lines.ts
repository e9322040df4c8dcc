import { hexNumber, row } from './row.js';

/**
 * What Linux says about zPCI error events, behind "zpci: " and the function (arch/s390/pci/pci_event.c:
 * __zpci_event_print_error, zpci_event_attempt_error_recovery and what it calls, zpci_stop_mediated_recovery).
 */
export const ZPCI_ROWS = [
  row('event', /^Event 0x([0-9a-f]{1,4}) reports an error for PCI function 0x([0-9a-f]{1,8})$/i, ([, pec, fid]) => ({
    /** PCI event code. */
    pec: hexNumber(pec),
    /** Function id. */
    fid: hexNumber(fid),
  })),
  row('availability', /^Event 0x([0-9a-f]{1,4}) reconfigured PCI function 0x([0-9a-f]{1,8})$/i, ([, pec, fid]) => ({
    pec: hexNumber(pec),
    fid: hexNumber(fid),
  })),
  row('no_driver', /^Cannot be recovered because no driver is bound to the device$/),
  row('driver_unable', /^The (\S{1,64}) driver bound to the device does not support error recovery$/, ([, driver]) => ({
    driver: driver!,
  })),
  row('handed_over', /^Leaving recovery of pass-through device to user-space$/),
  row('driver_needs_reset', /^Driver needs reset to recover$/),
  row('unblocking', /^Unblocking (?:device access for examination|DMA)$/, ([line]) => ({ what: blocked(line) })),
  row('unblocking_failed', /^Unblocking (?:device access|DMA) failed$/, ([line]) => ({ what: blocked(line) })),
  row('reset', /^Initiating reset$/),
  row('reset_failed', /^The reset request failed$/),
  row('ready', /^The device is ready to resume operations$/),
  row(
    'recovery_failed',
    /^Automatic recovery failed(?: after (initial reporting|MMIO re-enable|slot reset)|; operator intervention is required)$/,
    ([, after]) => ({
      /** What a driver answered no to; `all`: nothing helped. */
      after: (after ?? 'all') as 'initial reporting' | 'MMIO re-enable' | 'slot reset' | 'all',
    }),
  ),
  row(
    'unhandled_events',
    /^Unhandled PCI error events count=(\d{1,9}) for PCI function 0x([0-9a-f]{1,8})$/i,
    ([, count, fid]) => ({
      count: Number(count),
      fid: hexNumber(fid),
    }),
  ),
  row('status_reported', /^Reported PCI device status$/),
  row('status_not_reported', /^Reporting PCI status failed with code (-?\d{1,9})$/, ([, code]) => ({
    code: Number(code),
  })),
] as const;

function blocked(line: string): 'access' | 'dma' {
  return line.includes('DMA') ? 'dma' : 'access';
}

/** The same where the line names the device as drivers do (zpci_store_pci_error). */
export const ZPCI_DEVICE_ROWS = [
  row(
    'events_dropped',
    /^(?:[0-9a-f:.]{7,16}: )?Maximum number \((\d{1,9})\) of pending error events queued$/i,
    ([, most]) => ({
      most: Number(most),
    }),
  ),
] as const;
