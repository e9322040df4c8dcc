import { DmaMemory, nativeSyscalls, type VfioDevice } from '@pci-recovery/vfio';
import { COMMON, FEATURE, NO_VECTOR, STATUS, virtioPlaces, type VirtioPlaces } from './registers.js';
import { Virtqueue } from './virtqueue.js';

const MEMORY_AND_BUS_MASTER = 0x0006;
const COMMAND = 0x04;
const VECTOR = 0;
const MOST_ENTRIES = 8;

/** A random number generator that is driven from user space: a request that it completes shows that a device really works. */
export class VirtioRng implements AsyncDisposable {
  readonly device: VfioDevice;
  readonly #places: VirtioPlaces;
  readonly #memory: DmaMemory;
  readonly #iova: bigint;
  readonly #interrupt: Disposable;
  #queue: Virtqueue;
  #notify = 0;
  #wake: (() => void) | undefined;
  /** Interrupts so far. */
  interrupts = 0;

  private constructor(device: VfioDevice, places: VirtioPlaces, memory: DmaMemory, iova: bigint) {
    this.device = device;
    this.#places = places;
    this.#memory = memory;
    this.#iova = iova;
    this.#queue = new Virtqueue(memory.memory, iova);
    this.#interrupt = device.onInterrupt('msix', VECTOR, (count) => {
      this.interrupts += count;
      this.#wake?.();
    });
  }

  /** Takes a device that is held, and sets it up. `iova`: where it sees its memory; devices of one container need different ones. */
  static async open(device: VfioDevice, iova = 0x10_0000n): Promise<VirtioRng> {
    const places = virtioPlaces(await device.readConfig(0, 256));
    const memory = DmaMemory.allocate(nativeSyscalls(), Virtqueue.SIZE);
    const seen = await device.mapDma({ address: memory.address, size: memory.size, iova });
    const rng = new VirtioRng(device, places, memory, seen);
    await rng.start();
    return rng;
  }

  /** Sets the device up from the beginning: also what a driver does after a reset. */
  async start(): Promise<void> {
    await this.#enable();
    await this.#set(COMMON.DEVICE_STATUS, 1, 0);
    await this.#addStatus(STATUS.ACKNOWLEDGE);
    await this.#addStatus(STATUS.DRIVER);
    await this.#negotiate();
    await this.#addStatus(STATUS.FEATURES_OK);
    if (((await this.#get(COMMON.DEVICE_STATUS, 1)) & STATUS.FEATURES_OK) === 0)
      throw new Error(`${this.device.bdf} does not take the features.`);
    await this.#setUpQueue();
    await this.#addStatus(STATUS.DRIVER_OK);
  }

  /** Random bytes, once the device has written them **and** said so by an interrupt. Rejects when `signal` aborts. */
  async request(signal: AbortSignal, length = 16): Promise<Uint8Array> {
    const before = this.interrupts;
    this.#queue.offer(length);
    await this.#write(this.#places.notify.bar, this.#notify, 2, 0);
    while (this.interrupts === before) await this.#interrupted(before, signal);
    const bytes = this.#queue.take();
    if (!bytes) throw new Error(`${this.device.bdf} raised an interrupt and had written nothing.`);
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#interrupt[Symbol.dispose]();
    await this.device.unmapDma(this.#iova);
    this.#memory[Symbol.dispose]();
  }

  #interrupted(before: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(new Error(`${this.device.bdf} raised no interrupt.`));
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted, { once: true });
      this.#wake = () => {
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      if (this.interrupts !== before) this.#wake();
    });
  }

  async #enable(): Promise<void> {
    const [low = 0, high = 0] = await this.device.readConfig(COMMAND, 2);
    await this.device.writeConfig(COMMAND, Uint8Array.of(low | MEMORY_AND_BUS_MASTER, high));
  }

  async #negotiate(): Promise<void> {
    const wanted = [FEATURE.VERSION_1, FEATURE.ACCESS_PLATFORM].map((bit) => bit - 32);
    await this.#set(COMMON.DEVICE_FEATURE_SELECT, 4, 1);
    const offered = await this.#get(COMMON.DEVICE_FEATURE, 4);
    const taken = wanted.reduce((all, bit) => all | (offered & (1 << bit)), 0);
    await this.#set(COMMON.DRIVER_FEATURE_SELECT, 4, 0);
    await this.#set(COMMON.DRIVER_FEATURE, 4, 0);
    await this.#set(COMMON.DRIVER_FEATURE_SELECT, 4, 1);
    await this.#set(COMMON.DRIVER_FEATURE, 4, taken);
  }

  async #setUpQueue(): Promise<void> {
    this.#queue = new Virtqueue(this.#memory.memory, this.#iova);
    await this.#set(COMMON.QUEUE_SELECT, 2, 0);
    const entries = Math.min(MOST_ENTRIES, await this.#get(COMMON.QUEUE_SIZE, 2));
    await this.#set(COMMON.QUEUE_SIZE, 2, entries);
    this.#queue.entries = entries;
    await this.#set(COMMON.QUEUE_MSIX_VECTOR, 2, VECTOR);
    if ((await this.#get(COMMON.QUEUE_MSIX_VECTOR, 2)) === NO_VECTOR)
      throw new Error(`${this.device.bdf} has no MSI-X vector for its queue.`);
    const registers = [COMMON.QUEUE_DESCRIPTORS, COMMON.QUEUE_DRIVER, COMMON.QUEUE_DEVICE];
    for (const [index, address] of this.#queue.addresses.entries()) {
      await this.#set(registers[index]!, 4, Number(address & 0xffff_ffffn));
      await this.#set(registers[index]! + 4, 4, Number(address >> 32n));
    }
    const { notify, notifyMultiplier } = this.#places;
    this.#notify = notify.offset + notifyMultiplier * (await this.#get(COMMON.QUEUE_NOTIFY_OFFSET, 2));
    await this.#set(COMMON.QUEUE_ENABLE, 2, 1);
  }

  async #addStatus(bits: number): Promise<void> {
    await this.#set(COMMON.DEVICE_STATUS, 1, (await this.#get(COMMON.DEVICE_STATUS, 1)) | bits);
  }

  #set(register: number, width: 1 | 2 | 4, value: number): Promise<void> {
    const { bar, offset } = this.#places.common;
    return this.#write(bar, offset + register, width, value);
  }

  async #get(register: number, width: 1 | 2 | 4): Promise<number> {
    const { bar, offset } = this.#places.common;
    const bytes = await this.device.region(bar).read(offset + register, width);
    return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
  }

  #write(bar: number, offset: number, width: 1 | 2 | 4, value: number): Promise<void> {
    const bytes = Uint8Array.from({ length: width }, (_, index) => (value >>> (8 * index)) & 0xff);
    return this.device.region(bar).write(offset, bytes);
  }
}
