import { dmaMap, dmaUnmap } from '../../uapi/dma.js';
import { type Type1Info, type1Info } from '../../uapi/type1-info.js';
import { type KernelFile } from '../kernel-file.js';
import { accepted } from '../../seam/refused-call.js';
import { dmaContext, type DmaRange, type DmaRequest, type DmaSpace, MAP_MEANINGS, wantedIova } from './dma-space.js';

/** Mappings of a container with a type1 IOMMU: x86, arm64, s390 (drivers/vfio/vfio_iommu_type1.c). */
export class Type1Space implements DmaSpace {
  readonly kind = 'type1';
  readonly #container: KernelFile;

  constructor(container: KernelFile) {
    this.#container = container;
  }

  info(): Type1Info {
    return this.#container.ask(type1Info.query());
  }

  /** Changes as groups come and go. On s390 it begins at `startDma` of the function. */
  ranges(): readonly DmaRange[] {
    return this.info().capabilities.flatMap((capability) =>
      capability.kind === 'iova-ranges' ? capability.ranges.map(({ start, end }) => ({ start, last: end })) : [],
    );
  }

  async map(request: DmaRequest): Promise<bigint> {
    const iova = wantedIova(request, this.kind);
    const { address, size, read = true, write = true } = request;
    const argument = dmaMap.encodeRequest({ address, size, iova, read, write });
    const result = await this.#container.ioctlAsync(dmaMap.request, argument);
    accepted(dmaMap.request, result, { ...this.#container.context, ...dmaContext(request) }, MAP_MEANINGS);
    return iova;
  }

  async unmap(iova: bigint, size: bigint): Promise<bigint> {
    const argument = dmaUnmap.encodeRequest({ iova, size });
    const result = await this.#container.ioctlAsync(dmaUnmap.request, argument);
    this.#container.check(dmaUnmap.request, result, { iova: `0x${iova.toString(16)}`, size: String(size) });
    return dmaUnmap.decodeReply(argument, { iova, size });
  }
}
