import { u16, u32, dwords } from '../config-space/bytes.js';
import { type RegisterLayout } from '../config-space/register-layout.js';
import { PCI_HEADER as H } from '../registers/index.js';

/** What every header has. Raw register values. */
export interface CommonRegisters {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly command: number;
  readonly status: number;
  readonly revisionId: number;
  readonly programmingInterface: number;
  /** 16 bits: base class 15:8, sub-class 7:0. */
  readonly classCode: number;
  readonly cacheLineSize: number;
  readonly latencyTimer: number;
  /** 8 bits: multi-function 7, layout 6:0. */
  readonly headerType: number;
  readonly bist: number;
  readonly interruptLine: number;
  readonly interruptPin: number;
}

/** Type 0: everything that is no bridge. */
export interface NormalRegisters extends CommonRegisters {
  /** Six dwords. */
  readonly baseAddresses: readonly number[];
  readonly cardbusCis: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  readonly expansionRom: number;
  /** 32 bits: pointer 7:0, the rest reserved. */
  readonly capabilitiesPointer: number;
  readonly reserved38: number;
  readonly minGrant: number;
  readonly maxLatency: number;
}

/** Type 1: PCI-to-PCI bridges, which root and switch ports are. */
export interface BridgeRegisters extends CommonRegisters {
  /** Two dwords. */
  readonly baseAddresses: readonly number[];
  readonly primaryBus: number;
  readonly secondaryBus: number;
  readonly subordinateBus: number;
  readonly secondaryLatencyTimer: number;
  readonly ioBase: number;
  readonly ioLimit: number;
  readonly secondaryStatus: number;
  readonly memoryBase: number;
  readonly memoryLimit: number;
  readonly prefetchableBase: number;
  readonly prefetchableLimit: number;
  readonly prefetchableBaseUpper: number;
  readonly prefetchableLimitUpper: number;
  readonly ioBaseUpper: number;
  readonly ioLimitUpper: number;
  /** 32 bits: pointer 7:0, the rest reserved. */
  readonly capabilitiesPointer: number;
  readonly expansionRom: number;
  readonly bridgeControl: number;
}

/** Type 2 (CardBus bridges), and layouts that nobody knows: the dwords from 0x10 to 0x38, and the 16 bits at 0x3e. */
export interface OtherRegisters extends CommonRegisters {
  /** Eleven dwords from 0x10 on. */
  readonly rest: readonly number[];
  readonly bridgeControl: number;
}

const COMMON = [
  { name: 'vendorId', offset: H.VENDOR_ID, width: 2 },
  { name: 'deviceId', offset: H.DEVICE_ID, width: 2 },
  { name: 'command', offset: H.COMMAND, width: 2 },
  { name: 'status', offset: H.STATUS, width: 2 },
  { name: 'revisionId', offset: H.REVISION_ID, width: 1 },
  { name: 'programmingInterface', offset: H.PROGRAMMING_INTERFACE, width: 1 },
  { name: 'classCode', offset: H.SUB_CLASS, width: 2 },
  { name: 'cacheLineSize', offset: H.CACHE_LINE_SIZE, width: 1 },
  { name: 'latencyTimer', offset: H.LATENCY_TIMER, width: 1 },
  { name: 'headerType', offset: H.HEADER_TYPE, width: 1 },
  { name: 'bist', offset: H.BIST, width: 1 },
  { name: 'interruptLine', offset: H.INTERRUPT_LINE, width: 1 },
  { name: 'interruptPin', offset: H.INTERRUPT_PIN, width: 1 },
] as const satisfies RegisterLayout<CommonRegisters>;

