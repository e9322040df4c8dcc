/** One base address register that is there. */
export interface BarDescription {
  /** 0–5. */
  readonly index: number;
  /** Bytes: a power of two, at least 16; 4096 and more can be mapped. */
  readonly size: number;
  /** Default: memory. */
  readonly space?: 'memory' | 'io';
  /** 64-bit memory: the next register is its upper half. */
  readonly wide?: boolean;
  readonly prefetchable?: boolean;
}

/** A function whose configuration space is made up. What is not given is the default of {@link endpointConfig}. */
export interface EndpointDescription {
  readonly vendor?: number;
  readonly device?: number;
  /** 24 bits: base class, sub-class, programming interface. */
  readonly classCode?: number;
  readonly bars?: readonly BarDescription[];
  /** Interrupt pin 1–4 (INTA–INTD); 0: none. */
  readonly pin?: number;
  readonly powerManagement?: boolean;
  /** MSI with this many vectors (1–32, a power of two). */
  readonly msi?: number | undefined;
  /** MSI-X: its table lies in a BAR. */
  readonly msix?: { readonly vectors: number; readonly bar: number; readonly offset: number } | undefined;
  /** PCI Express; without it, 256 bytes and no AER. */
  readonly pcie?: boolean;
  /** Function-level reset is supported (Device Capabilities). */
  readonly flr?: boolean;
  readonly aer?: boolean;
}

/** What s390 firmware says about a function. */
export interface ZpciDescription {
  readonly fid: number;
  /** Function handle; bit 31: enabled. */
  readonly fh?: number;
  readonly uid?: number;
  readonly startDma?: bigint;
  readonly endDma?: bigint;
  readonly pchid?: number;
  readonly pft?: number;
  readonly pfgid?: number;
  readonly maxMsi?: number;
  /** Path segments, four bytes. */
  readonly pfip?: readonly number[];
  /** Utility string, 64 bytes of EBCDIC. */
  readonly utilString?: Uint8Array;
  /** Version of the base capability that GET_INFO shows: 3 is Linux 7.3, 2 has no feature 13. */
  readonly baseVersion?: 1 | 2 | 3;
}

/** One PCI function. */
export interface FunctionDescription {
  /** `dddd:bb:dd.f`. */
  readonly bdf: string;
  /** The driver that it is bound to; null: none. Default `vfio-pci`. */
  readonly driver?: string | null;
  /** Whether that driver has error handlers; default: yes. vfio-pci always has. */
  readonly errorHandlers?: boolean;
  /** Configuration space as bytes (64, 256 or 4096) or as a description. */
  readonly config?: Uint8Array | EndpointDescription;
  /** Sizes of the BARs, where `config` is bytes. */
  readonly bars?: readonly BarDescription[];
  /** sysfs `reset_method`, in order. Default: what the capabilities allow. Empty: VFIO_DEVICE_RESET is EINVAL. */
  readonly resetMethods?: readonly string[];
  /** The port above it. Functions with the same port share a link and a bus reset; without one there is no bus reset. */
  readonly port?: string;
  /** Its slot can be reset by itself (hotplug controller, every s390 function). */
  readonly slotReset?: boolean;
  readonly zpci?: ZpciDescription;
}

/** The PE of a PowerPC group. */
export interface PeDescription {
  /** `eeh_pe_config_addr`. */
  readonly address: number;
}

/** One IOMMU group. */
export interface GroupDescription {
  readonly number: number;
  readonly functions: readonly FunctionDescription[];
  /** ppc64: default address 0x1fd. Null: no PE (VFIO_EEH_PE_OP answers ENODEV). */
  readonly pe?: PeDescription | null;
}

/** A root or downstream port. */
export interface PortDescription {
  readonly bdf: string;
  readonly port?: string;
}

/** DMA of the machine. */
export interface IommuDescription {
  /** Addresses that may be used, both ends included. Default: 39 bits without the MSI window of x86. */
  readonly ranges?: readonly { readonly start: bigint; readonly end: bigint }[];
  /** Page sizes, one bit each. Default 0xfffff000. */
  readonly pageSizes?: bigint;
  /** Mappings that a container may have. Default 65535. */
  readonly mappings?: number;
  /** RLIMIT_MEMLOCK in bytes; undefined: no limit. */
  readonly memlock?: number;
  /** SPAPR: the 32-bit window. */
  readonly window?: { readonly start: number; readonly size: number };
}

/** How long calls take, milliseconds of the kernel's clock. Default 0: at once. */
export interface Durations {
  readonly reset?: number;
  readonly hotReset?: number;
  readonly eehReset?: number;
}

/** The machine that a scripted kernel runs on. */
export interface MachineDescription {
  readonly arch: 'x64' | 'ppc64' | 's390x';
  readonly groups: readonly GroupDescription[];
  readonly ports?: readonly PortDescription[];
  /** Default by `arch`: `spapr` on ppc64, else `type1`. `off`: no groups, nothing can be opened. */
  readonly iommu?: 'type1' | 'spapr' | 'off';
  readonly dma?: IommuDescription;
  /** `/dev/vfio/devices` and `/dev/iommu` (CONFIG_VFIO_DEVICE_CDEV). Default: no, as Debian builds its kernels. */
  readonly cdev?: boolean;
  /** `/dev/vfio/vfio` and groups (CONFIG_VFIO_GROUP, CONFIG_VFIO_CONTAINER). Default: yes. */
  readonly groupMode?: boolean;
  /** EEH of ppc64. `off`: stock pseries, extension 0 and every operation ENODEV. Default powernv. */
  readonly eeh?: 'powernv' | 'pseries' | 'off';
  /** Bytes of a page. Default 4096. */
  readonly pageSize?: number;
  readonly durations?: Durations;
}
