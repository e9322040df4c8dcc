/**
 * The VFIO and iommufd interface of the kernel as codecs: bytes in, typed values out. No descriptor, no call, no clock.
 * Structures are in the host's byte order unless a codec is told another one.
 * @packageDocumentation
 */
export { UAPI } from './abi/constants.js';
export { ABI_SOURCE } from './abi/source.js';
export * from './byte-order.js';
export { type RawCapability, type UnknownCapability } from './capability-chain.js';
export * from './container.js';
export * from './device-feature.js';
export * from './device-info.js';
export * from './dma.js';
export { decodeEbcdic } from './ebcdic.js';
export * from './eeh-pe.js';
export { type Flags, type FlagTable } from './flags.js';
export * from './group.js';
export * from './hot-reset.js';
export * from './ioas.js';
export { attachIommufd, bindIommufd, detachIommufd } from './iommufd.js';
export * from './irq-info.js';
export { type IrqAction, type IrqPlace, irqSet } from './irq-set.js';
export { MOST_REPLY_BYTES, MOST_TRIES, type Query, type Reading } from './query.js';
export * from './region-info.js';
export * from './requests.js';
export * from './reset.js';
export * from './spapr-tce.js';
export * from './struct/layout.js';
export { decodeStruct } from './struct/decode.js';
export { encodeStruct } from './struct/encode.js';
export { type FieldName, sizeOf, type StructName, type StructValues } from './struct/tables.js';
export * from './type1-info.js';
export { CCDF_ERR_LENGTHS, type ZpciBase, type ZpciGroup, type ZpciPfip, type ZpciUtil } from './zpci-capabilities.js';
