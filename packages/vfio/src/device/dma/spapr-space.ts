import { dmaMap, dmaUnmap } from '../../uapi/dma.js';
import {
  type ProcessMemory,
  spaprEnable,
  spaprInfo,
  spaprRegisterMemory,
  type SpaprTceInfo,
  spaprUnregisterMemory,
  tceCreate,
  tceRemove,
  type TceWindow,
} from '../../uapi/spapr-tce.js';
import { type KernelFile } from '../kernel-file.js';
import { accepted, type Meanings } from '../../seam/refused-call.js';
import { dmaContext, type DmaRange, type DmaRequest, type DmaSpace, MAP_MEANINGS, wantedIova } from './dma-space.js';

const ENABLE_MEANINGS: Meanings = {
  ENOMEM: {
    code: 'ERR_PCI_LIMIT',
    advice: 'the whole DMA window counts as locked memory, and RLIMIT_MEMLOCK is below it: raise it (ulimit -l).',
    context: { limit: 'RLIMIT_MEMLOCK' },
  },
  EPERM: { advice: 'the group has no 32-bit DMA window: use version 2 of the container.' },
};

const keyOf = ({ address, size }: ProcessMemory): string => `${address}+${size}`;

/**
 * Mappings of a SPAPR TCE container: PowerPC (drivers/vfio/vfio_iommu_spapr_tce.c). Version 1 is enabled as a whole before the
 * first mapping; version 2 wants memory to be registered (pinned) before it is mapped, which {@link map} does.
 */
export class SpaprSpace implements DmaSpace {
  readonly kind = 'spapr';
  readonly #container: KernelFile;
  readonly #version: 1 | 2;
  #enabled = false;
  /** Registered memory by the DMA address that it is mapped at (version 2). */
  readonly #mapped = new Map<bigint, ProcessMemory>();
  /** How many mappings use a piece of registered memory: the kernel registers a piece once only (EBUSY). */
  readonly #uses = new Map<string, number>();
  /** What is mapped and unmapped now: one after the other, as a mapping needs its memory registered until it is gone. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(container: KernelFile, version: 1 | 2) {
    this.#container = container;
    this.#version = version;
  }

  info(): SpaprTceInfo {
    const buffer = spaprInfo.encodeRequest();
    this.#container.check(spaprInfo.request, this.#container.ioctl(spaprInfo.request, buffer));
    return spaprInfo.decodeReply(buffer);
  }

  /** The 32-bit window that every group has. */
  ranges(): readonly DmaRange[] {
    const { dma32WindowStart: start, dma32WindowSize: size } = this.info();
    return size === 0 ? [] : [{ start: BigInt(start), last: BigInt(start) + BigInt(size) - 1n }];
  }

  map(request: DmaRequest): Promise<bigint> {
    return this.#inTurn(() => this.#map(request));
  }

  unmap(iova: bigint, size: bigint): Promise<bigint> {
    return this.#inTurn(() => this.#unmap(iova, size));
  }

  /** Makes a DMA window (version 2): the bus address where it begins. */
  createWindow(window: TceWindow): bigint {
    const buffer = tceCreate.encodeRequest(window);
    this.#container.check(tceCreate.request, this.#container.ioctl(tceCreate.request, buffer));
    return tceCreate.decodeReply(buffer, window);
  }

  /** Removes the window that begins at a bus address (version 2). */
  removeWindow(start: bigint): void {
    this.#container.check(tceRemove.request, this.#container.ioctl(tceRemove.request, tceRemove.encodeRequest(start)));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #map(request: DmaRequest): Promise<bigint> {
    const iova = wantedIova(request, this.kind);
    const { address, size, read = true, write = true } = request;
    const argument = dmaMap.encodeRequest({ address, size, iova, read, write });
    if (this.#version === 1) this.#enable();
    else await this.#register(request);
    const result = await this.#container.ioctlAsync(dmaMap.request, argument);
    if (result < 0 && this.#version === 2) await this.#unregister({ address, size });
    accepted(dmaMap.request, result, { ...this.#container.context, ...dmaContext(request) }, MAP_MEANINGS);
    if (this.#version === 2) this.#mapped.set(iova, { address, size });
    return iova;
  }

  async #unmap(iova: bigint, size: bigint): Promise<bigint> {
    const argument = dmaUnmap.encodeRequest({ iova, size });
    const result = await this.#container.ioctlAsync(dmaUnmap.request, argument);
    this.#container.check(dmaUnmap.request, result, { iova: `0x${iova.toString(16)}`, size: String(size) });
    const memory = this.#mapped.get(iova);
    this.#mapped.delete(iova);
    if (memory) await this.#unregister(memory);
    return size;
  }

  #enable(): void {
    if (this.#enabled) return;
    const result = this.#container.ioctl(spaprEnable.request, spaprEnable.argument);
    accepted(spaprEnable.request, result, this.#container.context, ENABLE_MEANINGS);
    this.#enabled = true;
  }

  async #register(request: DmaRequest): Promise<void> {
    const uses = this.#uses.get(keyOf(request)) ?? 0;
    this.#uses.set(keyOf(request), uses + 1);
    if (uses > 0) return;
    const argument = spaprRegisterMemory.encodeRequest(request);
    const result = await this.#container.ioctlAsync(spaprRegisterMemory.request, argument);
    if (result < 0) this.#uses.delete(keyOf(request));
    const context = { ...this.#container.context, ...dmaContext(request) };
    accepted(spaprRegisterMemory.request, result, context, MAP_MEANINGS);
  }

  /** Best effort: what stays registered is given back when the container is closed. */
  async #unregister(memory: ProcessMemory): Promise<void> {
    const left = (this.#uses.get(keyOf(memory)) ?? 1) - 1;
    if (left > 0) return void this.#uses.set(keyOf(memory), left);
    this.#uses.delete(keyOf(memory));
    await this.#container.ioctlAsync(spaprUnregisterMemory.request, spaprUnregisterMemory.encodeRequest(memory));
  }
}
