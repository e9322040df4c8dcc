import {
  CONFIG_SIZE,
  ConfigSpace,
  Findings,
  PCI_HEADER,
  walkCapabilities,
  walkExtendedCapabilities,
} from '@pci-recovery/pci';

/** The capabilities of a configuration space. */
export interface CapabilityOffsets {
  readonly capabilities: readonly { readonly id: number; readonly offset: number }[];
  readonly extended: readonly { readonly id: number; readonly offset: number }[];
}

/** Dwords as the bytes that they are on the bus: little-endian. */
export function bytesOf(words: Uint32Array, length: number = CONFIG_SIZE.extended): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = words[i >> 2]! >>> ((i & 3) << 3);
  return bytes;
}

/** Bytes as dwords; what is not there is 0. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(CONFIG_SIZE.extended / 4);
  const length = Math.min(bytes.length, CONFIG_SIZE.extended);
  for (let i = 0; i < length; i++) words[i >> 2]! |= bytes[i]! << ((i & 3) << 3);
  return words;
}

/** Walks both lists; what is wrong with them ends them, as it ends them for software. */
export function capabilityOffsets(words: Uint32Array): CapabilityOffsets {
  const space = new ConfigSpace(bytesOf(words));
  const findings = new Findings();
  return {
    capabilities: walkCapabilities(space, PCI_HEADER.CAPABILITIES_POINTER, findings),
    extended: walkExtendedCapabilities(space, findings),
  };
}

/** Where the first capability with an id is; 0: nowhere. */
export const offsetOf = (list: CapabilityOffsets['extended'], id: number): number =>
  list.find((one) => one.id === id)?.offset ?? 0;
