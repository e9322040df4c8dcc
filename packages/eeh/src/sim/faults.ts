/** The firmware calls that can be let go wrong, of both flavours. */
export const FIRMWARE_CALLS = [
  'freezeStatus',
  'freezeClear',
  'freezeSet',
  'reset',
  'poll',
  'diagData',
  'nextError',
  'reinit',
  'injectError',
  'configAddress',
  'setEehOption',
  'readSlotResetState',
  'setSlotReset',
  'configurePe',
  'slotErrorDetail',
  'allowUnfreeze',
] as const;

export type FirmwareCall = (typeof FIRMWARE_CALLS)[number];

/** What every fault may say. */
interface Times {
  /** So many times all is well first. Default: 0. */
  readonly skip?: number;
  /** How often it strikes before it is over. Default: for ever. */
  readonly times?: number;
}

/** What goes wrong, by script. */
export type EehFault =
  /**
   * A firmware call returns this code and does nothing. `phb`, `pe`, `action` (of `freezeClear` and `freezeSet`, the option
   * of `setEehOption` and `setSlotReset`, the scope of `reset`): only for these; default: for all.
   */
  | ({
      readonly fault: 'call_fails';
      readonly call: FirmwareCall;
      readonly rc: number;
      readonly phb?: number;
      readonly pe?: number;
      readonly action?: number;
    } & Times)
  /** A firmware call reports success and does nothing. */
  | ({
      readonly fault: 'call_ignored';
      readonly call: FirmwareCall;
      readonly phb?: number;
      readonly pe?: number;
    } & Times)
  /** A status call answers with these values instead of the true ones. */
  | ({
      readonly fault: 'call_answers';
      readonly call: 'freezeStatus' | 'nextError' | 'readSlotResetState';
      readonly answer: Readonly<Record<string, number | boolean>>;
      readonly phb?: number;
      readonly pe?: number;
    } & Times)
  /** After a reset the function never answers. */
  | ({ readonly fault: 'never_ready'; readonly bdf: string } & Times)
  /** The card leaves its slot as a reset reaches it; software does not know yet. */
  | ({ readonly fault: 'pulled_at_reset'; readonly bdf: string } & Times)
  /** Its PE freezes again as soon as it is ready after a reset. */
  | ({ readonly fault: 'freezes_when_ready'; readonly bdf: string } & Times)
  /** Nobody finds it on a rescan. */
  | ({ readonly fault: 'not_found'; readonly bdf: string } & Times);

type FaultKind = EehFault['fault'];
type FaultOf<K extends FaultKind> = Extract<EehFault, { fault: K }>;

interface Entry {
  readonly fault: EehFault;
  skip: number;
  left: number;
}

/** The script: what is to go wrong, and how often it still will. */
export class FaultBook {
  #entries: Entry[] = [];

  add(fault: EehFault): Disposable {
    const entry: Entry = { fault, skip: fault.skip ?? 0, left: fault.times ?? Infinity };
    this.#entries.push(entry);
    return { [Symbol.dispose]: () => void (this.#entries = this.#entries.filter((other) => other !== entry)) };
  }

  /** Nothing is to go wrong any more. */
  get none(): boolean {
    return this.#entries.length === 0;
  }

  /** The first fault of a kind that fits, used once. */
  strike<K extends FaultKind>(kind: K, fits: (fault: FaultOf<K>) => boolean): FaultOf<K> | undefined {
    if (this.none) return undefined;
    const entry = this.#entries.find(({ fault }) => fault.fault === kind && fits(fault as FaultOf<K>));
    if (!entry) return undefined;
    if (entry.skip > 0) {
      entry.skip--;
      return undefined;
    }
    if (--entry.left <= 0) this.#entries = this.#entries.filter((other) => other !== entry);
    return entry.fault as FaultOf<K>;
  }
}
