import { type DrivenClock } from '@pci-recovery/conformance';
import { type Bdf } from '@pci-recovery/core';
import { type AerTracePort, type SysfsPort, type UeventPort } from '@pci-recovery/core/linux';
import { type VfioDevice } from '@pci-recovery/vfio';

/** A function of the machine. */
export interface LiveFunction {
  /** QEMU's name, by which errors are injected. */
  readonly id: string;
  readonly bdf: Bdf;
}

/** Somebody who makes a function do what it is for. Disposing gives back what it took; the device stays open. */
export interface LiveDriver extends AsyncDisposable {
  /** Sets the function up, from its reset on. */
  setUp(): Promise<void>;
  /** A request that the function completes with an interrupt; false: it did not in time. */
  request(): Promise<boolean>;
}

/** The machine that a live harness works on: its kernel, its functions, and who injects errors. */
export interface LiveMachine {
  readonly clock: DrivenClock;
  /** Layout of the suite → name of a function → which one it is. */
  readonly layouts: Readonly<Record<string, Readonly<Record<string, LiveFunction>>>>;
  /** Incident of the law → the error that is injected for it. */
  readonly errors: Readonly<Record<string, string>>;
  readonly ports: { readonly sysfs: SysfsPort; readonly uevents: UeventPort; readonly trace?: AerTracePort };
  /** Opens a function that vfio-pci has. One machine's devices share what is held. */
  open(bdf: Bdf): Promise<VfioDevice>;
  /** `place`: which of the devices that are driven at the same time, from 0 on. */
  drive(device: VfioDevice, place: number): Promise<LiveDriver>;
  /** Sees to it that vfio-pci has the function, whatever became of it before. */
  bind(bdf: Bdf): Promise<void>;
  /** Takes the function's driver away. */
  unbind(bdf: Bdf): Promise<void>;
  /** Takes the function away. Settles when it is gone: its holder has let it go. */
  remove(bdf: Bdf): Promise<void>;
  /** Settles when everything that the kernel has sent by now has arrived in this program. */
  heard(): Promise<void>;
  /** Lines of the kernel's log since the last call. */
  log(): readonly string[];
  /** @throws when the error could not be injected */
  inject(id: string, error: string): Promise<void>;
  /** Descriptors that this program has open. */
  descriptors(): number;
}
