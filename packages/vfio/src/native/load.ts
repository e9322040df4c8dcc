import { PciRecoveryError, type Capability } from '@pci-recovery/core';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Syscalls } from '../seam/syscalls.js';
import { syscallsOf, type NativeBinding } from './binding.js';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Finds the addon and loads it; throws when there is none that fits. */
export type NativeLoader = () => NativeBinding;

/** `build/Release`, then `prebuilds/<platform>-<arch>`, as node-gyp-build looks for it. */
const fromPackage: NativeLoader = () => {
  const load = createRequire(import.meta.url)('node-gyp-build') as (folder: string) => NativeBinding;
  return load(PACKAGE);
};

/** What was thrown, as words. Errors of another realm are no `instanceof Error`. */
const reason = (thrown: unknown): string => String((thrown as { message?: unknown } | null)?.message ?? thrown).trim();

function unavailable(cause: unknown): PciRecoveryError {
  const host = `${process.platform} ${process.arch}`;
  const remedy =
    process.platform === 'linux'
      ? 'build it with "npm rebuild @pci-recovery/vfio" (needs a C compiler, make, python3 and the headers of node)'
      : 'it exists for Linux only';
  const message = `The native addon of @pci-recovery/vfio cannot be loaded on ${host}: ${remedy}. ${reason(cause)}`;
  return new PciRecoveryError('ERR_PCI_NATIVE_UNAVAILABLE', message, {
    context: { platform: process.platform, arch: process.arch },
    cause,
  });
}

/**
 * Loads the addon anew.
 * @throws PciRecoveryError `ERR_PCI_NATIVE_UNAVAILABLE` with the reason as its cause
 */
export function loadNative(load: NativeLoader = fromPackage): Syscalls {
  try {
    return syscallsOf(load());
  } catch (cause) {
    throw unavailable(cause);
  }
}

let loaded: Syscalls | undefined;

/**
 * The Linux kernel. The addon is loaded on the first call: importing this package never needs it.
 * @throws PciRecoveryError `ERR_PCI_NATIVE_UNAVAILABLE`: says why, and how to build it
 */
export function nativeSyscalls(): Syscalls {
  loaded ??= loadNative();
  return loaded;
}

/** Whether {@link nativeSyscalls} works here; else why not. */
export function nativeAvailability(): Capability {
  try {
    nativeSyscalls();
    return true;
  } catch (error) {
    return { absent: reason(error) };
  }
}
