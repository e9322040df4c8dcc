import { parseBdf, type Bdf } from '@pci-recovery/core';
import { HANDLE_ENABLED } from '../../firmware-codes.js';
import { type FunctionState } from '../../platform/zpci-function.js';
import { ConfigSpace } from './config-space.js';
import { type DmaAperture, type FunctionDescription } from './description.js';

const GIB = 1n << 30n;

/** Bits 23:16 of every handle: emulated, as QEMU has it. */
const EMULATED = 0x0002_0000;

/** One page that DMA can reach, by its number. */
export const PAGE_SHIFT = 12n;

/** A function of the machine, as it really is. */
export class SimulatedFunction {
  readonly fid: number;
  readonly bdf: Bdf;
  readonly driver: string | undefined;
  readonly interrupts: boolean;
  readonly mio: boolean;
  readonly aperture: DmaAperture;
  readonly vendor: number;
  readonly config: ConfigSpace;
  /** Bits 15:0 of its handle. */
  readonly index: number;
  state: FunctionState;
  enabled: boolean;
  /** Firmware disabled it, but its handle still says enabled (z/VM). */
  silentlyDisabled = false;
  /** Firmware disabled it with an error: enabling it anew is a reset. */
  disabledByError = false;
  /** Bits 30:24 of its handle: changes with every enabling. */
  instance = 0;
  /** It is in the error state: DMA is blocked. */
  error = false;
  /** Register accesses are blocked. */
  blocked = false;
  /** No reset helps. */
  permanent = false;
  translated = false;
  readonly mapped = new Set<bigint>();
  /** The registers of its first base address. */
  readonly memory = new Map<number, number>();

  constructor(description: FunctionDescription, index: number) {
    this.fid = description.fid;
    this.bdf = parseBdf(description.bdf);
    this.driver = description.driver;
    this.interrupts = description.interrupts ?? true;
    this.mio = description.mio ?? false;
    this.aperture = description.aperture ?? { start: 4n * GIB, end: 8n * GIB - 1n };
    this.vendor = description.vendor ?? 0x1af4;
    this.config = new ConfigSpace(this.vendor, description.device ?? 0x1044);
    this.index = index;
    this.state = description.state ?? 'configured';
    this.enabled = description.enabled ?? this.state === 'configured';
    this.translated = this.enabled;
  }

  get fh(): number {
    const enabled = this.enabled || this.silentlyDisabled ? HANDLE_ENABLED : 0;
    return (enabled | ((this.instance & 0x7f) << 24) | EMULATED | this.index) >>> 0;
  }

  /** Register accesses reach it. */
  get answers(): boolean {
    return this.state === 'configured' && this.enabled && !this.blocked;
  }

  /** It can do DMA, where its driver lets it. */
  get reachesMemory(): boolean {
    return this.state === 'configured' && this.enabled && !this.error && this.translated;
  }

  /** Disabling takes away all but what is permanent. */
  loseState(): void {
    this.config.reset();
    this.memory.clear();
    this.translated = false;
    this.disabledByError = false;
    if (this.permanent) return;
    this.error = false;
    this.blocked = false;
  }
}
