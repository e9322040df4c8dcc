import { type ErrorEvent } from '@pci-recovery/core';
import { type CcdfError, type ErrorClass } from './ccdf/index.js';

/** How an error reached us. */
export type ZpciOrigin =
  /** An event of the platform. */
  | 'event'
  /** Read from the holder's queue (VFIO_DEVICE_FEATURE_ZPCI_ERROR). */
  | 'vfio'
  /** The function was found in the error state; there is no record. */
  | 'survey';

/** The fields of a CCDF as plain data: the failing address is `0x` and 16 hexadecimal digits. */
export type PlainCcdf = Readonly<Record<Exclude<keyof CcdfError, 'faddr'>, number>> & { readonly faddr: string };

/** The decoded record of a zPCI error. */
export interface ZpciRecord {
  readonly origin: ZpciOrigin;
  readonly class: ErrorClass;
  /** Function id, 32 bits. */
  readonly fid: number;
  /** Function handle when it happened, 32 bits. */
  readonly fh: number;
  /** What firmware said; absent where it said nothing. */
  readonly ccdf?: PlainCcdf;
}

/** An error as a zPCI platform reports it. */
export type ZpciEvent = ErrorEvent<ZpciRecord>;

/** A CCDF that survives JSON. */
export const plainCcdf = (ccdf: CcdfError): PlainCcdf => ({
  ...ccdf,
  faddr: `0x${ccdf.faddr.toString(16).padStart(16, '0')}`,
});
