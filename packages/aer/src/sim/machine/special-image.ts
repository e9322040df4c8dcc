import { bdfParts } from '@pci-recovery/core';
import { EXTENDED_CAPABILITY_ID, SRIOV, SRIOV_CONTROL, SRIOV_LENGTH } from '@pci-recovery/pci';
import { type PlannedFunction } from './plan.js';
import { type RegisterImage } from './register-image.js';

const ASSOCIATION = { BITMAP: 0x04, BUSES: 0x08, LENGTH: 0x0c } as const;

/** SR-IOV with all virtual functions enabled (PCIe r6.1 §9.3.3). */
export function sriovCapability(image: RegisterImage, plan: PlannedFunction): void {
  const at = image.extended(EXTENDED_CAPABILITY_ID.SRIOV, 1, SRIOV_LENGTH);
  const count = plan.virtuals.length;
  for (const register of [SRIOV.INITIAL_VFS, SRIOV.TOTAL_VFS, SRIOV.NUM_VFS]) image.put(at + register, 2, count);
  image.put(at + SRIOV.CONTROL, 2, SRIOV_CONTROL.vfEnable.mask | SRIOV_CONTROL.vfMemorySpaceEnable.mask);
  image.put(at + SRIOV.FIRST_VF_OFFSET, 2, plan.firstVirtualOffset);
  image.put(at + SRIOV.VF_STRIDE, 2, plan.virtualStride);
  image.put(at + SRIOV.VF_DEVICE_ID, 2, plan.deviceId + 1);
  image.put(at + SRIOV.SUPPORTED_PAGE_SIZES, 4, 0x553);
  image.put(at + SRIOV.SYSTEM_PAGE_SIZE, 4, 1);
}

/**
 * Root Complex Event Collector Endpoint Association, version 2: RCiEPs on its own bus as a bitmap of devices, those on
 * other buses as a range (PCIe r6.1 §7.9.10). An empty range runs from 0xff to 0.
 */
export function associationCapability(image: RegisterImage, plan: PlannedFunction): void {
  const at = image.extended(EXTENDED_CAPABILITY_ID.ROOT_COMPLEX_EVENT_COLLECTOR, 2, ASSOCIATION.LENGTH);
  let bitmap = 0;
  let first = 0xff;
  let last = 0;
  for (const { bdf } of plan.collects) {
    const { bus, device } = bdfParts(bdf);
    if (bus === plan.bus) bitmap |= 1 << device;
    else [first, last] = [Math.min(first, bus), Math.max(last, bus)];
  }
  image.put(at + ASSOCIATION.BITMAP, 4, bitmap);
  image.put(at + ASSOCIATION.BUSES, 4, (first << 8) | (last << 16));
}
