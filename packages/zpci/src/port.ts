import { type Bdf, type Stoppable } from '@pci-recovery/core';

/**
 * Something that the platform has to say: its content code (1: an error, 2: an availability) and the record as it came.
 *
 * Source: Linux drivers/s390/cio/chsc.c:chsc_process_sei_nt2.
 */
export interface ZpciNotification {
  readonly contentCode: number;
  readonly ccdf: Uint8Array;
}

/** Content codes of {@link ZpciNotification}. */
export const CONTENT_CODE = { ERROR: 1, AVAILABILITY: 2 } as const;

/** One entry of CLP List PCI. */
export interface ListedFunction {
  readonly fid: number;
  readonly fh: number;
  /** 16 bits; 0: the entry does not count. */
  readonly vendor: number;
  /** Configured, not standby. A reserved function is not listed at all. */
  readonly configured: boolean;
}

/** What CLP Query PCI Function tells of a function, as far as recovery needs it. */
export interface FunctionProperties {
  readonly fid: number;
  /** Where Linux puts it: the domain is its UID, the bus 0, device and function are from its RID. */
  readonly bdf: Bdf;
  /** Register accesses go through memory mappings, which have to be enabled too. */
  readonly mio: boolean;
}

/** Answer of a CLP command. `response`: 0x0010 is success; 0x0108: busy, try again. */
export interface ClpAnswer {
  readonly response: number;
}

/** Answer of a PCI instruction. `cc`: condition code, 0 is success, 2 busy, 3 an invalid handle; `status`: of cc 1. */
export interface InstructionAnswer {
  readonly cc: number;
  readonly status: number;
}

/** What CLP Set PCI Function does. */
export type SetControl = 'enable' | 'disable' | 'enable_mio';

/** What Modify PCI Function Controls does. */
export type ModifyControl = 'register_interrupts' | 'register_translation' | 'reset_error' | 'reset_block';

/** Width of a configuration access in bytes. */
export type ConfigWidth = 1 | 2 | 4;

/** Configuration space of functions, by address. */
export interface ConfigAccess {
  /** Little-endian register read at a byte offset 0–4095. All ones when nobody answers. Never throws. */
  readConfig(bdf: Bdf, offset: number, width: ConfigWidth): number;
  /** Register write; lost when nobody answers. Never throws. */
  writeConfig(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void;
}

/**
 * What the zPCI platform needs of the machine in host mode: firmware, as its instructions are. Calls answer at once and
 * never throw; waiting for a busy function is up to the caller.
 */
export interface ZpciHostPort extends ConfigAccess {
  /** Errors and availability events, in order. One consumer. */
  notifications(options: Stoppable): AsyncIterable<ZpciNotification>;
  /** CLP List PCI. */
  list(): ClpAnswer & { readonly functions: readonly ListedFunction[] };
  /** CLP Query PCI Function. */
  query(fh: number): ClpAnswer & { readonly properties?: FunctionProperties };
  /** CLP Set PCI Function. `fh`: the handle from now on. */
  set(fh: number, control: SetControl): ClpAnswer & { readonly fh: number };
  /** Modify PCI Function Controls. */
  modify(fh: number, control: ModifyControl): InstructionAnswer;
  /** Store PCI Function Controls: the bits of `FUNCTION_CONTROLS`. */
  controls(fh: number): InstructionAnswer & { readonly controls: number };
  /** SCLP Deconfigure I/O Adapter; whether it succeeded. */
  deconfigure(fid: number): boolean;
  /** Whether a driver has interrupts in use, which a reset must register again. */
  usesInterrupts(bdf: Bdf): boolean;
  /** Name of the driver that is bound; undefined: none, or unknown. */
  driverOf(bdf: Bdf): string | undefined;
  /** Tells user space what the kernel would (Linux `pci_uevent_ers`); absent: nobody listens. */
  uevent?(bdf: Bdf, event: 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY'): void;
}
