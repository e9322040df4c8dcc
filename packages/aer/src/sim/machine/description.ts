import { type Clock } from '@pci-recovery/core';
import { type ImplementedErrors } from '../access/aer-rows.js';
import { type LogOptions } from '../bus-log.js';

/**
 * What happens to a function when it sends ERR_FATAL: it goes on `answering`; it is `frozen`, answering all ones until a
 * reset reaches it; or its link goes down (`link_down`), which takes everything on that link away until the bus above is
 * reset.
 */
export type OnFatal = 'answering' | 'frozen' | 'link_down';

/** What all functions have in common. */
export interface FunctionDescription {
  /** `[dddd:]bb:dd.f`. */
  readonly bdf: string;
  /** 16 bits each. Defaults: 0x1af4, 0x1000. */
  readonly vendorId?: number;
  readonly deviceId?: number;
  /** Name of the bound driver. */
  readonly driver?: string;
  /**
   * Registers of a real function of the same kind, 64–4096 bytes, to start with instead of made-up ones: they say what it
   * has and how it is set up. `configured` and the settings of the capabilities do not apply; bus numbers do.
   */
  readonly registers?: Uint8Array;
  /** Milliseconds from the end of a reset (link up) until configuration space answers. Default: 0. */
  readonly readyAfterMs?: number;
}

/** What PCI Express functions have in common. */
export interface ExpressDescription extends FunctionDescription {
  /** False: no AER capability. */
  readonly aer?: boolean;
  /** The errors that it implements. Default: all. */
  readonly errors?: Partial<ImplementedErrors>;
  /** Role-Based Error Reporting (Device Capabilities bit 15). Default: true. */
  readonly roleBased?: boolean;
  /** Headers that it can record: above 1 it is capable of Multiple Header Recording. Default: 1. At most 32. */
  readonly headerRecords?: number;
  /** The AER capability has a TLP Prefix Log. Default: false. */
  readonly prefixLog?: boolean;
  /** Default: `answering`. */
  readonly onFatal?: OnFatal;
}

/** MSI-X of a function: its table lies in device memory (BAR 0), which every reset clears (R5.1). */
export interface MsixDescription {
  /** 1–2048. */
  readonly vectors: number;
}

/** What endpoints have in common. */
interface EndpointCommon extends ExpressDescription {
  /** Function level reset (Device Capabilities bit 28). Default: true. */
  readonly flr?: boolean;
  /** Default: 8 vectors. False: none. */
  readonly msix?: MsixDescription | false;
  /** BIST capable; a self test clears device memory behind software's back (R5.1). Default: false. */
  readonly bist?: boolean;
}

/** A virtual function of its physical function. The addresses of all have one stride (PCIe r6.1 §9.2.1.2). */
export type VirtualFunctionDescription = Pick<
  EndpointCommon,
  'bdf' | 'driver' | 'readyAfterMs' | 'onFatal' | 'msix' | 'aer' | 'headerRecords'
>;

export interface EndpointDescription extends EndpointCommon {
  readonly kind: 'endpoint' | 'legacy_endpoint';
  readonly virtualFunctions?: readonly VirtualFunctionDescription[];
}

/** Inside the root complex; below an event collector when that shall hear its errors. */
export interface IntegratedEndpointDescription extends EndpointCommon {
  readonly kind: 'rciep';
}

export interface EventCollectorDescription extends ExpressDescription {
  readonly kind: 'rcec';
  /** Function level reset. Default: true. */
  readonly flr?: boolean;
  /** The RCiEPs whose errors it collects. */
  readonly collects?: readonly IntegratedEndpointDescription[];
}

/** A conventional PCI function, behind a bridge: 256 bytes, no error messages. */
export interface ConventionalDescription extends FunctionDescription {
  readonly kind: 'conventional';
}

interface LinkDescription {
  /** Milliseconds from the end of a reset until the link is up. Default: 0. */
  readonly linkUpAfterMs?: number;
  /** Link speed code, 1 (2.5 GT/s) to 6. Default: 4 (16 GT/s). */
  readonly linkSpeed?: number;
}

export interface RootPortDescription extends ExpressDescription, LinkDescription {
  readonly kind: 'root_port';
  readonly below?: readonly (EndpointDescription | UpstreamPortDescription | PciBridgeDescription)[];
  /** Secondary bus number; needed only when nothing is below. */
  readonly secondary?: number;
}

export interface UpstreamPortDescription extends ExpressDescription {
  readonly kind: 'upstream_port';
  readonly below?: readonly (DownstreamPortDescription | EndpointDescription)[];
  readonly secondary?: number;
}

export interface DownstreamPortDescription extends ExpressDescription, LinkDescription {
  readonly kind: 'downstream_port';
  readonly below?: readonly (EndpointDescription | UpstreamPortDescription | PciBridgeDescription)[];
  readonly secondary?: number;
}

export interface PciBridgeDescription extends ExpressDescription {
  readonly kind: 'pcie_to_pci_bridge';
  readonly below?: readonly ConventionalDescription[];
  readonly secondary?: number;
}

/** A bridge of any kind. */
export type BridgeDescription =
  RootPortDescription | UpstreamPortDescription | DownstreamPortDescription | PciBridgeDescription;

/** A function of any kind, with what is below it. */
export type AnyDescription =
  | BridgeDescription
  | EndpointDescription
  | IntegratedEndpointDescription
  | EventCollectorDescription
  | ConventionalDescription;

/** A machine to simulate. */
export interface MachineDescription {
  readonly clock: Clock;
  readonly rootPorts?: readonly RootPortDescription[];
  readonly eventCollectors?: readonly EventCollectorDescription[];
  /** What is on the root bus without a port: RCiEPs that no event collector hears, endpoints, conventional functions. */
  readonly integrated?: readonly (IntegratedEndpointDescription | EndpointDescription | ConventionalDescription)[];
  /**
   * Start as firmware and Linux leave a machine: buses numbered, error reporting and forwarding on, interrupts on,
   * MSI-X vectors set (Linux 7.3 drivers/pci/probe.c:pci_configure_serr, pcie/aer.c:aer_probe). False: bus numbers and
   * nothing else. Default: true.
   */
  readonly configured?: boolean;
  /** Firmware keeps AER to itself (ACPI _OSC) when false. Default: true. */
  readonly nativeAer?: boolean;
  readonly log?: LogOptions;
}
