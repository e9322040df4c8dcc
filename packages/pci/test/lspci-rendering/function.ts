import { bdfParts } from '@pci-recovery/core';
import { type Finding, type Header, type PciFunction } from '../../src/index.js';
import { aerLines, dpcLines } from './error-reporting.js';
import { expressLines } from './express.js';
import { headerLines } from './header.js';
import { msiLines, msixLines } from './interrupts.js';
import { hex } from './text.js';
import { sriovLines } from './virtualization.js';

/** What lspci prints of one capability. `whole`: every line is rendered; else only the first line's beginning is. */
export interface RenderedCapability {
  readonly lines: readonly string[];
  readonly whole: boolean;
}

/** A function as `lspci -n -vvv` prints it. */
export interface RenderedFunction {
  readonly header: readonly string[];
  readonly capabilities: readonly RenderedCapability[];
}

/** lspci does not see a 64-bit address that has no register for its upper half. */
function hasMemoryBar(header: Header | undefined): boolean {
  if (header?.layout !== 'normal' && header?.layout !== 'bridge') return false;
  const last = header.registers.baseAddresses.length - 1;
  return header.baseAddresses.some((base) => base.space === 'memory' && !(base.bits === 64 && base.index === last));
}

function block(place: string, lines: readonly string[] | undefined): RenderedCapability {
  const start = `\tCapabilities: [${place}] `;
  if (!lines) return { lines: [start], whole: false };
  return { lines: [start + lines[0]!, ...lines.slice(1)], whole: true };
}

function capabilityBlocks(fn: PciFunction): RenderedCapability[] {
  const { device, function: number } = bdfParts(fn.bdf!);
  const surroundings = { memoryBar: hasMemoryBar(fn.header), first: device === 0 && number === 0 };
  return fn.capabilities.map(({ offset }) => {
    const place = hex(offset, 2);
    if (offset === fn.pcie?.offset) return block(place, expressLines(fn.pcie, surroundings));
    if (offset === fn.msi?.offset) return block(place, msiLines(fn.msi));
    if (offset === fn.msix?.offset) return block(place, msixLines(fn.msix));
    return block(place, undefined);
  });
}

function extendedBlocks(fn: PciFunction): RenderedCapability[] {
  return fn.extendedCapabilities.map(({ offset, version }) => {
    const place = `${hex(offset, 3)} v${version}`;
    if (offset === fn.aer?.offset) return block(place, aerLines(fn.aer));
    if (offset === fn.dpc?.offset) return block(place, dpcLines(fn.dpc));
    if (offset === fn.sriov?.offset) return block(place, sriovLines(fn.sriov));
    return block(place, undefined);
  });
}

/** What lspci says where a list ends wrongly; at the end of the extended list it says nothing of missing bytes. */
function ending({ code, offset }: Finding, bytes: Uint8Array): string | undefined {
  if (code === 'capability_loop') return `\tCapabilities: [${hex(bytes[offset]! & ~3, 2)}] <chain looped>`;
  if (code === 'capability_all_ones') return `\tCapabilities: [${hex(offset, 2)}] <chain broken>`;
  if (code === 'capability_pointer_beyond_end') return '\tCapabilities: <access denied>';
  if (code !== 'extended_capability_loop') return undefined;
  const target = ((bytes[offset + 3]! << 4) | (bytes[offset + 2]! >> 4)) & ~3;
  return `\tCapabilities: [${hex(target, 3)} v${bytes[target + 2]! & 0xf}] <chain looped>`;
}

function endings(fn: PciFunction, bytes: Uint8Array, extended: boolean): RenderedCapability[] {
  return fn.findings
    .filter(({ code }) => code.startsWith('extended_') === extended)
    .flatMap((finding) => ending(finding, bytes) ?? [])
    .map((line) => ({ lines: [line], whole: true }));
}

/** Renders a decoded function. `withDomain`: lspci prints domains when any function of its input has one. */
export function renderFunction(fn: PciFunction, bytes: Uint8Array, withDomain: boolean): RenderedFunction {
  const slot = withDomain ? fn.bdf! : fn.bdf!.slice(fn.bdf!.indexOf(':') + 1);
  return {
    header: headerLines(slot, fn.header!),
    capabilities: [
      ...capabilityBlocks(fn),
      ...endings(fn, bytes, false),
      ...extendedBlocks(fn),
      ...endings(fn, bytes, true),
    ],
  };
}
