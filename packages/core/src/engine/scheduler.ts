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

/** Something that waits, numbered in the order of arrival. */
interface Queued {
  readonly waiting: Waiting;
  readonly ticket: number;
  /** What it waits in. */
  readonly queue: Queued[];
}

interface Lane {
  running: Occupant | undefined;
  readonly waiting: Queued[];
  readonly order: 'fifo' | 'lifo';
}

const NONE: ReadonlySet<Bdf> = new Set();

/**
 * Decides who may run: one occupant per lane, and never two that hold the same function. Who waits for functions
 * reserves them, so that nobody who comes later overtakes them for ever. It knows no platform and does nothing by itself
 * but start what waits.
 */
export class Scheduler {
  readonly #lanes = new Map<string, Lane>();
  /** Who is given back keeps its place, empty: see `Roster` for why nothing is deleted. */
  readonly #holders = new Map<Bdf, Occupant | undefined>();
  /** Those that came to hold what another one held already, in this order: their membership grew. */
  readonly #heirs = new Map<Bdf, Occupant[]>();
  readonly #work: Queued[] = [];
  /** What those want whose lane is free, but not yet all of their functions. */
  #reserved: ReadonlySet<Bdf> = NONE;
  #tickets = 0;
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

  /** Whether somebody who came earlier waits for a function of `scope`. */
  reserved(scope: RecoveryScope): boolean {
    return scope.members.some(({ bdf }) => this.#reserved.has(bdf));
  }

  /** Waits in a lane for its turn. */
  enqueue(name: string, order: 'fifo' | 'lifo', waiting: Waiting): void {
    const { waiting: queue } = this.#lane(name, order);
    queue.push({ waiting, ticket: this.#tickets++, queue });
    this.#pump();
  }

  /** Waits for functions only, before everything that waits in lanes. `first`: also before other such work. */
  enqueueWork(waiting: Waiting, first: boolean): void {
    const queued = { waiting, ticket: this.#tickets++, queue: this.#work };
    if (first) this.#work.unshift(queued);
    else this.#work.push(queued);
    this.#pump();
  }

  /** Takes something out of its queue; false when it no longer waits. */
  withdraw(waiting: Waiting): boolean {
    for (const queue of [this.#work, ...[...this.#lanes.values()].map((lane) => lane.waiting)]) {
      const index = queue.findIndex((queued) => queued.waiting === waiting);
      if (index < 0) continue;
      queue.splice(index, 1);
      this.#pump();
      return true;
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
      else this.#holders.set(bdf, undefined);
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

  /** Starts the first who can run now. Whoever cannot keeps those who came later off the functions that it wants. */
  #startOne(): boolean {
    let reserved: Set<Bdf> | undefined;
    for (const queued of this.#candidates()) {
      const scope = queued.waiting.scope();
      if (!this.#overlapping(scope) && !scope.members.some(({ bdf }) => reserved?.has(bdf))) {
        queued.queue.splice(queued.queue.indexOf(queued), 1);
        queued.waiting.start(scope);
        return true;
      }
      reserved ??= new Set();
      for (const { bdf } of scope.members) reserved.add(bdf);
    }
    this.#reserved = reserved ?? NONE;
    return false;
  }

  /** Who is next: all work, then the next of every free lane, in the order of arrival. Drops empty lanes. */
  #candidates(): readonly Queued[] {
    const next: Queued[] = [];
    for (const [name, { running, waiting, order }] of this.#lanes) {
      if (running) continue;
      const queued = order === 'fifo' ? waiting[0] : waiting.at(-1);
      if (queued) next.push(queued);
      else this.#lanes.delete(name);
    }
    if (next.length > 1) next.sort((a, b) => a.ticket - b.ticket);
    return this.#work.length === 0 ? next : [...this.#work, ...next];
  }
}
