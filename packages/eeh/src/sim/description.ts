import { type Clock } from '@pci-recovery/core';
import { type LogOptions } from './witness.js';

/** What all functions have in common. */
interface FunctionDescription {
  /** `[dddd:]bb:dd.f`; the domain is the host bridge's. */
  readonly bdf: string;
  /** Name of the bound driver. */
  readonly driver?: string;
  /** 16 bits each. Defaults: 0x1014, 0x0001. */
  readonly vendorId?: number;
  readonly deviceId?: number;
  /**
   * Number of its PE (PowerNV), or its configuration address (pSeries). Default: one PE per bus, one per virtual function.
   */
  readonly pe?: number;
  /** Milliseconds from the end of a reset until it answers. Default: 0. */
  readonly readyAfterMs?: number;
}

/** A virtual function (SR-IOV): in a PE of its own, reset by itself only (R4.9). */
export interface VirtualFunctionDescription extends FunctionDescription {
  /** Function level reset. Default: true. */
  readonly flr?: boolean;
}

export interface EndpointDescription extends VirtualFunctionDescription {
  readonly kind: 'endpoint';
  /** Its driver wants a fundamental reset (R4.4). Default: false. */
  readonly needsFundamentalReset?: boolean;
  /** It sits in a slot whose occupancy can be seen. Default: false. */
  readonly hotplugSlot?: boolean;
  /** Firmware knows it, software does not (pSeries): a function without device. Default: false. */
  readonly unprobed?: boolean;
  readonly virtualFunctions?: readonly VirtualFunctionDescription[];
}

/** A root port, or a port of a switch. Its secondary bus is that of what is below; default: the next higher bus. */
export interface PortDescription extends FunctionDescription {
  readonly kind: 'root_port' | 'upstream_port' | 'downstream_port';
  /** Firmware resets the bus below it. Default: false. */
  readonly resetByFirmware?: boolean;
  readonly below?: readonly (PortDescription | EndpointDescription)[];
}

export interface HostBridgeDescription {
  /** Its PCI domain, 0–0xffff. */
  readonly phb: number;
  /** Default: `phb4`. */
  readonly model?: 'p7ioc' | 'phb3' | 'phb4';
  /** What is on its root bus, which is the lowest bus among them. */
  readonly below: readonly (PortDescription | EndpointDescription)[];
}

/** A machine with EEH. */
export interface EehMachineDescription {
  readonly clock: Clock;
  /** Default: `opal` (PowerNV). */
  readonly firmware?: 'opal' | 'rtas';
  readonly hostBridges: readonly HostBridgeDescription[];
  readonly log?: LogOptions;
  /** Milliseconds that firmware takes for a hot, a fundamental, and a complete reset. Defaults: 300, 1000, 1500. */
  readonly resetMs?: { readonly hot?: number; readonly fundamental?: number; readonly complete?: number };
}
