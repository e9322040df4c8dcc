import { type Evidence } from '../evidence/evidence.js';
import { type Findings } from '../session/report.js';

/** An endpoint below a root port. */
export interface Endpoint {
  /** QEMU's name of the device, by which errors are injected. */
  readonly id: string;
  /**
   * `net`: a network card, with two queues and more. `rng`: a random number generator, small enough to be driven by our own
   * driver. `e1000e`: a network card whose errors reach nobody, but whose driver in the kernel has callbacks. Default: `net`.
   */
  readonly kind?: 'net' | 'rng' | 'e1000e';
  /** More properties of QEMU's device, such as `iommu_platform=on`. */
  readonly options?: string;
}

/** A port, and what is plugged into it: functions of one device; nothing makes it a spare. */
export interface Port {
  readonly id: string;
  readonly endpoints: readonly Endpoint[];
}

/** A switch: its upstream port, and those that lead on. */
export interface Switch {
  readonly upstream: string;
  readonly downstream: readonly Port[];
}

/** A port of the root complex; what is plugged in may be a switch. */
export interface RootPort extends Port {
  readonly switch?: Switch;
}

/** How a scenario wants its machine. */
export interface MachineLayout {
  readonly ports: readonly RootPort[];
  /**
   * Hotplug by the ports' own registers instead of ACPI. Without it a reset of a root port's link fails (-ENOTTY),
   * which makes a recovery fail that is otherwise good. Default true.
   */
  readonly nativeHotplug?: boolean;
  /** More words for the kernel's command line. */
  readonly kernelArguments?: string;
  /** MiB of memory. Default 1024. */
  readonly memory?: number;
}

/** The ends of the sockets to which QEMU connects, and the files that it writes. */
export interface MachineFiles {
  readonly kernel: string;
  readonly initramfs: string;
  readonly monitorSocket: string;
  readonly agentSocket: string;
  readonly consoleLog: string;
}

/** One architecture of the lab: everything that differs between them. */
export interface Machine {
  /** The word on the command line. */
  readonly name: string;
  /** Debian's name of the guest's architecture, and the flavour of its kernel. */
  readonly architecture: string;
  readonly kernelFlavour: string;
  readonly emulator: Emulator;
  /** Modules that guests can load; what they depend on comes with them. */
  readonly modules: readonly string[];
  /** Probes that record the kernel's own order of recovery. */
  readonly probes: readonly Probe[];
  /** Events of the kernel that are recorded besides: `system/name`. */
  readonly traceEvents: readonly string[];
  /** What is checked of every step, whichever scenario it is of. */
  checkStep?(seen: Evidence, findings: Findings): void;
  /** QEMU's arguments. */
  qemuArguments(layout: MachineLayout, files: MachineFiles): readonly string[];
}

/** The emulator of a machine, as a package of the archive. */
export interface Emulator {
  readonly package: string;
  readonly atLeast: string;
  /** Below the package's root. */
  readonly program: string;
  /** Folders of firmware, below the package's root. */
  readonly firmware: readonly string[];
}

/** A kernel function that is traced when it is called, and its arguments (Documentation/trace/kprobetrace.rst). */
export interface Probe {
  readonly function: string;
  /** Name → where it is, in the words of a kprobe event: `+0(dev->dev.kobj.name):string`. */
  readonly fields: Readonly<Record<string, string>>;
  /** Its result is recorded when it returns. */
  readonly result?: 's32' | 'u32' | 's64';
  /** The module that has it, with underscores; it is probed once the module is loaded. */
  readonly module?: string;
}

/** What is a name in {@link Machine.qemuArguments} and in the guest alike: the channel of the agent. */
export const AGENT_CHANNEL = 'pci-recovery.lab';
