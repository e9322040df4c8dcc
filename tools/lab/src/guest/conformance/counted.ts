import { type LiveLook } from '@pci-recovery/conformance';
import { type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { decodeFunction } from '@pci-recovery/pci';
import { parseCounters } from '../../evidence/counters.js';

/** Incident of the law → where the kernel counts it. */
const COUNTERS = {
  correctable: ['aer_dev_correctable', 'TOTAL_ERR_COR'],
  nonfatal: ['aer_dev_nonfatal', 'TOTAL_ERR_NONFATAL'],
  fatal: ['aer_dev_fatal', 'TOTAL_ERR_FATAL'],
} as const;

/** What sysfs says of a function: how often the kernel counted each kind of error, and whether its registers show one. */
export async function lookAt(sysfs: SysfsPort, bdf: Bdf): Promise<LiveLook> {
  const counted: Record<string, number> = {};
  for (const [incident, [file, total]] of Object.entries(COUNTERS))
    counted[incident] = parseCounters(file, (await sysfs.read(bdf, file)) ?? '')[total] ?? 0;
  const { aer } = decodeFunction((await sysfs.readBytes(bdf, 'config')) ?? new Uint8Array());
  const registers = aer?.registers;
  const marked =
    registers !== undefined &&
    ((registers.uncorrectableStatus & ~registers.uncorrectableMask) !== 0 ||
      (registers.correctableStatus & ~registers.correctableMask) !== 0);
  return { counted, marked };
}
