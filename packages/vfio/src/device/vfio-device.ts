import { type Bdf, type Capability, type Clock, systemClock } from '@pci-recovery/core';
import { type HotResetScope, type VfioDevicePort } from '@pci-recovery/core/linux';
import { decodeFunction } from '@pci-recovery/pci';
import { failedWith } from '../seam/errno.js';
import { type OwnedFd } from '../seam/owned-fd.js';
import { type Syscalls } from '../seam/syscalls.js';
import { deviceInfo, type DeviceInfo } from '../uapi/device-info.js';
import { PCI_IRQ } from '../uapi/irq-info.js';
import { PCI_REGION, regionInfo, type RegionInfo } from '../uapi/region-info.js';
import { type ZpciBase } from '../uapi/zpci-capabilities.js';
import { badDma, type DmaRequest, type DmaSpace } from './dma/dma-space.js';
import { DeviceFeatures, takeZpciError, zpciBaseOf } from './features/device-features.js';
import { inOrder } from './in-order.js';
import { DeviceInterrupts, type InterruptKind } from './interrupts/device-interrupts.js';
import { type SignalListener } from './interrupts/event-line.js';
import { SignalLine } from './interrupts/signal-line.js';
import { KernelFile } from './kernel-file.js';
import { unsupported } from './misuse.js';
import { VfioOwnership } from './ownership.js';
import { msixPages, type MsixPlace } from './regions/msix-table.js';
import { RegionAccess } from './regions/region-access.js';
import { type MappedArea, VfioRegion } from './regions/vfio-region.js';
import { DeviceResets } from './reset/device-resets.js';
import { type RetryTimings } from './reset/retry.js';

/** How a device is held: by its group, by its own node, or by a descriptor that came from elsewhere. */
export type HeldBy = 'group' | 'cdev' | 'descriptor';

/** What a device is made of. */
export interface VfioDeviceParts {
  readonly bdf: Bdf;
  /** Taken over. */
  readonly file: KernelFile;
  readonly heldBy: HeldBy;
  /** What else the program holds. Default: nothing. */
  readonly ownership?: VfioOwnership;
  /** DMA mappings of its container or iommufd; none for a descriptor that came from elsewhere. */
  readonly dma?: DmaSpace;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly retry?: RetryTimings;
  /** Gives back what was held for it (group, container), after its descriptor is closed. */
  readonly release?: () => Promise<void>;
}

/** What {@link VfioDevice.fromDescriptor} needs to know. */
export interface DescriptorOptions {
  readonly bdf: Bdf;
  readonly ownership?: VfioOwnership;
  readonly clock?: Clock;
  readonly retry?: RetryTimings;
  readonly arch?: string;
}

/** A device that is held through VFIO. {@link openVfioDevice} opens one. */
export class VfioDevice implements VfioDevicePort {
  readonly bdf: Bdf;
  readonly heldBy: HeldBy;
  readonly interrupts: DeviceInterrupts;
  readonly resets: DeviceResets;
  readonly features: DeviceFeatures;
  /** For calls that this class does not have. */
  readonly file: KernelFile;
  readonly #config: RegionAccess;
  readonly #error: SignalLine;
  readonly #request: SignalLine;
  readonly #dma: DmaSpace | undefined;
  readonly #mappedDma = new Map<bigint, bigint>();
  readonly #mappings = new Set<Disposable>();
  readonly #held: Disposable;
  readonly #release: () => Promise<void>;
  #closed: Promise<void> | undefined;

  /** @throws PciRecoveryError when the device does not say where its configuration space is; `parts.file` stays open then */
  constructor(parts: VfioDeviceParts) {
    const { bdf, file, heldBy, ownership = new VfioOwnership(), clock = systemClock, retry } = parts;
    this.bdf = bdf;
    this.file = file;
    this.heldBy = heldBy;
    this.#config = new RegionAccess(file, file.ask(regionInfo.query(PCI_REGION.config)), 'configuration space');
    this.interrupts = new DeviceInterrupts(file);
    this.features = new DeviceFeatures(file);
    this.resets = new DeviceResets({ bdf, file, ownership, clock, ...(retry && { timings: retry }) });
    this.#error = new SignalLine(file, { index: PCI_IRQ.err, what: 'ERR' });
    this.#request = new SignalLine(file, { index: PCI_IRQ.req, what: 'REQ' });
    this.#dma = parts.dma;
    this.#release = parts.release ?? (() => Promise.resolve());
    this.#held = ownership.addDevice(bdf);
  }

