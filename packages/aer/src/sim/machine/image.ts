import {
  AER,
  AER_CONTROL,
  AER_LENGTH,
  CAPABILITY_ID,
  CORRECTABLE_MASK_DEFAULT,
  EXTENDED_CAPABILITY_ID,
  MSIX,
  PCI_HEADER,
  PCIE,
  UNCORRECTABLE_SEVERITY_DEFAULT,
} from '@pci-recovery/pci';
import { type ImplementedErrors } from '../access/aer-rows.js';
import { deviceRegisters, linkRegisters, rootRegisters } from './express-image.js';
import { type PlannedFunction } from './plan.js';
import { RegisterImage } from './register-image.js';
import { associationCapability, sriovCapability } from './special-image.js';

const PCIE_AT = 0x40;
const MSIX_AT = 0x80;

/** BAR 0 of endpoints: memory, 32 bits, 64 KiB; MSI-X table and pending bits, as byte offsets in it. */
export const BAR_SIZE = 0x1_0000;
export const TABLE_OFFSET = 0x1000;
export const PENDING_OFFSET = 0xc000;

/** Uncorrectable internal errors are masked by default (PCIe r6.1 §7.8.4.3). */
const UNCORRECTABLE_MASK_DEFAULT = 1 << 22;

/** Conventional PCI: a memory controller nobody knows better; bridges are bridges. */
const CLASS_BRIDGE = 0x0604;
const CLASS_EVENT_COLLECTOR = 0x0807;
const CLASS_ENDPOINT = 0x0108;

/** The registers of a function as they are after power-on, with its bus numbers. */
export function imageOf(plan: PlannedFunction): RegisterImage {
  const image = new RegisterImage();
  header(image, plan);
  if (plan.kind === 'conventional') return image;
  image.put(PCI_HEADER.STATUS, 2, 0x0010);
  express(image, plan);
  if (plan.msixVectors > 0) msix(image, plan.msixVectors);
  if (plan.aer) advancedErrors(image, plan);
  if (plan.virtuals.length > 0) sriovCapability(image, plan);
  if (plan.kind === 'rcec') associationCapability(image, plan);
  return image;
}

function header(image: RegisterImage, plan: PlannedFunction): void {
  // A virtual function's ids are those of its physical function's SR-IOV capability; here it reads all ones (§9.3.4.1).
  image.put(PCI_HEADER.VENDOR_ID, 2, plan.physical ? 0xffff : plan.vendorId);
  image.put(PCI_HEADER.DEVICE_ID, 2, plan.physical ? 0xffff : plan.deviceId);
  const classCode = plan.bridge ? CLASS_BRIDGE : plan.kind === 'rcec' ? CLASS_EVENT_COLLECTOR : CLASS_ENDPOINT;
  image.put(PCI_HEADER.SUB_CLASS, 2, classCode);
  const multi = plan.multiFunction && !plan.physical ? 0x80 : 0;
  image.put(PCI_HEADER.HEADER_TYPE, 1, (plan.bridge ? 1 : 0) | multi);
  if (plan.bist) image.put(PCI_HEADER.BIST, 1, 0x80);
  if (!plan.physical) image.put(PCI_HEADER.INTERRUPT_PIN, 1, 1);
  if (!plan.bridge) return;
  image.put(PCI_HEADER.PRIMARY_BUS, 1, plan.bus);
  image.put(PCI_HEADER.SECONDARY_BUS, 1, plan.secondary);
  image.put(PCI_HEADER.SUBORDINATE_BUS, 1, plan.subordinate);
}

function express(image: RegisterImage, plan: PlannedFunction): void {
  image.capability(PCI_HEADER.CAPABILITIES_POINTER, CAPABILITY_ID.PCIE, PCIE_AT);
  image.put(PCIE_AT + PCIE.FLAGS, 2, 2 | (plan.typeCode << 4));
  deviceRegisters(image, PCIE_AT, plan);
  if (plan.kind !== 'rciep' && plan.kind !== 'rcec') linkRegisters(image, PCIE_AT, plan);
  if (plan.kind === 'root_port' || plan.kind === 'rcec') rootRegisters(image, PCIE_AT);
}

function msix(image: RegisterImage, vectors: number): void {
  image.capability(PCI_HEADER.CAPABILITIES_POINTER, CAPABILITY_ID.MSIX, MSIX_AT);
  image.put(MSIX_AT + MSIX.CONTROL, 2, vectors - 1);
  image.put(MSIX_AT + MSIX.TABLE, 4, TABLE_OFFSET);
  image.put(MSIX_AT + MSIX.PENDING_BIT_ARRAY, 4, PENDING_OFFSET);
}

/** The length is what is implemented, root registers and prefix log included (PCIe r6.1 §7.8.4). */
function advancedErrors(image: RegisterImage, plan: PlannedFunction): void {
  const root = plan.kind === 'root_port' || plan.kind === 'rcec';
  const length = plan.prefixLog ? AER_LENGTH.prefixLog : root ? AER_LENGTH.root : AER_LENGTH.endpoint;
  const at = image.extended(EXTENDED_CAPABILITY_ID.AER, 2, length);
  if (!plan.physical) masks(image, at, plan.errors);
  let control = 0;
  if (plan.headerRecords > 1) control |= AER_CONTROL.multipleHeaderRecordingCapable.mask;
  if (!plan.physical) control |= AER_CONTROL.ecrcGenerationCapable.mask | AER_CONTROL.ecrcCheckCapable.mask;
  image.put(at + AER.CAP_CONTROL, 4, control);
}

function masks(image: RegisterImage, at: number, { uncorrectable, correctable }: ImplementedErrors): void {
  image.put(at + AER.UNCOR_MASK, 4, UNCORRECTABLE_MASK_DEFAULT & uncorrectable);
  image.put(at + AER.UNCOR_SEVERITY, 4, UNCORRECTABLE_SEVERITY_DEFAULT & uncorrectable);
  image.put(at + AER.COR_MASK, 4, CORRECTABLE_MASK_DEFAULT & correctable);
}
