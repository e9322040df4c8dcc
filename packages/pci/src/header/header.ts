import { encodeRegisters } from '../config-space/register-layout.js';
import {
  BIST,
  BRIDGE_CONTROL,
  COMMAND,
  CONFIG_SIZE,
  decodeFields,
  HEADER_TYPE,
  PCI_HEADER,
  STATUS,
  type Fields,
} from '../registers/index.js';
import { decodeBaseAddresses, type BaseAddress } from './base-address.js';
import {
  BRIDGE_LAYOUT,
  NORMAL_LAYOUT,
  OTHER_LAYOUT,
  readBridge,
  readNormal,
  readOther,
  type BridgeRegisters,
  type CommonRegisters,
  type NormalRegisters,
  type OtherRegisters,
} from './registers.js';

/** What the headers have in common. `registers` holds the raw values; getters take them apart when they are asked. */
abstract class BaseHeader<Registers extends CommonRegisters> {
  constructor(readonly registers: Registers) {}

  get vendorId(): number {
    return this.registers.vendorId;
  }
  get deviceId(): number {
    return this.registers.deviceId;
  }
  /** 24 bits: base class 23:16, sub-class 15:8, programming interface 7:0. */
  get classCode(): number {
    return (this.registers.classCode << 8) | this.registers.programmingInterface;
  }
  get multiFunction(): boolean {
    return (this.registers.headerType & 0x80) !== 0;
  }
  get command(): Fields<typeof COMMAND> {
    return decodeFields(this.registers.command, COMMAND);
  }
  get status(): Fields<typeof STATUS> {
    return decodeFields(this.registers.status, STATUS);
  }
  get bist(): Fields<typeof BIST> {
    return decodeFields(this.registers.bist, BIST);
  }
  /** 1–4 for INTA–INTD; 0: none. */
  get interruptPin(): number {
    return this.registers.interruptPin;
  }
}

/** Type 0. */
export class NormalHeader extends BaseHeader<NormalRegisters> {
  readonly layout = 'normal';

  get baseAddresses(): BaseAddress[] {
    return decodeBaseAddresses(this.registers.baseAddresses);
  }
}

/** Type 1. */
export class BridgeHeader extends BaseHeader<BridgeRegisters> {
  readonly layout = 'bridge';

  get baseAddresses(): BaseAddress[] {
    return decodeBaseAddresses(this.registers.baseAddresses);
  }
  get secondaryStatus(): Fields<typeof STATUS> {
    return decodeFields(this.registers.secondaryStatus, STATUS);
  }
  get bridgeControl(): Fields<typeof BRIDGE_CONTROL> {
    return decodeFields(this.registers.bridgeControl, BRIDGE_CONTROL);
  }
  get primaryBus(): number {
    return this.registers.primaryBus;
  }
  get secondaryBus(): number {
    return this.registers.secondaryBus;
  }
  get subordinateBus(): number {
    return this.registers.subordinateBus;
  }
}

/** Type 2 (`cardbus`), and layouts that nobody knows (`unknown`). */
export class OtherHeader extends BaseHeader<OtherRegisters> {
  readonly layout: 'cardbus' | 'unknown';

  constructor(registers: OtherRegisters) {
    super(registers);
    this.layout = (registers.headerType & 0x7f) === HEADER_TYPE.CARDBUS ? 'cardbus' : 'unknown';
  }
  /** CardBus only. */
  get primaryBus(): number {
    return this.registers.rest[2]! & 0xff;
  }
  /** CardBus only: the bus number of the card. */
  get secondaryBus(): number {
    return (this.registers.rest[2]! >>> 8) & 0xff;
  }
  /** CardBus only. */
  get subordinateBus(): number {
    return (this.registers.rest[2]! >>> 16) & 0xff;
  }
}

/** The header of a function, by its `layout`. */
export type Header = NormalHeader | BridgeHeader | OtherHeader;

/** Decodes the first 64 bytes; there must be as many. */
export function decodeHeader(bytes: Uint8Array): Header {
  switch (bytes[PCI_HEADER.HEADER_TYPE]! & 0x7f) {
    case HEADER_TYPE.NORMAL:
      return new NormalHeader(readNormal(bytes));
    case HEADER_TYPE.BRIDGE:
      return new BridgeHeader(readBridge(bytes));
    default:
      return new OtherHeader(readOther(bytes));
  }
}

/** The 64 bytes of a header: the inverse of {@link decodeHeader}. */
export function encodeHeader(header: Header): Uint8Array {
  switch (header.layout) {
    case 'normal':
      return encodeRegisters(header.registers, NORMAL_LAYOUT, CONFIG_SIZE.header);
    case 'bridge':
      return encodeRegisters(header.registers, BRIDGE_LAYOUT, CONFIG_SIZE.header);
    default:
      return encodeRegisters(header.registers, OTHER_LAYOUT, CONFIG_SIZE.header);
  }
}
