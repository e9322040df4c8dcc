import { bdfOfRequester } from '@pci-recovery/core';
import {
  decodeTlp,
  type AerCapability,
  type BitName,
  type DpcCapability,
  type DpcTrigger,
  type PcieCapability,
  type PciFunction,
} from '@pci-recovery/pci';
import { type DumpedDevice, type DumpFinding } from '@pci-recovery/pci/lspci';
import { type Palette } from '../view/palette.js';
import { hex } from './hex.js';
import { printable } from './printable.js';

const list = (bits: readonly BitName[]): string => bits.map((bit) => `${bit.short} (${bit.name})`).join(', ') || 'none';

/** One device for people: what its error registers say, and what is wrong with its bytes. */
export function deviceView(
  device: DumpedDevice,
  fn: PciFunction,
  text: readonly DumpFinding[],
  paint: Palette,
): string[] {
  const lines = [paint('bold', printable(`${device.bdf} ${device.description}`.trimEnd()))];
  if (fn.pcie) lines.push(...pcieView(fn.pcie, paint));
  if (fn.aer) lines.push(...aerView(fn.aer, device, paint));
  else lines.push(paint('dim', `  ${withoutAer(device, fn)}`));
  if (fn.dpc?.trigger) lines.push(paint('red', `  ${dpcText(fn.dpc, fn.dpc.trigger, device)}`));
  if (fn.msix) lines.push(`  MSI-X: ${fn.msix.tableSize} vectors, ${fn.msix.enabled ? 'enabled' : 'disabled'}`);
  for (const { line, message } of text) lines.push(paint('yellow', printable(`  ! line ${line}: ${message}`)));
  for (const { offset, rule, message } of fn.findings)
    lines.push(paint('yellow', `  ! ${hex(offset, 2)}: ${message} [${rule}]`));
  return lines;
}

const DEVICE_ERRORS = [
  ['correctableDetected', 'correctable'],
  ['nonFatalDetected', 'non-fatal'],
  ['fatalDetected', 'fatal'],
  ['unsupportedRequestDetected', 'unsupported request'],
] as const;

function pcieView({ portType, deviceStatus, registers }: PcieCapability, paint: Palette): string[] {
  const kind = `  PCI Express: ${(portType ?? 'unknown type').replaceAll('_', ' ')}`;
  const errors = DEVICE_ERRORS.filter(([field]) => deviceStatus[field]).map(([, name]) => name);
  if (errors.length === 0) return [kind];
  return [kind, `  Device status: ${hex(registers.deviceStatus, 2)} ${paint('yellow', errors.join(', '))}`];
}

/** Extended capabilities are behind byte 256, and only PCI Express has them. */
const withoutAer = ({ bytes }: DumpedDevice, { pcie }: PciFunction): string =>
  pcie && bytes.length <= 256
    ? `AER unknown: the dump ends at ${bytes.length} bytes (lspci -xxxx as root has all).`
    : 'No Advanced Error Reporting.';

/** DPC Source ID is of the message that triggered; no other trigger has one. */
function dpcText({ registers }: DpcCapability, trigger: DpcTrigger, { bdf }: DumpedDevice): string {
  const message = trigger === 'err_fatal' || trigger === 'err_nonfatal';
  const source = message ? ` from ${bdfOfRequester(parseInt(bdf, 16), registers.sourceId)}` : '';
  return `DPC: link down, ${trigger.replaceAll('_', ' ')}${source}`;
}

function aerView(aer: AerCapability, { bdf }: DumpedDevice, paint: Palette): string[] {
  const { registers } = aer;
  const quiet = registers.uncorrectableStatus === 0 && registers.correctableStatus === 0;
  const lines = [
    `  Uncorrectable: ${hex(registers.uncorrectableStatus)} ${paint(aer.uncorrectable.length ? 'red' : 'dim', list(aer.uncorrectable))}`,
    `  Correctable:   ${hex(registers.correctableStatus)} ${paint(aer.correctable.length ? 'yellow' : 'dim', list(aer.correctable))}`,
  ];
  if (!quiet && aer.firstError) lines.push(`  First error:   ${aer.firstError.name}`);
  if (!quiet) lines.push(...logView(aer));
  if (aer.root) {
    const source = bdfOfRequester(parseInt(bdf, 16), aer.root.uncorrectableSource);
    const received = aer.root.status.uncorrectableReceived ? `, uncorrectable from ${source}` : '';
    lines.push(`  Root status:   ${hex(registers.rootStatus)}${received}`);
  }
  return lines;
}

function logView(aer: AerCapability): string[] {
  const { header, flit } = aer.log;
  if (header.every((dword) => dword === 0)) return [];
  const tlp = flit ? undefined : decodeTlp(header);
  const what = tlp ? ` ${tlp.kind.replaceAll('_', ' ')}` : '';
  return [`  Header log:    ${header.map((dword) => hex(dword).slice(2)).join(' ')}${what}`];
}