/** Layout of the type 0 header. */
export const NORMAL_LAYOUT: RegisterLayout<NormalRegisters> = [
  ...COMMON,
  { name: 'baseAddresses', offset: H.BASE_ADDRESS_0, width: 4 },
  { name: 'cardbusCis', offset: H.CARDBUS_CIS, width: 4 },
  { name: 'subsystemVendorId', offset: H.SUBSYSTEM_VENDOR_ID, width: 2 },
  { name: 'subsystemId', offset: H.SUBSYSTEM_ID, width: 2 },
  { name: 'expansionRom', offset: H.EXPANSION_ROM, width: 4 },
  { name: 'capabilitiesPointer', offset: H.CAPABILITIES_POINTER, width: 4 },
  { name: 'reserved38', offset: 0x38, width: 4 },
  { name: 'minGrant', offset: H.MIN_GRANT, width: 1 },
  { name: 'maxLatency', offset: H.MAX_LATENCY, width: 1 },
];

/** Layout of the type 1 header. */
export const BRIDGE_LAYOUT: RegisterLayout<BridgeRegisters> = [
  ...COMMON,
  { name: 'baseAddresses', offset: H.BASE_ADDRESS_0, width: 4 },
  { name: 'primaryBus', offset: H.PRIMARY_BUS, width: 1 },
  { name: 'secondaryBus', offset: H.SECONDARY_BUS, width: 1 },
  { name: 'subordinateBus', offset: H.SUBORDINATE_BUS, width: 1 },
  { name: 'secondaryLatencyTimer', offset: H.SECONDARY_LATENCY_TIMER, width: 1 },
  { name: 'ioBase', offset: H.IO_BASE, width: 1 },
  { name: 'ioLimit', offset: H.IO_LIMIT, width: 1 },
  { name: 'secondaryStatus', offset: H.SECONDARY_STATUS, width: 2 },
  { name: 'memoryBase', offset: H.MEMORY_BASE, width: 2 },
  { name: 'memoryLimit', offset: H.MEMORY_LIMIT, width: 2 },
  { name: 'prefetchableBase', offset: H.PREFETCHABLE_BASE, width: 2 },
  { name: 'prefetchableLimit', offset: H.PREFETCHABLE_LIMIT, width: 2 },
  { name: 'prefetchableBaseUpper', offset: H.PREFETCHABLE_BASE_UPPER, width: 4 },
  { name: 'prefetchableLimitUpper', offset: H.PREFETCHABLE_LIMIT_UPPER, width: 4 },
  { name: 'ioBaseUpper', offset: H.IO_BASE_UPPER, width: 2 },
  { name: 'ioLimitUpper', offset: H.IO_LIMIT_UPPER, width: 2 },
  { name: 'capabilitiesPointer', offset: H.CAPABILITIES_POINTER, width: 4 },
  { name: 'expansionRom', offset: H.BRIDGE_EXPANSION_ROM, width: 4 },
  { name: 'bridgeControl', offset: H.BRIDGE_CONTROL, width: 2 },
];

/** Layout of the other headers. */
export const OTHER_LAYOUT: RegisterLayout<OtherRegisters> = [
  ...COMMON,
  { name: 'rest', offset: H.BASE_ADDRESS_0, width: 4 },
  { name: 'bridgeControl', offset: H.BRIDGE_CONTROL, width: 2 },
];

/** Reads a type 0 header from its 64 bytes. */
export const readNormal = (b: Uint8Array): NormalRegisters => ({
  vendorId: u16(b, H.VENDOR_ID),
  deviceId: u16(b, H.DEVICE_ID),
  command: u16(b, H.COMMAND),
  status: u16(b, H.STATUS),
  revisionId: b[H.REVISION_ID]!,
  programmingInterface: b[H.PROGRAMMING_INTERFACE]!,
  classCode: u16(b, H.SUB_CLASS),
  cacheLineSize: b[H.CACHE_LINE_SIZE]!,
  latencyTimer: b[H.LATENCY_TIMER]!,
  headerType: b[H.HEADER_TYPE]!,
  bist: b[H.BIST]!,
  interruptLine: b[H.INTERRUPT_LINE]!,
  interruptPin: b[H.INTERRUPT_PIN]!,
  baseAddresses: dwords(b, H.BASE_ADDRESS_0, 6),
  cardbusCis: u32(b, H.CARDBUS_CIS),
  subsystemVendorId: u16(b, H.SUBSYSTEM_VENDOR_ID),
  subsystemId: u16(b, H.SUBSYSTEM_ID),
  expansionRom: u32(b, H.EXPANSION_ROM),
  capabilitiesPointer: u32(b, H.CAPABILITIES_POINTER),
  reserved38: u32(b, 0x38),
  minGrant: b[H.MIN_GRANT]!,
  maxLatency: b[H.MAX_LATENCY]!,
});

