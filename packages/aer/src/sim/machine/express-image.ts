import { DEVICE_CAPABILITIES, LINK_CAPABILITIES, LINK_STATUS, PCIE, ROOT_CAPABILITIES } from '@pci-recovery/pci';
import { DEVICE_CONTROL_DEFAULT } from '../access/pcie-rows.js';
import { type PlannedFunction } from './plan.js';
import { type RegisterImage } from './register-image.js';

const LINK_WIDTH = 4;
/** 256 bytes. */
const MAX_PAYLOAD = 1;

/** Device capabilities and control of the PCI Express capability at byte `at`. */
export function deviceRegisters(image: RegisterImage, at: number, plan: PlannedFunction): void {
  let capabilities = MAX_PAYLOAD;
  if (plan.roleBased) capabilities |= DEVICE_CAPABILITIES.roleBasedErrorReporting.mask;
  if (plan.flr) capabilities |= DEVICE_CAPABILITIES.functionLevelReset.mask;
  image.put(at + PCIE.DEVICE_CAPABILITIES, 4, capabilities);
  if (!plan.physical) image.put(at + PCIE.DEVICE_CONTROL, 2, DEVICE_CONTROL_DEFAULT);
}

/** Link capabilities and status; a downstream port reports whether its link is active. */
export function linkRegisters(image: RegisterImage, at: number, plan: PlannedFunction): void {
  const downstream = plan.kind === 'root_port' || plan.kind === 'downstream_port';
  const rate = plan.linkSpeed | (LINK_WIDTH << LINK_CAPABILITIES.maxLinkWidth.shift);
  const reporting = LINK_CAPABILITIES.linkActiveReporting.mask | LINK_CAPABILITIES.surpriseDownReporting.mask;
  image.put(at + PCIE.LINK_CAPABILITIES, 4, rate | (downstream ? reporting : 0));
  const active = downstream && plan.children.length > 0 ? LINK_STATUS.dataLinkLayerActive.mask : 0;
  image.put(at + PCIE.LINK_STATUS, 2, rate | active);
  image.put(at + PCIE.LINK_CAPABILITIES_2, 4, ((1 << plan.linkSpeed) - 1) << 1);
  image.put(at + PCIE.LINK_CONTROL_2, 2, plan.linkSpeed);
}

/** Root capabilities: RRS software visibility. */
export function rootRegisters(image: RegisterImage, at: number): void {
  image.put(at + PCIE.ROOT_CAPABILITIES, 2, ROOT_CAPABILITIES.rrsVisibility.mask);
}
