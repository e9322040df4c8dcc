import { type AerLinuxPorts } from '@pci-recovery/aer/linux';
import { type Clock } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import {
  AerTrace,
  nativeSyscalls,
  readHostFacts,
  Sysfs,
  SysfsVfioHost,
  UeventMonitor,
  type HostFacts,
  type Syscalls,
  type VfioHost,
} from '@pci-recovery/vfio';

/** What follows the kernel, to be closed again. */
export interface KernelPorts extends AerLinuxPorts, AsyncDisposable {}

/** The Linux host that a command works on. */
export interface LinuxHost {
  /** What sysfs, /dev and /proc show. Needs no addon. */
  facts(): Promise<HostFacts>;
  readonly sysfs: SysfsPort;
  readonly clock: Clock;
  readonly vfio: VfioHost;
  /** @throws PciRecoveryError `ERR_PCI_NATIVE_UNAVAILABLE` */
  syscalls(): Syscalls;
  /** @throws PciRecoveryError `ERR_PCI_NATIVE_UNAVAILABLE` */
  kernel(): KernelPorts;
}

/** This machine, or a recorded tree of one: `sys`, `dev` and `proc` below a root. */
export function linuxHost(root: string, clock: Clock, calls: () => Syscalls = nativeSyscalls): LinuxHost {
  const sys = `${root.replace(/\/+$/, '')}/sys`;
  return {
    facts: () => readHostFacts({ root }),
    sysfs: new Sysfs({ root: sys }),
    clock,
    vfio: new SysfsVfioHost(root),
    syscalls: calls,
    kernel() {
      const uevents = new UeventMonitor(calls());
      const trace = new AerTrace(calls(), { clock, root: `${sys}/kernel/tracing` });
      return {
        sysfs: this.sysfs,
        uevents,
        trace,
        async [Symbol.asyncDispose]() {
          await uevents[Symbol.asyncDispose]();
          await trace[Symbol.asyncDispose]();
        },
      };
    },
  };
}
