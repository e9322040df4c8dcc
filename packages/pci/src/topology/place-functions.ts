import { bdfOfRequester, bdfParts, requesterId, type Bdf } from '@pci-recovery/core';
import { decodeFunction, type PciFunction } from '../function/index.js';
import { EXTENDED_CAPABILITY_ID } from '../registers/index.js';
import { type TopologyFunction } from './function.js';

/** A function's configuration space as far as it could be read: 64 bytes at least, 256 or 4096 to see everything. */
export interface ConfigImage {
  readonly bdf: Bdf;
  readonly bytes: Uint8Array;
}

/** A function: its bytes, what they say, and where it is in the tree. */
export interface PlacedFunction<Image extends ConfigImage = ConfigImage> {
  readonly device: Image;
  readonly decoded: PciFunction;
  readonly topology: TopologyFunction;
}

interface Decoded<Image extends ConfigImage = ConfigImage> {
  readonly device: Image;
  readonly decoded: PciFunction;
}

interface Buses {
  readonly secondary: number;
  readonly subordinate: number;
}

/** Bridges and CardBus bridges have their bus numbers at the same place. */
function busesOf({ header }: PciFunction): Buses | undefined {
  if (header?.layout !== 'bridge' && header?.layout !== 'cardbus') return undefined;
  return { secondary: header.secondaryBus, subordinate: header.subordinateBus };
}

/** The virtual functions that each physical function has enabled (PCIe r6.1 §9.2.1.2). */
function virtualFunctions(all: readonly Decoded[]): Map<Bdf, Bdf> {
  const physical = new Map<Bdf, Bdf>();
  for (const { device, decoded } of all) {
    const registers = decoded.sriov?.registers;
    if (!registers || (registers.control & 1) === 0) continue;
    for (let n = 0; n < registers.numVfs; n++) {
      const id = requesterId(device.bdf) + registers.firstVfOffset + n * registers.vfStride;
      if (id <= 0xffff) physical.set(bdfOfRequester(bdfParts(device.bdf).domain, id), device.bdf);
    }
  }
  return physical;
}

const ASSOCIATION_BITMAP = 0x04;
const ASSOCIATION_BUSES = 0x08;

/** Whether an event collector collects a function's errors (PCIe r6.1 §7.9.10). */
function collects(collector: Decoded, bdf: Bdf): boolean {
  const at = collector.decoded.extendedCapabilities.find(
    ({ id }) => id === EXTENDED_CAPABILITY_ID.ROOT_COMPLEX_EVENT_COLLECTOR,
  );
  if (!at || collector.decoded.pcie?.portType !== 'rcec') return false;
  const { bytes } = collector.device;
  const dword = (offset: number): number => {
    const from = at.offset + offset;
    return from + 4 <= bytes.length ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(from, true) : 0;
  };
  const [own, other] = [bdfParts(collector.device.bdf), bdfParts(bdf)];
  if (own.domain !== other.domain) return false;
  if (own.bus === other.bus) return ((dword(ASSOCIATION_BITMAP) >>> other.device) & 1) === 1;
  if (at.version < 2) return false;
  const buses = dword(ASSOCIATION_BUSES);
  return other.bus >= ((buses >>> 8) & 0xff) && other.bus <= ((buses >>> 16) & 0xff);
}

/**
 * Works out what every function is, and where, from its own configuration space and those of the others. What the bytes do not
 * say (a virtual function whose physical function could be read only in part) is left out.
 */
export function placeFunctions<Image extends ConfigImage>(devices: readonly Image[]): PlacedFunction<Image>[] {
  const all: readonly Decoded<Image>[] = devices.map((device) => ({
    device,
    decoded: decodeFunction(device.bytes, { bdf: device.bdf }),
  }));
  const physical = virtualFunctions(all);
  return all.map(({ device, decoded }) => {
    const portType = decoded.pcie?.portType;
    const buses = busesOf(decoded);
    const collector = portType === 'rciep' ? all.find((one) => collects(one, device.bdf)) : undefined;
    const physicalFunction = physical.get(device.bdf);
    const topology: TopologyFunction = {
      bdf: device.bdf,
      bridge: buses !== undefined,
      ...(portType ? { portType } : {}),
      ...buses,
      ...(collector ? { eventCollector: collector.device.bdf } : {}),
      ...(physicalFunction ? { physicalFunction } : {}),
    };
    return { device, decoded, topology };
  });
}
