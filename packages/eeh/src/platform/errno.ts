/** Errors of the kernel's EEH functions, as they are returned (negative; the numbers of Linux on PowerPC). */
export const ERRNO = {
  EPERM: -1,
  ENOENT: -2,
  EIO: -5,
  ENXIO: -6,
  EEXIST: -17,
  ENODEV: -19,
  EINVAL: -22,
  ENOTTY: -25,
  ERANGE: -34,
  ENOTRECOVERABLE: -131,
} as const;
