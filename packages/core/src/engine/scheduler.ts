import { type Bdf } from '../bdf.js';
import { type RecoveryScope } from '../contract/device.js';

/** Something that holds functions while it runs. */
export interface Occupant {
  readonly scope: RecoveryScope;
  readonly held: ReadonlySet<Bdf>;
}

/** Something that waits for its lane, or for its functions. */
export interface Waiting {
  /** Read anew each time it is asked: the topology may have changed since it began to wait. */
  scope(): RecoveryScope;
  /** Its turn has come. Occupies by itself, synchronously. */
  start(scope: RecoveryScope): void;
}

interface Lane {
  running: Occupant | undefined;
  readonly waiting: Waiting[];
  readonly order: 'fifo' | 'lifo';
}

/**
 * Decides who may run: one occupant per lane, and never two that hold the same function. It knows no platform and does
 * nothing by itself but start what waits.
 */
export class Scheduler {
  readonly #lanes = new Map<string, Lane>();
  readonly #holders = new Map<Bdf, Occupant>();
  /** Those that came to hold what another one held already, in this order: their membership grew. */
  readonly #heirs = new Map<Bdf, Occupant[]>();
  readonly #work: Waiting[] = [];
  #occupants = 0;
  #idle: (() => void)[] = [];
  #pumping = false;

  /** Who is in the way of `scope` in `lane`: the lane's own occupant first. */
  obstacle(lane: string | undefined, scope: RecoveryScope): Occupant | undefined {
    const own = lane === undefined ? undefined : this.#lanes.get(lane)?.running;
    return own ?? this.#overlapping(scope);
  }

  /** How many wait in a lane. */
  queued(lane: string): number {
    return this.#lanes.get(lane)?.waiting.length ?? 0;
  }

  /** Everything that waits, of all lanes, in the order of arrival within a lane. */
  *waiting(): IterableIterator<Waiting> {
    for (const lane of this.#lanes.values()) yield* lane.waiting;
  }

  /** Waits in a lane for its turn. */
  enqueue(name: string, order: 'fifo' | 'lifo', waiting: Waiting): void {
    this.#lane(name, order).waiting.push(waiting);
    this.#pump();
  }

  /** Waits for functions only, before everything that waits in lanes. */
  enqueueWork(waiting: Waiting): void {
    this.#work.push(waiting);
    this.#pump();
  }

  /** Takes something out of its queue; false when it no longer waits. */
  withdraw(waiting: Waiting): boolean {
    for (const queue of [this.#work, ...[...this.#lanes.values()].map((lane) => lane.waiting)]) {
      const index = queue.indexOf(waiting);
      if (index >= 0) return queue.splice(index, 1).length > 0;
    }
    return false;
  }

  /** Marks a lane and its functions as taken. */
  occupy(name: string | undefined, order: 'fifo' | 'lifo', occupant: Occupant): void {
    if (name !== undefined) this.#lane(name, order).running = occupant;
    this.#occupants++;
    this.hold(occupant);
  }

  /** Takes what an occupant holds by now; what somebody else holds stays theirs until they release it. */
  hold(occupant: Occupant): void {
    for (const bdf of occupant.held) {
      const holder = this.#holders.get(bdf);
      if (!holder) this.#holders.set(bdf, occupant);
      else if (holder !== occupant) this.#inherit(bdf, occupant);
    }
  }

  #inherit(bdf: Bdf, occupant: Occupant): void {
    const heirs = this.#heirs.get(bdf) ?? [];
    if (!heirs.includes(occupant)) this.#heirs.set(bdf, [...heirs, occupant]);
  }

  /** Passes on what an occupant held. */
  #bequeath(bdf: Bdf, occupant: Occupant): void {
    const heirs = (this.#heirs.get(bdf) ?? []).filter((heir) => heir !== occupant);
    if (this.#holders.get(bdf) === occupant) {
      const heir = heirs.shift();
      if (heir) this.#holders.set(bdf, heir);
      else this.#holders.delete(bdf);
    }
    if (heirs.length > 0) this.#heirs.set(bdf, heirs);
    else this.#heirs.delete(bdf);
  }

  /** Gives everything back and starts whoever can run now. */
  release(name: string | undefined, occupant: Occupant): void {
    for (const bdf of occupant.held) this.#bequeath(bdf, occupant);
    const lane = name === undefined ? undefined : this.#lanes.get(name);
    if (lane) {
      lane.running = undefined;
      if (lane.waiting.length === 0) this.#lanes.delete(name!);
    }
    this.#occupants--;
    this.#pump();
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => void this.#idle.push(resolve));
  }

  #isIdle(): boolean {
    return this.#occupants === 0 && this.#lanes.size === 0 && this.#work.length === 0;
  }

  #overlapping(scope: RecoveryScope): Occupant | undefined {
    for (const member of scope.members) {
      const holder = this.#holders.get(member.bdf);
      if (holder) return holder;
    }
    return undefined;
  }

  #lane(name: string, order: 'fifo' | 'lifo'): Lane {
    let lane = this.#lanes.get(name);
    if (!lane) this.#lanes.set(name, (lane = { running: undefined, waiting: [], order }));
    return lane;
  }

  /** Starting one thing can let it end at once and so free the next: repeat until nothing moves. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#startOne());
    } finally {
      this.#pumping = false;
    }
    if (this.#isIdle() && this.#idle.length > 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #startOne(): boolean {
    for (const one of this.#work) if (this.#tryStart(this.#work, one)) return true;
    for (const [name, lane] of this.#lanes) {
      if (lane.running) continue;
      const next = lane.order === 'fifo' ? lane.waiting[0] : lane.waiting.at(-1);
      if (next && this.#tryStart(lane.waiting, next)) return true;
      if (!next) this.#lanes.delete(name);
    }
    return false;
  }

  #tryStart(queue: Waiting[], one: Waiting): boolean {
    const scope = one.scope();
    if (this.#overlapping(scope)) return false;
    queue.splice(queue.indexOf(one), 1);
    one.start(scope);
    return true;
  }
}
