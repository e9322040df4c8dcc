import { isBdf, parseBdf } from '@pci-recovery/core';
import { hexNumber, maybe, row } from './row.js';

const PE = String.raw`PHB#([0-9a-f]{1,8})-PE#([0-9a-f]{1,8})`;

/** What happened to a whole PHB. */
export type PhbEvent = 'fenced' | 'dead' | 'informative';

/** Which PHB printed diagnostic data. */
export type DiagModel = 'p7ioc' | 'phb3' | 'phb4';

/** `phb` and `pe`, which Linux prints in hexadecimal. */
const place = (phb: string | undefined, pe: string | undefined): { phb: number; pe: number } => ({
  phb: hexNumber(phb),
  pe: hexNumber(pe),
});
const pattern = (text: string): RegExp => new RegExp(`^${text}$`, 'i');

/**
 * What Linux says about EEH (arch/powerpc/kernel/eeh_driver.c:eeh_handle_normal_event, eeh_pe_report; eeh.c:
 * eeh_dump_dev_log, eeh_pe_reset_full; arch/powerpc/platforms/powernv/eeh-powernv.c:pnv_eeh_next_error), behind "EEH: ".
 */
export const EEH_ROWS = [
  row('frozen', pattern(`(?:\\w{1,40}: )?Frozen ${PE} detected`), ([, phb, pe]) => place(phb, pe)),
  row('frozen', pattern(String.raw`Frozen PE#([0-9a-f]{1,8}) on PHB#([0-9a-f]{1,8}) detected`), ([, pe, phb]) =>
    place(phb, pe),
  ),
  row('frozen_empty', pattern(`Frozen ${PE} is empty!`), ([, phb, pe]) => place(phb, pe)),
  row('phb_event', /^(Fenced|dead) PHB#([0-9a-f]{1,8}) detected(?:, location: (.{1,80}))?$/i, ([, event, phb, at]) => ({
    event: event!.toLowerCase() as PhbEvent,
    phb: hexNumber(phb),
    ...maybe('location', at),
  })),
  row('phb_event', /^PHB#([0-9a-f]{1,8}) informative error detected(?:, location: (.{1,80}))?$/i, ([, phb, at]) => ({
    event: 'informative',
    phb: hexNumber(phb),
    ...maybe('location', at),
  })),
  row('ioc_event', /^(?:IOC )?(dead|informative error)(?: IOC)? detected$/i, ([, event]) => ({
    event: event!.toLowerCase() === 'dead' ? ('dead' as const) : ('informative' as const),
  })),
  row(
    'recovering',
    /^Recovering PHB#([0-9a-f]{1,8})(?:-PE#([0-9a-f]{1,8}))?(?:, location: (.{1,80}))?$/i,
    ([, phb, pe, at]) => ({
      phb: hexNumber(phb),
      ...maybe('pe', pe === undefined ? undefined : hexNumber(pe)),
      ...maybe('location', at),
    }),
  ),
  row('location', /^PE location: ([^,]{1,80}), PHB location: (.{1,80})$/i, ([, pe, phb]) => ({
    peLocation: pe!,
    phbLocation: phb!,
  })),
  row(
    'handled_at_parent',
    pattern(`Failure of ${PE} will be handled at parent ${PE}\\.?`),
    ([, phb, pe, inPhb, inPe]) => ({
      ...place(phb, pe),
      parent: place(inPhb, inPe),
    }),
  ),
  row('call_trace', /^Call Trace:$/),
  row('call_trace_entry', /^\[<?([0-9a-f]{1,20}|\([^)]{1,20}\))>?\] (.{1,160})$/i, ([, address, symbol]) => ({
    address: address!,
    symbol: symbol!,
  })),
  row(
    'failure_count',
    /^This PCI device has failed (\d{1,9}) times in the last hour(?: and will be permanently disabled after (\d{1,9}) failures)?\.?:?$/i,
    ([, times, most]) => ({ times: Number(times), ...maybe('most', most === undefined ? undefined : Number(most)) }),
  ),
  // In older kernels the sentence goes on in lines of their own.
  row(
    'permanently_disabled',
    pattern(`${PE} has failed (\\d{1,9}) times in the(?: last hour and has been permanently disabled\\.)?`),
    ([, phb, pe, times]) => ({
      ...place(phb, pe),
      times: Number(times),
    }),
  ),
  row('notify', /^Notify device drivers? (?:to )?(.{1,60}?)\.?$/i, ([, request]) => ({ request: request! })),
  row('callback_begin', /^Beginning: '([^']{1,60})'$/, ([, callback]) => ({ callback: callback! })),
  row(
    'callback_end',
    /^Finished: ?'([^']{1,60})'(?: with aggregate recovery state: ?'([^']{1,30})')?$/,
    ([, callback, state]) => ({ callback: callback!, ...maybe('state', state) }),
  ),
  row('collect_log', /^Collect temporary log$/i),
  row('reset', /^Reset (with|without) hotplug activity$/i, ([, how]) => ({ hotplug: how!.toLowerCase() === 'with' })),
  row('enable_io', /^Enable I\/O for affected devices$/i),
  row('dma_enabled', /^Enabled DMA for affected devices$/i),
  row('reset_succeeded', pattern(`${PE}: Successful reset \\(attempt (\\d{1,9})\\)`), ([, phb, pe, attempt]) => ({
    ...place(phb, pe),
    attempt: Number(attempt),
  })),
  row(
    'reset_failed',
    pattern(`Failure (-?\\d{1,9}) resetting ${PE} \\(attempt (\\d{1,9})\\)`),
    ([, error, phb, pe, attempt]) => ({
      ...place(phb, pe),
      error: Number(error),
      attempt: Number(attempt),
    }),
  ),
  row(
    'slot_inactive',
    pattern(`${PE}: Slot inactive after reset: 0x([0-9a-f]{1,8}) \\(attempt (\\d{1,9})\\)`),
    ([, phb, pe, state, attempt]) => ({
      ...place(phb, pe),
      state: hexNumber(state),
      attempt: Number(attempt),
    }),
  ),
  row('slot_unrecoverable', pattern(`Unrecoverable slot failure on ${PE}`), ([, phb, pe]) => place(phb, pe)),
  row('recovered', /^Recovery successful\.?$/i),
  row('permanent_failure', /^Permanent failure$/i),
  row('unable_to_recover', pattern(`Unable to recover from failure from ${PE}\\.?`), ([, phb, pe]) => place(phb, pe)),
  row('passthrough_frozen', pattern(`Note: Leaving passthrough ${PE} frozen\\.?`), ([, phb, pe]) => place(phb, pe)),
  row(
    'passthrough_refrozen',
    pattern(`Passed-through PE ${PE} was thawed by reset, re-freezing for safety\\.?`),
    ([, phb, pe]) => place(phb, pe),
  ),
  row('removing', /^Removing ([0-9a-f:.]{7,16}) without EEH sensitive driver$/i, ([, text]) =>
    maybe('removed', isBdf(text!) ? parseBdf(text!) : undefined),
  ),
  row('event_dropped', /^(?:Event dropped due to no_recover setting|out of memory, event not handled)$/),
  row('device_log', /^of node=([0-9a-f:.]{7,16})$/i, ([, text]) =>
    maybe('of', isBdf(text!) ? parseBdf(text!) : undefined),
  ),
  row(
    'device_register',
    /^(PCI device\/vendor|PCI cmd\/status register|Bridge secondary status|Bridge control|PCI-X cmd|PCI-X status): ([0-9a-f]{4,8})$/i,
    ([, name, value]) => ({ register: name!, value: hexNumber(value) }),
  ),
  row('device_dump', /^PCI-E (AER )?([0-9a-f]{2,3}): ((?:[0-9a-f]{8} ?){1,4})$/i, ([, aer, offset, words]) => ({
    capability: aer === undefined ? ('pcie' as const) : ('aer' as const),
    offset: hexNumber(offset),
    words: words!.trim().split(' ').map(hexNumber),
  })),
] as const;

