import { type Bdf, type Stoppable } from '@pci-recovery/core';
import { type PciTopology } from '@pci-recovery/pci/topology';
import { type OpalFirmware } from './firmware/opal.js';
import { type RtasFirmware } from './firmware/rtas.js';
import { type Uevent } from './votes.js';

/** Width of a configuration access in bytes. */
export type ConfigWidth = 1 | 2 | 4;

/** A PCI host bridge. */
export interface HostBridge {
  /** Its PCI domain, which also is its number. */
  readonly phb: number;
  /** 0–255. */
  readonly rootBus: number;
  /** The oldest kind blocks configuration space while frozen: register access is thawed for logs. Default: `phb4`. */
  readonly model?: 'p7ioc' | 'phb3' | 'phb4';
}

/** What the EEH platform needs of the machine in host mode: its functions, configuration space, and firmware. */
export interface EehHostPort {
  readonly hostBridges: readonly HostBridge[];
  /** The functions as software knows them now; a new object after every change. */
  readonly topology: PciTopology;
  /** Functions that firmware's device tree names although software does not know them (pSeries). Default: none. */
  readonly unprobed?: readonly Bdf[];
  /** The generation of the function at an address (0 for the first). */
  generationOf(bdf: Bdf): number;
  readonly firmware: OpalFirmware | RtasFirmware;
  /** PE number by function (PowerNV: `pe_rmap`). Not asked on pSeries, where firmware knows. */
  peNumber(bdf: Bdf): number | undefined;
  /** Little-endian register read at a byte offset 0–4095. All ones when nobody answers. Never throws. */
  readConfig(bdf: Bdf, offset: number, width: ConfigWidth): number;
  /** Register write; lost when nobody answers. Never throws. */
  writeConfig(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void;
  /** Firmware has an error to report (PowerNV): ask it for the next one. One consumer. */
  errorInterrupts(options: Stoppable): AsyncIterable<void>;
  /** Takes a function, with everything below it, out of the system; its driver lets it go. */
  remove(bdf: Bdf): void;
  /** Looks for functions on a bus, and below it, and takes in those that are new. Virtual functions are none of them. */
  rescan(phb: number, bus: number): void;
  /** Brings a virtual function back that was removed. */
  addVirtual(bdf: Bdf): void;
  /** The function wants a fundamental reset instead of a hot one (R4.4). */
  needsFundamentalReset(bdf: Bdf): boolean;
  /** Firmware resets the bus below this bridge itself (device tree `ibm,reset-by-firmware`). */
  resetByFirmware(bridge: Bdf): boolean;
  /** Whether a slot with hotplug holds a card; undefined: nobody can tell. */
  slotOccupied?(bdf: Bdf): boolean | undefined;
  /** The attention indicator of a function's slot. */
  setAttention?(bdf: Bdf, on: boolean): void;
  /** The line interrupt of a function's driver. */
  setInterrupt?(bdf: Bdf, enabled: boolean): void;
  /** Tells user space what the kernel would. */
  uevent?(bdf: Bdf, event: Uevent): void;
}
