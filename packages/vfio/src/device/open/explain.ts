import { type Bdf, isPciRecoveryError, type PciErrorCode, PciRecoveryError } from '@pci-recovery/core';
import { type Obstacle, type ObstacleCode, type Way } from '../../host/diagnosis/obstacle.js';
import { type VfioHost } from './vfio-host.js';

/** What an obstacle is as an error. */
const CODES: Readonly<Record<ObstacleCode, PciErrorCode>> = {
  bridge: 'ERR_PCI_UNSUPPORTED',
  no_iommu_group: 'ERR_PCI_NO_IOMMU',
  group_not_viable: 'ERR_PCI_GROUP_NOT_VIABLE',
  vfio_pci_missing: 'ERR_PCI_NOT_BOUND',
  no_driver: 'ERR_PCI_NOT_BOUND',
  other_driver: 'ERR_PCI_NOT_BOUND',
  container_missing: 'ERR_PCI_NOT_PRESENT',
  container_denied: 'ERR_PCI_PERMISSION',
  group_node_missing: 'ERR_PCI_NOT_PRESENT',
  group_node_denied: 'ERR_PCI_PERMISSION',
  device_node_missing: 'ERR_PCI_NOT_PRESENT',
  device_node_denied: 'ERR_PCI_PERMISSION',
  iommufd_missing: 'ERR_PCI_NOT_PRESENT',
  iommufd_denied: 'ERR_PCI_PERMISSION',
  locked_memory: 'ERR_PCI_LIMIT',
  no_reset: 'ERR_PCI_UNSUPPORTED',
};

/** An obstacle as the error of opening. */
export const obstacleError = (
  bdf: Bdf,
  { code, message, remedy, context }: Obstacle,
  cause?: unknown,
): PciRecoveryError =>
  new PciRecoveryError(CODES[code], `${bdf} cannot be opened: ${message} ${remedy}`, {
    context: { ...context, bdf, obstacle: code },
    ...(cause !== undefined && { cause }),
  });

/** What the machine shows cannot say better: somebody else has it, still has it, or the caller wants it no more. */
const SAID_ALREADY = new Set<PciErrorCode>(['ERR_PCI_BUSY', 'ERR_PCI_DEADLINE', 'ERR_PCI_ABORTED']);

/**
 * Says why a function could not be opened, by what this machine shows: the first thing in the way, with what to change.
 * What the machine does not explain (somebody else has it) stays as the kernel told it.
 */
export async function explain(bdf: Bdf, way: Way, error: unknown, host: VfioHost): Promise<unknown> {
  if (!isPciRecoveryError(error) || SAID_ALREADY.has(error.code)) return error;
  // A diagnosis that fails must not hide what it was to explain.
  const diagnosis = await host.diagnose(bdf).catch(() => undefined);
  const obstacle = diagnosis?.obstacles.find(({ blocks }) => blocks.includes(way));
  return obstacle ? obstacleError(bdf, obstacle, error) : error;
}
