import { DEVICE_CONTROL, MSI, PCIE, PCI_HEADER } from '@pci-recovery/pci';
import { UAPI } from '../../uapi/abi/constants.js';
import { viewOf } from '../../uapi/struct/decode.js';
import { Blocked, errno, type Outcome } from '../kernel/outcome.js';
import { type Machine } from '../machine/machine.js';
import { barFlags } from '../machine/endpoint-config.js';
import { type ConfigPermissions, permissionsOf } from './config-permissions.js';
import { type VfioDevice } from './device.js';
import { resetFunction } from './reset-function.js';

const DECODE = 0x3;
const MEMORY = 0x2;
const INTX_DISABLE = 0x400;
const FLR = 0x8000;
/** Max_Payload_Size and Max_Read_Request_Size in Device Control (PCIe r6.1 §7.5.3.4). */
const PAYLOAD = DEVICE_CONTROL.maxPayloadSize.mask;
const READ_REQUEST = DEVICE_CONTROL.maxReadRequestSize.mask;
const FLR_CAPABLE = 0x1000_0000;

interface Chunk {
  readonly at: number;
  readonly length: number;
}

/**
 * Configuration space as VFIO shows it (drivers/vfio/pci/vfio_pci_config.c): accesses are cut into aligned pieces within one
 * capability; bits that are made up never reach the hardware, those that are not wait while the host resets the link.
 */
export class ConfigRegion {
  readonly #device: VfioDevice;
  #vconfig = new Uint8Array();
  #permissions: ConfigPermissions | undefined;
  /** BARs as they were when the device was opened, to be restored after a reset behind VFIO's back. */
  #bars: readonly number[] = [];

  constructor(device: VfioDevice) {
    this.#device = device;
  }

  /** vfio_config_init. */
  open(): void {
    const { subject } = this.#device;
    this.#vconfig = subject.config.slice();
    this.#permissions = permissionsOf(subject, this.#vconfig);
    this.#bars = [0, 1, 2, 3, 4, 5].map((bar) => subject.u32(PCI_HEADER.BASE_ADDRESS_0 + 4 * bar));
    const { powerManagement: pm } = subject.layout;
    if (pm !== undefined) this.#setVirtual16(pm + 2, this.#virtual16(pm + 2) & ~0xf800);
  }

  close(): void {
    this.#permissions = undefined;
  }

  /** Whether user space has memory decoding on: BARs answer EIO otherwise (__vfio_pci_memory_enabled). */
  get memoryEnabled(): boolean {
    const { powerManagement: pm } = this.#device.subject.layout;
    const asleep = pm !== undefined && (this.#device.subject.u16(pm + 4) & 3) === 3;
    return !asleep && (this.#virtual16(PCI_HEADER.COMMAND) & MEMORY) !== 0;
  }

  read(buffer: Uint8Array, offset: number): Outcome {
    const size = this.#vconfig.length;
    if (offset >= size || offset + buffer.byteLength > size) return errno('EFAULT');
    const chunks = this.#chunks(offset, buffer.byteLength);
    const wait = this.#waits(chunks, (chunk) => !this.#isVirtual(chunk));
    if (wait) return wait;
    for (const chunk of chunks) {
      const bytes = this.#readChunk(chunk);
      if (typeof bytes === 'number') return bytes;
      buffer.set(bytes, chunk.at - offset);
    }
    return buffer.byteLength;
  }

  write(machine: Machine, bytes: Uint8Array, offset: number): Outcome {
    const size = this.#vconfig.length;
    if (offset >= size || offset + bytes.byteLength > size) return errno('EFAULT');
    const chunks = this.#chunks(offset, bytes.byteLength);
    const wait = this.#waits(chunks, (chunk) => this.#reachesHardware(chunk));
    if (wait) return wait;
    for (const chunk of chunks) {
      const value = bytes.subarray(chunk.at - offset, chunk.at - offset + chunk.length);
      const result = this.#writeChunk(machine, chunk, value);
      if (result < 0) return result;
    }
    return bytes.byteLength;
  }

  #waits(chunks: readonly Chunk[], touches: (chunk: Chunk) => boolean): Blocked | undefined {
    const { configAccess } = this.#device.subject;
    if (!configAccess.closed || !chunks.some(touches)) return undefined;
    return new Blocked(configAccess, 'the end of a reset, as configuration space is locked');
  }

  #chunks(offset: number, length: number): readonly Chunk[] {
    const { owner } = this.#permissions!;
    const chunks: Chunk[] = [];
    for (let at = offset; at < offset + length;) {
      let room = 1;
      while ((at + room) % 4 !== 0 && owner[at + room] === owner[at]) room++;
      const most = Math.min(room, offset + length - at);
      const width = most >= 4 && at % 4 === 0 ? 4 : most >= 2 && at % 2 === 0 ? 2 : 1;
      chunks.push({ at, length: width });
      at += width;
    }
    return chunks;
  }