/** Reads a type 1 header from its 64 bytes. */
export const readBridge = (b: Uint8Array): BridgeRegisters => ({
  vendorId: u16(b, H.VENDOR_ID),
  deviceId: u16(b, H.DEVICE_ID),
  command: u16(b, H.COMMAND),
  status: u16(b, H.STATUS),
  revisionId: b[H.REVISION_ID]!,
  programmingInterface: b[H.PROGRAMMING_INTERFACE]!,
  classCode: u16(b, H.SUB_CLASS),
  cacheLineSize: b[H.CACHE_LINE_SIZE]!,
  latencyTimer: b[H.LATENCY_TIMER]!,
  headerType: b[H.HEADER_TYPE]!,
  bist: b[H.BIST]!,
  interruptLine: b[H.INTERRUPT_LINE]!,
  interruptPin: b[H.INTERRUPT_PIN]!,
  baseAddresses: dwords(b, H.BASE_ADDRESS_0, 2),
  primaryBus: b[H.PRIMARY_BUS]!,
  secondaryBus: b[H.SECONDARY_BUS]!,
  subordinateBus: b[H.SUBORDINATE_BUS]!,
  secondaryLatencyTimer: b[H.SECONDARY_LATENCY_TIMER]!,
  ioBase: b[H.IO_BASE]!,
  ioLimit: b[H.IO_LIMIT]!,
  secondaryStatus: u16(b, H.SECONDARY_STATUS),
  memoryBase: u16(b, H.MEMORY_BASE),
  memoryLimit: u16(b, H.MEMORY_LIMIT),
  prefetchableBase: u16(b, H.PREFETCHABLE_BASE),
  prefetchableLimit: u16(b, H.PREFETCHABLE_LIMIT),
  prefetchableBaseUpper: u32(b, H.PREFETCHABLE_BASE_UPPER),
  prefetchableLimitUpper: u32(b, H.PREFETCHABLE_LIMIT_UPPER),
  ioBaseUpper: u16(b, H.IO_BASE_UPPER),
  ioLimitUpper: u16(b, H.IO_LIMIT_UPPER),
  capabilitiesPointer: u32(b, H.CAPABILITIES_POINTER),
  expansionRom: u32(b, H.BRIDGE_EXPANSION_ROM),
  bridgeControl: u16(b, H.BRIDGE_CONTROL),
});

/** Reads any other header from its 64 bytes. */
export const readOther = (b: Uint8Array): OtherRegisters => ({
  vendorId: u16(b, H.VENDOR_ID),
  deviceId: u16(b, H.DEVICE_ID),
  command: u16(b, H.COMMAND),
  status: u16(b, H.STATUS),
  revisionId: b[H.REVISION_ID]!,
  programmingInterface: b[H.PROGRAMMING_INTERFACE]!,
  classCode: u16(b, H.SUB_CLASS),
  cacheLineSize: b[H.CACHE_LINE_SIZE]!,
  latencyTimer: b[H.LATENCY_TIMER]!,
  headerType: b[H.HEADER_TYPE]!,
  bist: b[H.BIST]!,
  interruptLine: b[H.INTERRUPT_LINE]!,
  interruptPin: b[H.INTERRUPT_PIN]!,
  rest: dwords(b, H.BASE_ADDRESS_0, 11),
  bridgeControl: u16(b, H.BRIDGE_CONTROL),
});
