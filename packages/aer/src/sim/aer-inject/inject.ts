import { parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { type SentMessage } from '../errors/detect.js';
import { type SimulatedHardware } from '../hardware.js';
import { type AerInjection } from './parse.js';

/** What became of one description. */
export interface Injected {
  readonly line: number;
  readonly bdf: Bdf;
  /** None: masked, not enabled, or nothing described. */
  readonly messages: readonly SentMessage[];
}

/** What the descriptions do not say. */
export interface InjectOptions {
  /** Where errors without an address are injected (aer-inject's `-s`). */
  readonly defaultDevice?: string;
}

const bits = (mask: number): number[] => [...Array(32).keys()].filter((bit) => (mask >>> bit) & 1);

/** Where a description goes: its own address, or the default. */
function targetOf({ bdf, line }: AerInjection, { defaultDevice }: InjectOptions): Bdf {
  if (bdf !== undefined) return bdf;
  if (defaultDevice !== undefined) return parseBdf(defaultDevice);
  throw new PciRecoveryError(
    'ERR_PCI_SIM_NO_TARGET',
    `The error at line ${line} names no device: write PCI_ID there, or give a default device.`,
    { context: { line } },
  );
}

/**
 * Injects described errors, in order. As in the kernel's injector, the bits of one description are one message of each
 * class, and it is fatal when one of them is (Linux 7.3 drivers/pci/pcie/aer_inject.c:aer_inject).
 * @throws PciRecoveryError `ERR_PCI_SIM_NO_TARGET`, `ERR_PCI_SIM_NO_FUNCTION` before anything is injected; those of
 *   `SimulatedHardware.detect`.
 */
export function inject(
  hardware: SimulatedHardware,
  descriptions: readonly AerInjection[],
  options: InjectOptions = {},
): Injected[] {
  const targets = descriptions.map((one) => targetOf(one, options));
  for (const bdf of targets) {
    if (!hardware.topology.get(bdf))
      throw new PciRecoveryError('ERR_PCI_SIM_NO_FUNCTION', `The simulated machine has no function at ${bdf}.`, {
        context: { bdf },
      });
  }
  return descriptions.map((one, n) => {
    const bdf = targets[n]!;
    const { line, uncorrectable, correctable, header } = one;
    if (uncorrectable === 0 && correctable === 0) return { line, bdf, messages: [] };
    const detection = { uncorrectable: bits(uncorrectable), correctable: bits(correctable), header };
    return { line, bdf, messages: hardware.detect(bdf, detection) };
  });
}
