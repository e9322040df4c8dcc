import {
  type Bdf,
  type ChannelState,
  type Clock,
  type DeviceRef,
  type ErrorEvent,
  type Operation,
  type OperationResult,
  type PerformContext,
  type RecoveryPlatform,
  type RecoveryScope,
  type Stoppable,
} from '@pci-recovery/core';
import { ghesProcedure } from './procedure.js';
import { decodeRecord, type GhesRecord } from './record.js';

/** What the platform needs of the machine: the port that a simulated machine and a real one both have. */
export interface GhesPort {
  /** Slots, each with its functions in the order in which they are walked. */
  readonly slots: readonly (readonly DeviceRef[])[];
  /** The next record of firmware's ring; undefined: `signal` has aborted. */
  nextRecord(signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Has firmware reset a slot; false: it could not. */
  resetSlot(functions: readonly Bdf[]): Promise<boolean>;
  /** Has firmware open the register windows of a slot; false: it could not. */
  openAccess(functions: readonly Bdf[]): boolean;
}

const MOST_PER_HOUR = 3;
const HOUR_NS = 3_600e9;

/** ARM firmware-first, in small: firmware owns the hardware and reports errors as records. */
export class GhesPlatform implements RecoveryPlatform {
  readonly name = 'ghes';
  readonly procedure = ghesProcedure;
  readonly capabilities = {
    reset: true,
    survey: { absent: 'Firmware reports each error once, and cannot be asked.' },
  } as const;
  readonly #port: GhesPort;
  readonly #clock: Clock;
  readonly #channels = new Map<Bdf, ChannelState>();
  /** Scope id → when its hour began, and the recoveries since. */
  readonly #counts = new Map<string, { since: number; count: number }>();
  #sequence = 0;

  constructor(port: GhesPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  async *events({ signal }: Stoppable): AsyncIterable<ErrorEvent<GhesRecord>> {
    for (;;) {
      const raw = await this.#port.nextRecord(signal);
      if (!raw) return;
      yield this.#event(raw);
    }
  }

  survey(): Promise<readonly ErrorEvent[]> {
    return Promise.resolve([]);
  }

  scopeOf({ device }: ErrorEvent): RecoveryScope {
    const index = this.#port.slots.findIndex((slot) => slot.some(({ bdf }) => bdf === device.bdf));
    const members = (this.#port.slots[index] ?? []).map(({ bdf, generation }) => ({
      bdf,
      generation,
      bridge: false,
      channel: this.#channels.get(bdf) ?? 'normal',
      driver: false,
      handles: new Set<never>(),
    }));
    return { id: index < 0 ? `none/${device.bdf}` : `slot/${index}`, members, capabilities: this.capabilities };
  }

  async perform({ name }: Operation, { scope }: PerformContext): Promise<OperationResult> {
    const functions = scope.members.map(({ bdf }) => bdf);
    const failed = { ok: false, why: 'failed' } as const;
    switch (name) {
      case 'admit':
        return this.#admits(scope.id) ? { ok: true } : { ok: false, why: 'refused' };
      case 'open_access':
        return this.#port.openAccess(functions) ? { ok: true } : failed;
      case 'reset':
        return (await this.#port.resetSlot(functions)) ? { ok: true } : failed;
      default:
        return { ok: false, why: 'unsupported', detail: `There is no operation "${name}".` };
    }
  }

  /** The channel state of a function is what it was last told. */
  beforeCallback({ bdf }: DeviceRef, _: unknown, channel: ChannelState): void {
    this.#channels.set(bdf, channel);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #admits(id: string): boolean {
    const now = this.#clock.monotonic();
    const known = this.#counts.get(id);
    const counted = known && now - known.since < HOUR_NS ? known : { since: now, count: 0 };
    counted.count++;
    this.#counts.set(id, counted);
    return counted.count <= MOST_PER_HOUR;
  }

  #event(raw: Uint8Array): ErrorEvent<GhesRecord> {
    const { severity, record } = decodeRecord(raw);
    const device = this.#port.slots.flat().find(({ bdf }) => bdf === record.source);
    return {
      platform: this.name,
      sequence: this.#sequence++,
      monotonic: this.#clock.monotonic(),
      wall: this.#clock.wall(),
      // Nobody is there who could be recovered: it is only recorded.
      severity: device ? severity : 'informative',
      device: device ?? this.#port.slots[0]![0]!,
      record,
      raw,
    };
  }
}