/** The same where the line names a device: "PCI 0000:01:00.0#00fd: EEH: " (asm/eeh.h:EEH_EDEV_PRINT). */
export const EEH_DEVICE_ROWS = [
  row('driver_report', /^(\S{1,64}) driver reports: '([^']{1,30})'$/, ([, driver, vote]) => ({
    driver: driver!,
    vote: vote!,
  })),
  row('invoking', /^Invoking (\S{1,64})->([a-z_]{1,32})\(([^)]{0,32})\)$/, ([, driver, callback, state]) => ({
    driver: driver!,
    callback: callback!,
    ...maybe('state', state || undefined),
  })),
  row('not_asked', /^(no device|no driver|driver not EEH aware|driver bound too late)$/, ([, why]) => ({ why: why! })),
  row('not_actionable', /^not actionable \((\d),(\d),(\d)\)$/, ([, device, present, owned]) => ({
    device: device === '1',
    present: present === '1',
    ownedByHost: owned === '1',
  })),
  row('device_changed', /^Device changed during processing!$/),
  row(
    'reads_ignored',
    /^(\d{1,9}) reads ignored for recovering device at location=(\S{1,80}) driver=(\S{1,64})$/,
    ([, reads, location, driver]) => ({
      reads: Number(reads),
      location: location!,
      driver: driver!,
    }),
  ),
] as const;

/** Lines of EEH that do not begin with its name (arch/powerpc/platforms/powernv/pci.c:pnv_pci_dump_phb_diag_data). */
export const EEH_BARE_ROWS = [
  // Only the number of a PHB4 is printed in decimal.
  row('diag_data', /^PHB4 PHB#(\d{1,8}) Diag-data \(Version: (\d{1,9})\)$/, ([, phb, version]) => ({
    model: 'phb4',
    phb: Number(phb),
    version: Number(version),
  })),
  row(
    'diag_data',
    /^(P7IOC|PHB3) PHB#([0-9a-f]{1,8}) Diag-data \(Version: (\d{1,9})\)$/i,
    ([, model, phb, version]) => ({
      model: model!.toLowerCase() as DiagModel,
      phb: hexNumber(phb),
      version: Number(version),
    }),
  ),
] as const;