  /**
   * A device by a descriptor that was received (SCM_RIGHTS) or duplicated from a VMM (`duplicateOf`). It is **one** device
   * with two holders: configuration space, resets and interrupts are the same for both.
   *
   * The first {@link onError} listener **takes the ERR signal from the VMM**: the kernel has room for one eventfd only, and the
   * VMM is not told of errors any more until it registers its own again (which takes it from us). The last listener and
   * the close detach whatever is registered. No group or container comes along: no DMA can be mapped, and a hot reset
   * takes the groups' descriptors too ({@link VfioOwnership.addGroup}). The VMM cannot give the device up and take it
   * again (EBUSY) before this is closed.
   * @param fd taken over, also when this throws
   */
  static fromDescriptor(syscalls: Syscalls, fd: OwnedFd, options: DescriptorOptions): VfioDevice {
    const { arch, ...parts } = options;
    const file = new KernelFile(syscalls, fd, { context: { bdf: options.bdf }, ...(arch !== undefined && { arch }) });
    try {
      return new VfioDevice({ ...parts, file, heldBy: 'descriptor' });
    } catch (error) {
      file.close().catch(() => undefined);
      throw error;
    }
  }

  /** VFIO_DEVICE_GET_INFO, anew: capabilities of s390 change with every reset. */
  info(): DeviceInfo {
    return this.file.ask(deviceInfo.query());
  }

  /** VFIO_DEVICE_GET_REGION_INFO. Asking for the ROM enables memory decode for a moment. */
  regionInfo(index: number): RegionInfo {
    return this.file.ask(regionInfo.query(index));
  }

