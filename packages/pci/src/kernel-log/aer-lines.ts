import { isBdf, parseBdf, type Bdf, type Severity } from '@pci-recovery/core';
import { hexNumber, maybe, row, type RowRecord } from './row.js';

const SEVERITY = String.raw`Correct(?:ed|able)|Uncorrect(?:ed|able) \((?:Non-)?Fatal\)`;
const BDF = String.raw`[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]`;

/** Up to fourteen dwords, as many as a log has in Flit Mode. */
const DWORDS = String.raw`(?:0x)?[0-9a-f]{8}(?: (?:0x)?[0-9a-f]{8}){0,13}`;

const severityOf = (printed: string): Severity =>
  /^c/i.test(printed) ? 'correctable' : /non-fatal/i.test(printed) ? 'nonfatal' : 'fatal';

const bdfOf = (text: string | undefined): Bdf | undefined =>
  text !== undefined && isBdf(text) ? parseBdf(text) : undefined;

/** `a b c` with or without `0x`, as numbers. */
const dwordsOf = (text: string | undefined): number[] => (text ?? '').split(' ').filter(Boolean).map(hexNumber);

/**
 * What Linux says about AER besides the errors themselves (drivers/pci/pcie/aer.c:aer_print_source, aer_root_reset,
 * aer_recover_work_func; err.c:report_error_detected, pcie_do_recovery), of 7.3 and of older versions: "Corrected error
 * received: id=00e0", later "…: 0000:00:1c.0", later "Correctable error message received from …".
 */
