/**
 * VFIO_DEVICE_RESET: resets the function by the best method that it has (drivers/vfio/pci/vfio_pci_core.c:vfio_pci_ioctl_reset). No
 * argument. EAGAIN: the device is locked just now, as right after an error while the host recovers: try again a little later.
 * EINVAL: there is no method. Blocks for as long as the reset takes.
 */
export const deviceReset = { request: 'VFIO_DEVICE_RESET', argument: undefined } as const;