  /** A region to read, write or map. A size of 0: it is not implemented. */
  region(index: number): VfioRegion {
    return new VfioRegion(this.file, this.regionInfo(index), this.#mappings);
  }

  readConfig(offset: number, length: number): Promise<Uint8Array> {
    return this.#config.read(offset, length);
  }

  writeConfig(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#config.write(offset, bytes);
  }

  /** {@link readConfig} at once: waits, with the whole event loop, while the kernel resets the link. */
  readConfigNow(offset: number, length: number): Uint8Array {
    return this.#config.readNow(offset, length);
  }

  /** {@link writeConfig} at once. */
  writeConfigNow(offset: number, bytes: Uint8Array): void {
    this.#config.writeNow(offset, bytes);
  }

  /**
   * Whether the MSI-X table can be seen (R5.4): pread of it gives all ones and pwrite is dropped
   * (drivers/vfio/pci/vfio_pci_rdwr.c), only a mapping of its BAR shows it.
   */
  async msixTable(): Promise<Capability> {
    const found = await this.#msixPlace();
    return 'absent' in found ? found : found.region.mappable(found.offset, found.length);
  }

  /**
   * Maps the pages with the MSI-X table.
   * @returns the mapping, where the table begins in it, and how many vectors it has (16 bytes each, little-endian)
   * @throws PciRecoveryError `ERR_PCI_UNSUPPORTED`
   */
  async mapMsixTable(): Promise<{ readonly area: MappedArea; readonly start: number; readonly vectors: number }> {
    const found = await this.#msixPlace();
    if ('absent' in found) throw unsupported(found.absent, { bdf: this.bdf });
    const { region, offset, length, start, vectors } = found;
    return { area: region.map({ offset, length }), start, vectors };
  }

  /**
   * Maps memory for DMA; it is unmapped at the latest when this is closed.
   * @returns the DMA address
   * @throws PciRecoveryError see `DmaSpace.map`; `ERR_PCI_UNSUPPORTED` for a descriptor that came from elsewhere
   */
  async mapDma(request: DmaRequest): Promise<bigint> {
    const { dma } = this;
    return this.file.borrow(async () => {
      const iova = await dma.map(request);
      this.#mappedDma.set(iova, request.size);
      return iova;
    });
  }

  /**
   * Unmaps what was mapped at a DMA address.
   * @throws PciRecoveryError `ERR_PCI_BAD_DMA` when this device mapped nothing there
   */
  async unmapDma(iova: bigint): Promise<void> {
    const size = this.#mappedDma.get(iova);
    if (size === undefined) {
      throw badDma(`Nothing was mapped through ${this.bdf} at 0x${iova.toString(16)}.`, { bdf: this.bdf });
    }
    const { dma } = this;
    await this.file.borrow(() => dma.unmap(iova, size));
    this.#mappedDma.delete(iova);
  }

  /** The DMA mappings that it shares with all devices of its IOMMU group. */
  get dma(): DmaSpace {
    this.file.mustBeOpen();
    if (this.#dma) return this.#dma;
    throw unsupported('its descriptor came from elsewhere, without the container: map where that is held', {
      bdf: this.bdf,
    });
  }

  onError(listener: SignalListener): Disposable {
    return this.#error.listen(listener);
  }

  onRequest(listener: () => void): Disposable {
    return this.#request.listen(() => listener());
  }

  /** Lets the kernel signal ERR as if an error had happened, to try a listener out. EINVAL when nobody listens. */
  loopbackError(): void {
    this.file.check('VFIO_DEVICE_SET_IRQS', this.#error.loopback(), { index: 'ERR' });
  }

  /** See `DeviceInterrupts.set`. */
  setInterrupts(kind: InterruptKind, eventfds: readonly (OwnedFd | undefined)[]): void {
    this.interrupts.set(kind, eventfds);
  }

  /** See `DeviceInterrupts.listen`. */
  onInterrupt(kind: InterruptKind, vector: number, listener: SignalListener): Disposable {
    return this.interrupts.listen(kind, vector, listener);
  }

  async rearmInterrupts(): Promise<void> {
    return Promise.resolve(this.interrupts.rearm());
  }

  reset({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    return this.resets.reset(signal);
  }

  hotResetScope(): Promise<HotResetScope> {
    return this.resets.scope();
  }

  hotReset({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    return this.resets.hotReset(signal);
  }

  /** What an s390 function says of itself, its present handle (`fh`) too; undefined for other functions. */
  zpciBase(): ZpciBase | undefined {
    return zpciBaseOf(this.info());
  }

  /**
   * Takes the oldest pending error of an s390 function (R2.3, R2.4): the CCDF record, big-endian; undefined when there is
   * none. A reset does not empty the kernel's queue; it has room for 4, and drops the newest when it is full.
   * @throws PciRecoveryError `ERR_PCI_UNSUPPORTED` for other functions and kernels before 7.3
   */
  zpciErrorRecord(): Uint8Array | undefined {
    const base = this.zpciBase();
    if (base === undefined) throw unsupported('it is no zPCI function', { bdf: this.bdf });
    const { result, record } = takeZpciError(this.file, base);
    if (failedWith(result, 'ENOMSG')) return undefined;
    this.file.check('VFIO_DEVICE_FEATURE', result, { feature: 'ZPCI_ERROR' });
    return record;
  }

  /**
   * Gives everything back, in this order: no new calls; those under way end; interrupts and notifications off; device memory
   * and DMA unmapped; the device closed (the kernel resets it); its group and container. Idempotent.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #close(): Promise<void> {
    return inOrder(
      () => this.file.seal(),
      () => this.#error[Symbol.asyncDispose](),
      () => this.#request[Symbol.asyncDispose](),
      () => this.interrupts[Symbol.asyncDispose](),
      () => inOrder(...[...this.#mappings].map((mapping) => () => mapping[Symbol.dispose]())),
      () => this.#unmapAll(),
      () => this.#held[Symbol.dispose](),
      () => this.file.close(),
      this.#release,
    );
  }

  /** What cannot be unmapped goes with the container. */
  async #unmapAll(): Promise<void> {
    for (const [iova, size] of this.#mappedDma) await this.#dma?.unmap(iova, size).catch(() => undefined);
    this.#mappedDma.clear();
  }

  async #msixPlace(): Promise<MsixPlace | { readonly absent: string }> {
    const space = await this.readConfig(0, 256);
    const msix = decodeFunction(space, { bdf: this.bdf }).msix;
    return msix ? msixPages(msix, this.region(msix.table.bar)) : { absent: `${this.bdf} has no MSI-X` };
  }
}
