import { type Bdf } from '@pci-recovery/core';
import { type Evidence } from '../evidence/evidence.js';
import { type KernelCall, type KernelReturn } from '../evidence/kernel-calls.js';

/** What is needed of a step to replay its recoveries. */
export type RecordedStep = Pick<Evidence, 'functions' | 'calls' | 'returns' | 'aerEvents' | 'uevents' | 'log'>;

/** A call, or the return of one. */
export type KernelMoment = KernelCall | KernelReturn;

export const isReturn = (moment: KernelMoment): moment is KernelReturn => 'result' in moment;

/** One `pcie_do_recovery` (drivers/pci/pcie/err.c), and what its thread did meanwhile. */
export interface KernelRecovery {
  /** The function with the error. */
  readonly device: Bdf;
  /** Number of the channel state that it was started with. */
  readonly state: number;
  readonly thread: number;
  /** Places in the trace. */
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  readonly moments: readonly KernelMoment[];
  /** What it returned; undefined: it did not end within the step. */
  readonly returned: number | undefined;
}

/** The recoveries of a step, and what belongs to none although it should. */
export interface CutTrace {
  readonly recoveries: readonly KernelRecovery[];
  readonly strays: readonly KernelMoment[];
}

const RECOVERY = 'pcie_do_recovery';
/** What only pcie_do_recovery calls. */
const ONLY_INSIDE = /^(?:report_|aer_root_reset$)/;

type Open = { -readonly [K in keyof KernelRecovery]: KernelRecovery[K] } & { readonly moments: KernelMoment[] };

const opened = ({ bdf, fields, thread, order, seconds }: KernelCall): Open => ({
  device: bdf!,
  state: Number(fields['state']),
  thread,
  from: order,
  to: Number.POSITIVE_INFINITY,
  seconds,
  moments: [],
  returned: undefined,
});

/** Cuts a trace into recoveries, thread by thread: those of two root ports run at the same time. */
export function cutTrace({ calls, returns }: Pick<RecordedStep, 'calls' | 'returns'>): CutTrace {
  const running = new Map<number, Open>();
  const recoveries: Open[] = [];
  const strays: KernelMoment[] = [];
  for (const moment of [...calls, ...returns].sort((a, b) => a.order - b.order)) {
    const { thread, order } = moment;
    const open = running.get(thread);
    if (moment.function !== RECOVERY) {
      if (open) open.moments.push(moment);
      else if (ONLY_INSIDE.test(moment.function)) strays.push(moment);
    } else if (!isReturn(moment)) {
      const recovery = opened(moment);
      running.set(thread, recovery);
      recoveries.push(recovery);
    } else {
      if (open && open.device === moment.bdf) Object.assign(open, { to: order, returned: moment.result });
      else strays.push(moment);
      running.delete(thread);
    }
  }
  return { recoveries, strays };
}
