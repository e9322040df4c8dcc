import { ioasIovaRanges, ioasMap, ioasUnmap } from '../../uapi/ioas.js';
import { failedWith } from '../../seam/errno.js';
import { type KernelFile } from '../kernel-file.js';
import { accepted } from '../../seam/refused-call.js';
import { dmaContext, type DmaRange, type DmaRequest, type DmaSpace, MAP_MEANINGS } from './dma-space.js';

/** Ranges that are asked for first. */
const FEW = 8;

/** One address space of an iommufd (drivers/iommu/iommufd/ioas.c). */
export class IoasSpace implements DmaSpace {
  readonly kind = 'iommufd';
  readonly ioas: number;
  readonly #iommufd: KernelFile;

  constructor(iommufd: KernelFile, ioas: number) {
    this.#iommufd = iommufd;
    this.ioas = ioas;
  }

  /** Changes as devices are attached and detached. */
  ranges(): readonly DmaRange[] {
    const { result, read } = this.#ask(FEW);
    if (!failedWith(result, 'EMSGSIZE')) return read();
    return this.#ask(read.count()).read();
  }

  async map(request: DmaRequest): Promise<bigint> {
    const { address, size: length, iova, read = true, write = true } = request;
    const mapping = { ioas: this.ioas, address, length, read, write, ...(iova !== undefined && { iova }) };
    const argument = ioasMap.encodeRequest(mapping);
    const result = await this.#iommufd.ioctlAsync(ioasMap.request, argument);
    accepted(ioasMap.request, result, { ...this.#iommufd.context, ...dmaContext(request) }, MAP_MEANINGS);
    return ioasMap.decodeReply(argument, mapping);
  }

  async unmap(iova: bigint, size: bigint): Promise<bigint> {
    const asked = { ioas: this.ioas, iova, length: size };
    const argument = ioasUnmap.encodeRequest(asked);
    const result = await this.#iommufd.ioctlAsync(ioasUnmap.request, argument);
    this.#iommufd.check(ioasUnmap.request, result, { iova: `0x${iova.toString(16)}`, size: String(size) });
    return ioasUnmap.decodeReply(argument, asked);
  }

  /** The ranges go into memory of ours, to which the request points: it lives until they are read. */
  #ask(room: number) {
    const memory = new Uint8Array(new ArrayBuffer(ioasIovaRanges.bytesFor(room)));
    const address = this.#iommufd.syscalls.addressOf(memory);
    const argument = ioasIovaRanges.encodeRequest(this.ioas, address, room);
    const result = this.#iommufd.ioctl(ioasIovaRanges.request, argument);
    const count = (): number => ioasIovaRanges.decodeReply(argument).count;
    const read = Object.assign(
      (): readonly DmaRange[] => {
        this.#iommufd.check(ioasIovaRanges.request, result, { ioas: this.ioas });
        return ioasIovaRanges.decodeRanges(memory, count());
      },
      { count },
    );
    return { result, read };
  }
}
