import { type Bdf, type Clock } from '@pci-recovery/core';
import { type WitnessFact } from '@pci-recovery/conformance';
import { AER } from '@pci-recovery/pci';
import { type Syscalls } from '@pci-recovery/vfio';
import { type PciFunction, type ScriptedKernel } from '@pci-recovery/vfio/testing';
import { requests, type RequestName } from '@pci-recovery/vfio/uapi';

const BUS_MASTER = 0x4;

/** What of a function's registers is watched. */
interface Registers {
  readonly master: boolean;
  readonly uncorrectable: number;
  readonly correctable: number;
}

function registersOf(fn: PciFunction): Registers {
  const aer = fn.layout.aer!;
  return {
    master: fn.silence === undefined && (fn.command & BUS_MASTER) !== 0,
    uncorrectable: fn.u32(aer + AER.UNCOR_STATUS),
    correctable: fn.u32(aer + AER.COR_STATUS),
  };
}

/** Requests that reset something. */
const RESETS: ReadonlyMap<number, RequestName> = new Map(
  (['VFIO_DEVICE_RESET', 'VFIO_DEVICE_PCI_HOT_RESET'] as const).map((name) => [requests()[name], name]),
);

type Together = 'dma_enabled' | 'status_cleared';

/**
 * Looks at the registers of the hardware after everything that can change them, and at the resets that really happen. It depends
 * on nothing that platform or engine say.
 */
export class AerOwnerWitness {
  readonly #kernel: ScriptedKernel;
  readonly #clock: Clock;
  readonly #seen = new Map<Bdf, Registers>();
  readonly #facts: WitnessFact[] = [];
  /** What happened to several functions, one right after the other: one fact. */
  #together: { readonly kind: Together; readonly functions: Bdf[]; readonly time: number } | undefined;

  /** From now on it looks at these functions. */
  constructor(kernel: ScriptedKernel, clock: Clock, functions: readonly Bdf[]) {
    this.#kernel = kernel;
    this.#clock = clock;
    for (const bdf of functions) this.#seen.set(bdf, registersOf(kernel.hardware(bdf)));
  }

  facts(): readonly WitnessFact[] {
    this.look();
    this.#tell();
    return this.#facts;
  }

  /** Something may have changed. */
  look(): void {
    for (const [bdf, before] of this.#seen) {
      const now = registersOf(this.#kernel.hardware(bdf));
      this.#seen.set(bdf, now);
      if (now.master && !before.master) this.#note('dma_enabled', bdf);
      const cleared = (before.uncorrectable & ~now.uncorrectable) | (before.correctable & ~now.correctable);
      if (cleared !== 0) this.#note('status_cleared', bdf);
    }
  }

  /** A `link` reset is the host's own. */
  resetBegins(functions: readonly Bdf[], how: 'link' | 'hot' | 'function'): void {
    this.#tell();
    const byMachine = how === 'link' && ({ byMachine: true } as const);
    this.#facts.push({ time: this.#clock.monotonic(), functions, kind: 'reset_begin', how, ...byMachine });
  }

  resetEnds(functions: readonly Bdf[], ok: boolean): void {
    this.look();
    this.#tell();
    this.#facts.push({ time: this.#clock.monotonic(), functions, kind: 'reset_end', ok });
  }

  /**
   * A program's calls, with a look after each. `scopeOf`: whose descriptor it is, and whom a reset by that request touches.
   */
  watching(syscalls: Syscalls, scopeOf: (fd: number, request: RequestName) => readonly Bdf[]): Syscalls {
    const around = (name: string, args: readonly unknown[], call: () => unknown): unknown => {
      const [fd, number] = args as [number, number];
      const request = name === 'ioctlAsync' ? RESETS.get(number) : undefined;
      if (request) return this.#reset(scopeOf(fd, request), request, call as () => Promise<number>);
      const result = call();
      if (!(result instanceof Promise)) return (this.look(), result);
      return result.then((value: unknown) => (this.look(), value));
    };
    return new Proxy(syscalls, {
      get(of, name) {
        const value = Reflect.get(of, name, of) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => around(String(name), args, () => Reflect.apply(value, of, args) as unknown);
      },
    });
  }

  /** While somebody else has the lock of a device the kernel answers EAGAIN, and nothing happens. */
  async #reset(functions: readonly Bdf[], request: RequestName, call: () => Promise<number>): Promise<number> {
    if (functions.some((bdf) => this.#kernel.hardware(bdf).deviceLock.closed)) return call();
    this.resetBegins(functions, request === 'VFIO_DEVICE_RESET' ? 'function' : 'hot');
    const result = await call();
    this.resetEnds(functions, result === 0);
    return result;
  }

  #note(kind: Together, bdf: Bdf): void {
    if (this.#together?.kind !== kind || this.#together.functions.includes(bdf)) this.#tell();
    this.#together ??= { kind, functions: [], time: this.#clock.monotonic() };
    this.#together.functions.push(bdf);
  }

  #tell(): void {
    const together = this.#together;
    this.#together = undefined;
    if (together) this.#facts.push(together);
  }
}
