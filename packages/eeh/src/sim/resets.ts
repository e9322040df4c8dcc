import { parseBdf } from '@pci-recovery/core';
import { freezePe } from './freezes.js';
import { namesOf, type Machine, type SimulatedFunction } from './machine.js';
import { type ResetKind } from './witness.js';

const NS_PER_MS = 1e6;

/** A reset that was asserted and not taken back. */
export interface OpenReset {
  readonly kind: ResetKind;
  readonly functions: readonly SimulatedFunction[];
  readonly begun: number;
}

/** Asserts a reset: functions lose their state and do not answer. */
export function assertReset(machine: Machine, kind: ResetKind, functions: readonly SimulatedFunction[]): OpenReset {
  const { witness, faults, clock } = machine;
  for (const fn of functions) {
    const pulled = faults.strike('pulled_at_reset', ({ bdf }) => parseBdf(bdf) === fn.bdf);
    if (!pulled || !fn.there) continue;
    fn.there = false;
    witness.add({ kind: 'pulled', functions: [fn.bdf] });
  }
  witness.add({ kind: 'reset_begin', reset: kind, functions: namesOf(functions) });
  for (const fn of functions) {
    fn.inReset = true;
    fn.registers.reset();
    fn.memory.clear();
  }
  return { kind, functions, begun: clock.monotonic() };
}

/** Takes a reset back: functions answer again when they are ready. */
export function releaseReset(machine: Machine, { kind, functions, begun }: OpenReset, ok = true): void {
  const { witness, clock } = machine;
  const now = clock.monotonic();
  for (const fn of functions) {
    fn.inReset = false;
    comeBack(machine, fn, now);
  }
  witness.add({ kind: 'reset_end', reset: kind, ok, held: now - begun, functions: namesOf(functions) });
}

function comeBack(machine: Machine, fn: SimulatedFunction, now: number): void {
  const { faults, clock, witness } = machine;
  const of = ({ bdf }: { readonly bdf: string }): boolean => parseBdf(bdf) === fn.bdf;
  const { readyAfterMs = 0 } = fn.description;
  if (faults.strike('never_ready', of)) {
    fn.silentUntil = Infinity;
    return;
  }
  fn.silentUntil = readyAfterMs > 0 ? now + readyAfterMs * NS_PER_MS : 0;
  const freezes = faults.strike('freezes_when_ready', of);
  const ready = (): void => {
    if (!fn.there || fn.inReset) return;
    witness.add({ kind: 'ready', functions: [fn.bdf] });
    if (freezes) freezePe(machine, fn.pe, { mmio: true, dma: true });
  };
  if (readyAfterMs > 0) clock.after(readyAfterMs, ready);
  else ready();
}
