import { type ErrorDetails } from './machine/error-state.js';

/** Everything that firmware can be asked for. */
export const FIRMWARE_CALLS = [
  'list',
  'query',
  'enable',
  'disable',
  'enable_mio',
  'register_interrupts',
  'register_translation',
  'reset_error',
  'reset_block',
  'controls',
  'deconfigure',
] as const;

export type FirmwareCall = (typeof FIRMWARE_CALLS)[number];

/** What every fault may say: how often it strikes before it is over. Default: for ever. */
interface Times {
  readonly times?: number;
}

/** What goes wrong at the machine, by script. `fid`: at which function; absent: at any. */
export type HardwareFault =
  /**
   * A call does nothing and answers that. `answer`: a CLP response, a condition code of an instruction, 0 or 1 for
   * `deconfigure`. Default: a failure of its kind. `skip`: so many calls succeed before. Default: 0.
   */
  | ({
      readonly fault: 'call_fails';
      readonly call: FirmwareCall;
      readonly fid?: number;
      readonly answer?: number;
      readonly status?: number;
      readonly skip?: number;
    } & Times)
  /** Gone as that call reaches it: firmware knows it no more. */
  | { readonly fault: 'removed_at_call'; readonly call: FirmwareCall; readonly fid: number; readonly skip?: number }
  /** Unblocking succeeds and nothing happens. */
  | ({ readonly fault: 'stays_blocked'; readonly fid: number } & Times)
  /** Clearing the error state succeeds and nothing happens. */
  | ({ readonly fault: 'stays_in_error'; readonly fid: number } & Times)
  /** Disabling succeeds and takes nothing away. */
  | ({ readonly fault: 'reset_ignored'; readonly fid: number } & Times)
  /** It detects an error as soon as it is enabled. */
  | ({ readonly fault: 'error_when_enabled'; readonly fid: number; readonly error?: ErrorDetails } & Times)
  /** Its records get lost. */
  | ({ readonly fault: 'notification_lost'; readonly fid: number } & Times);

export type FaultKind = HardwareFault['fault'];
export type FaultOf<K extends FaultKind> = Extract<HardwareFault, { fault: K }>;

interface Entry {
  readonly fault: HardwareFault;
  left: number;
  /** Calls still to come before it strikes. */
  skip: number;
}

/** The script: what is to go wrong, and how often it still will. */
export class FaultBook {
  #entries: Entry[] = [];

  add(fault: HardwareFault): Disposable {
    const once = fault.fault === 'removed_at_call';
    const left = once ? 1 : (('times' in fault ? fault.times : undefined) ?? Infinity);
    const entry: Entry = { fault, left, skip: ('skip' in fault ? fault.skip : undefined) ?? 0 };
    this.#entries.push(entry);
    return { [Symbol.dispose]: () => void this.#forget(entry) };
  }

  /** The first fault of a kind for a function, used once. */
  strike<K extends Exclude<FaultKind, 'call_fails' | 'removed_at_call'>>(kind: K, fid: number): FaultOf<K> | undefined {
    const entry = this.#entries.find(({ fault }) => fault.fault === kind && fault.fid === fid);
    return entry && this.#use(entry);
  }

  /** The first fault of a firmware call for a function, when this call is its turn. `fid` undefined: of any. */
  strikeCall<K extends 'call_fails' | 'removed_at_call'>(
    kind: K,
    call: FirmwareCall,
    fid: number | undefined,
  ): FaultOf<K> | undefined {
    for (const entry of this.#entries) {
      const { fault } = entry;
      if (fault.fault !== kind || fault.call !== call || (fault.fid !== undefined && fault.fid !== fid)) continue;
      if (entry.skip === 0) return this.#use(entry);
      entry.skip--;
    }
    return undefined;
  }

  #use<K extends FaultKind>(entry: Entry): FaultOf<K> {
    if (--entry.left <= 0) this.#forget(entry);
    return entry.fault as FaultOf<K>;
  }

  #forget(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry);
  }
}
