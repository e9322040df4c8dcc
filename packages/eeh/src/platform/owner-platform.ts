import {
  EventQueue,
  EventStream,
  wait,
  type Bdf,
  type Capability,
  type ChannelState,
  type Clock,
  type ErrorEvent,
  type Operation,
  type OperationResult,
  type PerformContext,
  type RecoveryPlatform,
  type RecoveryScope,
  type Stoppable,
} from '@pci-recovery/core';
import { type EehOwnerPort, type OwnedPe } from '../owner-port.js';
import { eehOwnerProcedure } from '../procedure/owner.js';
import { type EehEvent, type EehRecord } from '../record.js';
import { VFIO_EEH_PE, VFIO_EEH_PE_STATE } from '../vfio.js';

/** What can be set differently. */
export interface EehOwnerOptions {
  /** Default: `eeh-owner`. */
  readonly name?: string;
  /** Milliseconds between two questions for the state of every PE. Default: 1000. */
  readonly pollMs?: number;
  /** Milliseconds for which a PE may be unavailable, because the host recovers what is above it. Default: 300,000. */
  readonly availableMs?: number;
}

const DONE: OperationResult = { ok: true };

/**
 * EEH for the holder of VFIO functions. VFIO signals nothing on PowerPC, so the state of every PE is asked again and again.
 * The question is harmless here: it marks a frozen PE as isolated at the host, which leaves a PE that is passed through to its
 * owner anyhow.
 */
export class EehOwnerPlatform implements RecoveryPlatform {
  readonly name: string;
  readonly procedure = eehOwnerProcedure;
  readonly capabilities: Readonly<Record<string, Capability>> = { pe_reset: true };
  readonly #port: EehOwnerPort;
  readonly #clock: Clock;
  readonly #pollMs: number;
  readonly #availableMs: number;
  readonly #queue = new EventQueue<EehEvent>();
  /** PEs whose freeze was reported and not yet ended, by name; lost ones stay while they are held. */
  readonly #reported = new Set<string>();
  readonly #channels = new Map<string, ChannelState>();
  #sequence = 0;

  constructor(port: EehOwnerPort, clock: Clock, options: EehOwnerOptions = {}) {
    this.name = options.name ?? 'eeh-owner';
    this.#port = port;
    this.#clock = clock;
    this.#pollMs = options.pollMs ?? 1000;
    this.#availableMs = options.availableMs ?? 300_000;
  }

  events({ signal }: Stoppable): AsyncIterable<EehEvent> {
    return new EventStream(this.#queue, signal, (until) => this.#poll(until));
  }

  async survey({ signal }: Stoppable): Promise<readonly EehEvent[]> {
    const found: EehEvent[] = [];
    for (const pe of this.#held()) {
      const event = signal.aborted ? undefined : await this.#ask(pe, 'survey');
      if (event) found.push(event);
    }
    return found;
  }

  /** Asks for one function's PE at once: when a read gave all ones. True: it is frozen, known or just found. */
  async check(bdf: Bdf): Promise<boolean> {
    const pe = this.#held().find(({ functions }) => functions.includes(bdf));
    if (!pe) return false;
    const event = await this.#ask(pe, 'read');
    if (event) this.#queue.push(event);
    return this.#reported.has(pe.name);
  }

  scopeOf(event: ErrorEvent): RecoveryScope {
    const { name } = event.record as EehRecord;
    const pe = this.#port.owned.find((one) => one.name === name);
    const members = (pe?.functions ?? []).map((bdf) => ({
      bdf,
      generation: 0,
      bridge: false,
      channel: this.#channels.get(name) ?? 'normal',
      driver: false,
      handles: new Set<never>(),
    }));
    return { id: name, members, capabilities: { pe_reset: pe?.resetAllowed ?? true } };
  }

  async perform(operation: Operation, { scope, signal }: PerformContext): Promise<OperationResult> {
    const pe = this.#port.owned.find(({ name }) => name === scope.id);
    if (!pe) return { ok: false, why: 'gone', detail: `${scope.id} is no longer held.` };
    switch (operation.name) {
      case 'await_available':
        return this.#available(pe, signal);
      case 'unfreeze_io':
        return this.#done(pe, VFIO_EEH_PE.UNFREEZE_IO);
      case 'unfreeze_dma':
        return this.#thenWorks(pe, signal, await this.#done(pe, VFIO_EEH_PE.UNFREEZE_DMA));
      case 'reset_pe':
        return this.#thenWorks(pe, signal, await this.#reset(pe));
      case 'finish':
        this.#reported.delete(pe.name);
        return DONE;
      default:
        return { ok: false, why: 'unsupported', detail: `An owner has no operation "${operation.name}".` };
    }
  }

  beforeCallback(device: { readonly bdf: Bdf }, _: unknown, channel: ChannelState): void {
    const pe = this.#port.owned.find(({ functions }) => functions.includes(device.bdf));
    if (pe) this.#channels.set(pe.name, channel);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const pe of this.#held()) {
        const event = await this.#ask(pe, 'poll');
        if (event) this.#queue.push(event);
      }
      await wait(this.#clock, this.#pollMs, signal).catch(() => undefined);
    }
  }