  #mask(kind: 'virtual' | 'writable', { at, length }: Chunk): Uint8Array {
    return this.#permissions![kind].subarray(at, at + length);
  }

  #isVirtual(chunk: Chunk): boolean {
    return this.#mask('virtual', chunk).every((bits) => bits === 0xff);
  }

  #reachesHardware(chunk: Chunk): boolean {
    if (chunk.at === PCI_HEADER.COMMAND) return true;
    const virtual = this.#mask('virtual', chunk);
    return this.#mask('writable', chunk).some((bits, i) => (bits & ~virtual[i]!) !== 0);
  }

  /** A function that is gone, or that s390 firmware blocks, answers ENODEV; one in a frozen PE all ones. */
  get #unreachable(): boolean {
    const { silence } = this.#device.subject;
    return silence === 'gone' || silence === 'blocked';
  }

  #readChunk(chunk: Chunk): Uint8Array | number {
    const { at, length } = chunk;
    if (at >= PCI_HEADER.BASE_ADDRESS_0 && at < PCI_HEADER.BASE_ADDRESS_0 + 24) this.#sizeBars();
    if (at < 64 && at >= PCI_HEADER.EXPANSION_ROM && at < PCI_HEADER.EXPANSION_ROM + 4)
      this.#vconfig.fill(0, 0x30, 0x34);
    const made = this.#vconfig.subarray(at, at + length);
    if (this.#isVirtual(chunk)) return made;
    if (this.#unreachable) return errno('ENODEV');
    const virtual = this.#mask('virtual', chunk);
    return this.#device.subject.read(at, length).map((bits, i) => (bits & ~virtual[i]!) | (made[i]! & virtual[i]!));
  }

  #writeChunk(machine: Machine, chunk: Chunk, value: Uint8Array): number {
    const { at } = chunk;
    if (at === PCI_HEADER.COMMAND) {
      if (this.#unreachable) return errno('ENODEV');
      this.#beforeCommand(viewOf(value));
    }
    const request = this.#readRequest;
    const result = this.#store(chunk, value);
    if (result < 0) return result;
    if (at === PCI_HEADER.COMMAND) this.#afterCommand(value);
    this.#capabilityEffects(machine, chunk, value);
    if (this.#readRequest !== request) this.#passReadRequest();
    return 0;
  }

  /** vfio_default_config_write: made-up bits are kept, the others are read, merged and written to the hardware. */
  #store(chunk: Chunk, value: Uint8Array): number {
    const { at, length } = chunk;
    const { subject } = this.#device;
    const virtual = this.#mask('virtual', chunk);
    const writable = this.#mask('writable', chunk);
    const merge = (old: number, i: number, mask: number): number => (old & ~mask) | (value[i]! & mask);
    for (let i = 0; i < length; i++) {
      this.#vconfig[at + i] = merge(this.#vconfig[at + i]!, i, writable[i]! & virtual[i]!);
    }
    if (!writable.some((bits, i) => (bits & ~virtual[i]!) !== 0)) return 0;
    if (this.#unreachable) return errno('ENODEV');
    const old = subject.read(at, length);
    subject.write(
      at,
      old.map((bits, i) => merge(bits, i, writable[i]! & ~virtual[i]!)),
    );
    return 0;
  }

  /**
   * Who switches decoding on that he thinks is on, while the hardware has it off, has been reset behind his back: the real BARs are
   * restored first (vfio_basic_config_write, vfio_need_bar_restore).
   */
  #beforeCommand(value: DataView): void {
    const { subject } = this.#device;
    const wanted = value.byteLength >= 2 ? value.getUint16(0, true) : value.getUint8(0);
    const lost = this.#virtual16(PCI_HEADER.COMMAND) & wanted & ~subject.command & DECODE;
    const moved = this.#bars.some((bar, i) => bar !== 0 && bar !== subject.u32(PCI_HEADER.BASE_ADDRESS_0 + 4 * i));
    if (lost === 0 && !moved) return;
    this.#bars.forEach((bar, i) => subject.poke32(PCI_HEADER.BASE_ADDRESS_0 + 4 * i, bar));
  }

  #afterCommand(value: Uint8Array): void {
    const virtual = this.#virtual16(PCI_HEADER.COMMAND);
    this.#setVirtual16(PCI_HEADER.COMMAND, (virtual & ~DECODE) | (value[0]! & DECODE));
    const { interrupts } = this.#device;
    if (interrupts.active === UAPI.VFIO_PCI_INTX_IRQ_INDEX) interrupts.masked = (virtual & INTX_DISABLE) !== 0;
  }

  #capabilityEffects(machine: Machine, { at, length }: Chunk, value: Uint8Array): void {
    const { subject } = this.#device;
    const { pcie, powerManagement: pm, msi, advancedFeatures: af } = subject.layout;
    const covers = (place: number): boolean => at <= place && place < at + length;
    if (pcie !== undefined && covers(pcie + PCIE.DEVICE_CONTROL + 1)) this.#deviceControl(machine, pcie);
    if (af !== undefined && covers(af + 4)) this.#advancedFeatures(machine, af);
    if (pm !== undefined && at === pm + 4) subject.poke16(pm + 4, (subject.u16(pm + 4) & ~3) | (value[0]! & 3));
    if (msi !== undefined && covers(msi + MSI.CONTROL)) this.#messageControl(msi + MSI.CONTROL);
  }

  /** The FLR bit is made up: it asks for the best reset that there is, where the function can FLR at all, and reads 0. */
  #deviceControl(machine: Machine, pcie: number): void {
    const { subject } = this.#device;
    const at = pcie + PCIE.DEVICE_CONTROL;
    const made = this.#virtual16(at);
    if ((made & FLR) === 0) return;
    this.#setVirtual16(at, made & ~FLR);
    if ((subject.u32(pcie + PCIE.DEVICE_CAPABILITIES) & FLR_CAPABLE) !== 0) this.#tryReset(machine);
  }

  /** Max_Read_Request_Size as its holder has written it, in place. */
  get #readRequest(): number {
    const { pcie } = this.#device.subject.layout;
    return pcie === undefined ? 0 : this.#virtual16(pcie + PCIE.DEVICE_CONTROL) & READ_REQUEST;
  }

  /** It reaches the hardware when it changes, never below the payload size there (vfio_exp_config_write, pcie_set_readrq). */
  #passReadRequest(): void {
    const { subject } = this.#device;
    const at = subject.layout.pcie! + PCIE.DEVICE_CONTROL;
    const control = subject.u16(at);
    const request = Math.max(this.#readRequest, (control & PAYLOAD) << 7);
    if (!subject.silence) subject.poke16(at, (control & ~READ_REQUEST) | request);
  }

  #advancedFeatures(machine: Machine, af: number): void {
    if ((this.#vconfig[af + 4]! & 1) === 0) return;
    this.#vconfig[af + 4]! &= ~1;
    if ((this.#device.subject.config[af + 3]! & 3) === 3) this.#tryReset(machine);
  }

  /** What it answers is not told to who wrote the bit. */
  #tryReset(machine: Machine): void {
    const { subject } = this.#device;
    if (!subject.deviceLock.closed) resetFunction(machine, subject);
  }

  /** MSI is switched on by SET_IRQS only; the number of vectors ends where they were allocated. */
  #messageControl(at: number): void {
    const { subject, interrupts } = this.#device;
    let made = this.#vconfig[at]!;
    if (interrupts.active !== UAPI.VFIO_PCI_MSI_IRQ_INDEX) made &= ~1;
    if ((made & 0x70) >> 4 > interrupts.msiMost) made = (made & ~0x70) | (interrupts.msiMost << 4);
    this.#vconfig[at] = made;
    subject.poke16(at, (subject.u16(at) & 0xff00) | made);
  }

  /** Made-up BARs behave as hardware: address bits below their size read 0 (vfio_bar_fixup). */
  #sizeBars(): void {
    const view = viewOf(this.#vconfig);
    const described = new Map(this.#device.subject.bars.map(({ description: bar }) => [bar.index, bar]));
    for (let index = 0; index < 6; index++) {
      const at = PCI_HEADER.BASE_ADDRESS_0 + 4 * index;
      const bar = described.get(index);
      if (!bar) view.setUint32(at, 0, true);
      else {
        view.setUint32(at, ((view.getUint32(at, true) & ~(bar.size - 1)) | barFlags(bar)) >>> 0, true);
        if (bar.wide) index++;
      }
    }
  }

  #virtual16(at: number): number {
    return viewOf(this.#vconfig).getUint16(at, true);
  }

  #setVirtual16(at: number, value: number): void {
    viewOf(this.#vconfig).setUint16(at, value, true);
  }
}
