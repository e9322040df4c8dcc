import { PciRecoveryError } from './errors/pci-recovery-error.js';

declare const brand: unique symbol;

/**
 * The address of a PCI function as the kernel prints it: `dddd:bb:dd.f`, lower-case hexadecimal (domain of four to
 * eight digits, bus 00–ff, device 00–1f, function 0–7). Made by {@link parseBdf} or {@link formatBdf} only.
 */
export type Bdf = string & { readonly [brand]: 'Bdf' };

/** The four numbers of an address. */
export interface BdfParts {
  /** PCI domain (segment), 0–0xffffffff; Linux gives VMD domains numbers above 0xffff. */
  readonly domain: number;
  /** 0–255. */
  readonly bus: number;
  /** 0–31. */
  readonly device: number;
  /** 0–7. */
  readonly function: number;
}

/** As it is kept: nothing is to be done to it. */
const CANONICAL = /^(?:[0-9a-f]{4}|[1-9a-f][0-9a-f]{4,7}):[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;

const PATTERN = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/i;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/**
 * Reads `dddd:bb:dd.f` or `bb:dd.f` (domain 0), in either case.
 * @throws PciRecoveryError `ERR_PCI_BAD_BDF` when `text` is not an address.
 */
export function parseBdf(text: string): Bdf {
  if (CANONICAL.test(text)) return text as Bdf;
  const found = PATTERN.exec(text);
  if (!found) {
    throw new PciRecoveryError(
      'ERR_PCI_BAD_BDF',
      `"${text}" is not a PCI address: write [dddd:]bb:dd.f in hexadecimal, for example 0000:01:00.0.`,
      { context: { text } },
    );
  }
  const domain = (found[1] ?? '0000').toLowerCase().replace(/^0+(?=[0-9a-f]{4})/, '');
  return `${domain}:${found[2]!}:${found[3]!}.${found[4]!}`.toLowerCase() as Bdf;
}

/** Whether `text` can be read by {@link parseBdf}. */
export const isBdf = (text: string): boolean => PATTERN.test(text);

/** The numbers of an address. */
export function bdfParts(bdf: Bdf): BdfParts {
  const colon = bdf.lastIndexOf(':');
  return {
    domain: parseInt(bdf, 16),
    bus: parseInt(bdf.slice(colon - 2), 16),
    device: parseInt(bdf.slice(colon + 1), 16),
    function: bdf.charCodeAt(bdf.length - 1) - 48,
  };
}

/**
 * Writes an address.
 * @throws PciRecoveryError `ERR_PCI_BAD_BDF` when a number is out of its range.
 */
export function formatBdf(parts: BdfParts): Bdf {
  const { domain, bus, device, function: fn } = parts;
  const fits = (value: number, most: number): boolean => Number.isInteger(value) && value >= 0 && value <= most;
  if (!fits(domain, 0xffffffff) || !fits(bus, 0xff) || !fits(device, 0x1f) || !fits(fn, 7)) {
    throw new PciRecoveryError(
      'ERR_PCI_BAD_BDF',
      'A PCI address is made of domain, bus 0–255, device 0–31, function 0–7.',
      {
        context: { domain, bus, device, function: fn },
      },
    );
  }
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${fn}` as Bdf;
}

/** The 16-bit requester id (bus 15:8, device 7:3, function 2:0), as error messages carry it. */
export function requesterId(bdf: Bdf): number {
  const { bus, device, function: fn } = bdfParts(bdf);
  return (bus << 8) | (device << 3) | fn;
}

/**
 * The address in `domain` that a 16-bit requester id names.
 * @throws PciRecoveryError `ERR_PCI_BAD_BDF` when `id` has not 16 bits, or `domain` is out of its range.
 */
export function bdfOfRequester(domain: number, id: number): Bdf {
  if (!Number.isInteger(id) || id < 0 || id > 0xffff) {
    throw new PciRecoveryError('ERR_PCI_BAD_BDF', `${id} is not a requester id: it has 16 bits.`, { context: { id } });
  }
  return formatBdf({ domain, bus: (id >> 8) & 0xff, device: (id >> 3) & 0x1f, function: id & 7 });
}

/** Orders addresses by domain, bus, device, function: negative, zero or positive like `Array.sort` wants it. */
export function compareBdf(a: Bdf, b: Bdf): number {
  if (a.length !== b.length) return bdfParts(a).domain - bdfParts(b).domain;
  return a < b ? -1 : a > b ? 1 : 0;
}