  /** What is held now. Of what was let go nothing is known any more: held again, it may have been repaired. */
  #held(): readonly OwnedPe[] {
    const { owned } = this.#port;
    const isHeld = (name: string): boolean => owned.some((pe) => pe.name === name);
    for (const name of this.#reported) if (!isHeld(name)) this.#reported.delete(name);
    for (const name of this.#channels.keys()) if (!isHeld(name)) this.#channels.delete(name);
    return owned;
  }

  /** Undefined: it works, its freeze is known, or nobody can tell (EEH is off: every operation is ENODEV). */
  async #ask(pe: OwnedPe, origin: EehRecord['origin']): Promise<EehEvent | undefined> {
    if (this.#reported.has(pe.name)) return undefined;
    const state = await pe.operate(VFIO_EEH_PE.GET_STATE);
    const [first] = pe.functions;
    if (state <= VFIO_EEH_PE_STATE.NORMAL || first === undefined || this.#reported.has(pe.name)) return undefined;
    this.#reported.add(pe.name);
    return {
      platform: this.name,
      sequence: this.#sequence++,
      monotonic: this.#clock.monotonic(),
      wall: this.#clock.wall(),
      severity: 'fatal',
      device: { bdf: first, generation: 0 },
      record: { kind: 'frozen_pe', origin, phb: parseInt(first, 16), pe: null, name: pe.name, state, ignoredReads: 0 },
    };
  }

  async #available(pe: OwnedPe, signal: AbortSignal): Promise<OperationResult> {
    for (let left = this.#availableMs; ; left -= this.#pollMs) {
      const state = await pe.operate(VFIO_EEH_PE.GET_STATE);
      if (state < 0) return { ok: false, why: 'failed', detail: `The state of ${pe.name} cannot be asked: ${state}.` };
      const inReset = state === VFIO_EEH_PE_STATE.RESET;
      // In reset for so long, it was left so by its owner before.
      if (state !== VFIO_EEH_PE_STATE.UNAVAILABLE && (!inReset || left <= 0)) return { ok: true, value: state };
      if (left <= 0) return { ok: false, why: 'timeout', detail: `${pe.name} is still unavailable.` };
      await wait(this.#clock, this.#pollMs, signal);
    }
  }

  async #done(pe: OwnedPe, operation: number): Promise<OperationResult> {
    const rc = await pe.operate(operation);
    if (rc === 0) return DONE;
    return { ok: false, why: 'failed', detail: `VFIO_EEH_PE_OP ${operation} on ${pe.name} gave ${rc}.` };
  }

  /**
   * The kernel also answers 0 where firmware knows nothing of the PE: only what says that it works is handed back. While the
   * host recovers what is above, that cannot be told.
   */
  async #thenWorks(pe: OwnedPe, signal: AbortSignal, done: OperationResult): Promise<OperationResult> {
    if (!done.ok) return done;
    const available = await this.#available(pe, signal);
    if (!available.ok || available.value === VFIO_EEH_PE_STATE.NORMAL) return available;
    return { ok: false, why: 'failed', detail: `${pe.name} does not work after all.` };
  }

  /** A reset that was asserted is taken back whatever comes: no device is left half reset. */
  async #reset(pe: OwnedPe): Promise<OperationResult> {
    const kind = pe.needsFundamentalReset ? VFIO_EEH_PE.RESET_FUNDAMENTAL : VFIO_EEH_PE.RESET_HOT;
    const asserted = await this.#done(pe, kind);
    const released = await this.#done(pe, VFIO_EEH_PE.RESET_DEACTIVATE);
    if (!asserted.ok || !released.ok) return asserted.ok ? released : asserted;
    const configured = await this.#done(pe, VFIO_EEH_PE.CONFIGURE);
    if (!configured.ok) return configured;
    if ((await pe.operate(VFIO_EEH_PE.GET_STATE)) === VFIO_EEH_PE_STATE.NORMAL) return DONE;
    const thawed = await this.#done(pe, VFIO_EEH_PE.UNFREEZE_IO);
    return thawed.ok ? this.#done(pe, VFIO_EEH_PE.UNFREEZE_DMA) : thawed;
  }
}
