import { isBdf, parseBdf, type Bdf } from '@pci-recovery/core';

/** An `ERROR_EVENT=` uevent as it came from the kernel (drivers/pci/pci-driver.c:pci_uevent_ers). */
export interface RecoveryUevent {
  readonly sequence: number;
  readonly bdf: Bdf;
  /** `BEGIN_RECOVERY`, `SUCCESSFUL_RECOVERY` or `FAILED_RECOVERY`. */
  readonly event: string;
  /** `DEVICE_ONLINE=`, which says whether it can be used. */
  readonly online?: boolean;
}

/** Of the lines that the guest prints for uevents, those about recovery. */
export function recoveryUevents(lines: readonly string[]): readonly RecoveryUevent[] {
  return lines.flatMap((line) => {
    const [sequence, , , address = '', event = '', online = ''] = line.split('\t');
    if (event === '' || !isBdf(address)) return [];
    return {
      sequence: Number(sequence),
      bdf: parseBdf(address),
      event,
      ...(online !== '' && { online: online === '1' }),
    };
  });
}