export const AER_ROWS = [
  row(
    'error_message',
    new RegExp(
      `^(Multiple )?(${SEVERITY}) error(?: messages?)? received(?:, first one from|:| from) ` +
        `(?:id=([0-9a-f]{4})|(${BDF}))( \\(no details found\\))?$`,
      'i',
    ),
    ([, multiple, severity, id, bdf, absent]) => ({
      severity: severityOf(severity!),
      multiple: multiple !== undefined,
      ...maybe('source', bdfOf(bdf)),
      ...maybe('sourceId', id === undefined ? undefined : hexNumber(id)),
      detailsFound: absent === undefined,
    }),
  ),
  row('source_not_found', /^can't find device of ID([0-9a-f]{4})$/i, ([, id]) => ({ sourceId: hexNumber(id) })),
  row('broadcast', /^broadcast ([a-z_]{1,32}) message$/i, ([, callback]) => ({ callback: callback! })),
  row('cannot_recover', /^(?:device )?can't recover \(([^)]{1,80})\)$/i, ([, reason]) => ({ reason: reason! })),
  row('no_aer_driver', /^device has no (?:AER-aware )?driver$/i),
  row('link_reset', /^(Root|Downstream) Port link has been reset(?: \((-?\d{1,9})\))?$/i, ([, port, result]) => ({
    port: port!.toLowerCase() as 'root' | 'downstream',
    ...maybe('result', result === undefined ? undefined : Number(result)),
  })),
  row('function_reset', /^has been reset$/),
  row('function_not_reset', /^not reset \(no FLR support: (-?\d{1,9})\)$/, ([, result]) => ({
    result: Number(result),
  })),
  row('subordinate_reset_failed', /^(?:subordinate device reset|link reset at upstream device .{1,32}) failed$/),
  row('recovery_succeeded', /^device recovery successful$/i),
  row('recovery_failed', /^device recovery failed$/i),
  row('too_many_devices', /^Exceeded max supported \((\d{1,9})\) devices with errors logged$/, ([, most]) => ({
    most: Number(most),
  })),
  row('enabled', /^enabled with IRQ (\d{1,9})$/, ([, irq]) => ({ irq: Number(irq) })),
] as const;

/** The same where the line names no device in front. */
export const AER_GLOBAL_ROWS = [
  row(
    'recovery_overflow',
    new RegExp(`^(?:AER recover: )?buffer overflow in recovery for (${BDF})$`, 'i'),
    ([, bdf]) => ({
      ...maybe('source', bdfOf(bdf)),
    }),
  ),
  row('device_not_found', new RegExp(`^(${BDF}): no pci_dev found$`, 'i'), ([, bdf]) => maybe('source', bdfOf(bdf))),
  row(
    'device_not_found',
    /^AER recover: Can not find pci_dev for ([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2})[:.]([0-7])$/i,
    ([, slot, fn]) => maybe('source', bdfOf(`${slot}.${fn}`)),
  ),
] as const;

/** Downstream Port Containment (drivers/pci/pcie/dpc.c:dpc_process_error, dpc_process_rp_pio_error). */
export const DPC_ROWS = [
  row(
    'containment',
    new RegExp(
      `^containment event, status:0x([0-9a-f]{4,8})(?: source:0x([0-9a-f]{4}))?` +
        `(?:[:,] (?:(ERR_(?:NON)?FATAL) received from (${BDF})|(.{1,60}?) detected))?(?: source:0x([0-9a-f]{4}))?$`,
      'i',
    ),
    ([, status, id, message, source, cause]) => ({
      status: hexNumber(status),
      ...maybe('sourceId', id === undefined ? undefined : hexNumber(id)),
      ...maybe('message', message?.toUpperCase() as 'ERR_FATAL' | 'ERR_NONFATAL' | undefined),
      ...maybe('source', bdfOf(source)),
      ...maybe('cause', cause),
    }),
  ),
  row(
    'containment_cause',
    /^(unmasked uncorrectable error|ERR_NONFATAL|ERR_FATAL|RP PIO error|software trigger|reserved error) (?:detected|received)(?: from [0-9a-f:.]{7,16})?$/i,
    ([, cause]) => ({ cause: cause! }),
  ),
  row('rp_pio_status', /^rp_pio_status: 0x([0-9a-f]{8}), rp_pio_mask: 0x([0-9a-f]{8})$/i, ([, status, mask]) => ({
    status: hexNumber(status),
    mask: hexNumber(mask),
  })),
  row('rp_pio_error', /^\[ ?(\d{1,2})\] (\S[^(]{1,80}?)( \(First\))?$/, ([, bit, name, first]) => ({
    bit: Number(bit),
    name: name!.trim(),
    first: first !== undefined,
  })),
  row('rp_pio_header', new RegExp(`^TLP Header(?: \\(Flit\\))?: (${DWORDS})$`, 'i'), ([, header]) => ({
    header: dwordsOf(header),
  })),
] as const;

/** Lines that describe one error: several of them make a record `error` (aer.c:aer_print_error, pci_print_aer). */
export const AER_DETAIL_ROWS = [
  row(
    'bus_error',
    new RegExp(
      `^(PCIe|CXL) Bus Error: severity=(${SEVERITY})` +
        `(?:, type=([^,]{1,40}), (?:id=([0-9a-f]{4}))?\\(([^)]{1,40})\\))?( \\(Inaccessible\\))?$`,
      'i',
    ),
    ([, bus, severity, layer, id, agent, inaccessible]) => ({
      bus: bus!.toUpperCase() === 'CXL' ? ('CXL' as const) : ('PCIe' as const),
      severity: severityOf(severity!),
      accessible: inaccessible === undefined && !/accessible/i.test(layer ?? ''),
      ...maybe('layer', layer),
      ...maybe('agent', agent),
      ...maybe('sourceId', id === undefined ? undefined : hexNumber(id)),
    }),
  ),
  row(
    'device_status',
    /^device \[([0-9a-f]{4}):([0-9a-f]{4})\] error status\/mask=([0-9a-f]{8})\/([0-9a-f]{8})$/i,
    ([, vendor, device, status, mask]) => ({
      vendor: hexNumber(vendor),
      device: hexNumber(device),
      status: hexNumber(status),
      mask: hexNumber(mask),
    }),
  ),
  row(
    'status_mask',
    /^aer_(?:(un)?cor_)?status: 0x([0-9a-f]{8}), aer_(?:(?:un)?cor_)?mask: 0x([0-9a-f]{8})$/i,
    (found) => ({
      ...maybe('register', registerOf(found[0])),
      status: hexNumber(found[2]),
      mask: hexNumber(found[3]),
    }),
  ),
  row('uncor_severity', /^aer_uncor_severity: 0x([0-9a-f]{8})$/i, ([, severity]) => ({
    uncorrectableSeverity: hexNumber(severity),
  })),
  row('layer_agent', /^aer_layer=([^,]{1,40}), aer_agent=(.{1,40})$/i, ([, layer, agent]) => ({
    layer: layer!,
    agent: agent!,
  })),
  row(
    'tlp_header',
    new RegExp(`^(?:TLP Header|HeaderLog)( \\(Flit\\))?: (${DWORDS})(?: E-E Prefixes: (${DWORDS}))?$`, 'i'),
    ([, flit, header, prefixes]) => ({
      flit: flit !== undefined,
      header: dwordsOf(header),
      prefixes: dwordsOf(prefixes),
    }),
  ),
  row('reported_first', /^Error of this Agent(?:\([0-9a-f]{4}\))? is reported first$/i),
  row('error_bit', /^\[ ?(\d{1,2})\] (\S.{0,120})$/, ([, bit, rest]) => ({ bit: Number(bit), ...columns(rest!) })),
] as const;

/** Which status register a line of `aer_…status` shows; undefined where old kernels do not say. */
function registerOf(line: string): 'correctable' | 'uncorrectable' | undefined {
  if (/^aer_cor_/i.test(line)) return 'correctable';
  return /^aer_uncor_/i.test(line) ? 'uncorrectable' : undefined;
}

/** `name`, in Linux 7.3 also `| agent | layer`, and `(First)` behind it. */
function columns(text: string): { name: string; agent?: string; layer?: string; first: boolean } {
  const first = text.endsWith('(First)');
  const [name, agent, layer] = (first ? text.slice(0, -'(First)'.length) : text)
    .split('|', 3)
    .map((part) => part.trim());
  return { name: name!, ...maybe('agent', agent || undefined), ...maybe('layer', layer || undefined), first };
}

/** One line about an error. */
export type AerDetail = RowRecord<(typeof AER_DETAIL_ROWS)[number]>;
