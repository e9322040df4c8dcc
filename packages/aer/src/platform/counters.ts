import { type Bdf } from '@pci-recovery/core';
import { type AerRecord } from '../record.js';

/** How often each error was seen at one function: index = status bit number. */
export interface DeviceCounters {
  readonly correctable: Float64Array;
  readonly nonfatal: Float64Array;
  readonly fatal: Float64Array;
  /** `TOTAL_ERR_COR` and so on: one per record, however many bits it had. */
  readonly totals: { correctable: number; nonfatal: number; fatal: number };
}

const fresh = (): DeviceCounters => ({
  correctable: new Float64Array(16),
  nonfatal: new Float64Array(32),
  fatal: new Float64Array(32),
  totals: { correctable: 0, nonfatal: 0, fatal: 0 },
});

/** What a root port or event collector received, one per kind and interrupt (`aer_rootport_total_err_cor` and so on). */
export type ReceivedCounters = DeviceCounters['totals'];

/**
 * Counts errors as the kernel's sysfs counters do. Memory depends on the number of functions only.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:pci_dev_aer_stats_incr, pci_rootport_aer_stats_incr; Documentation/ABI/
 * testing/sysfs-bus-pci-devices-aer.
 */
export class AerCounters {
  readonly #devices = new Map<Bdf, DeviceCounters>();
  readonly #roots = new Map<Bdf, ReceivedCounters>();

  count(bdf: Bdf, record: Pick<AerRecord, 'severity' | 'status' | 'mask' | 'advisory'>): void {
    const counters = this.#of(bdf);
    counters.totals[record.severity]++;
    addBits(counters[record.severity], record.status & ~record.mask);
    if (record.severity !== 'correctable' || record.advisory === 0) return;
    counters.totals.nonfatal++;
    addBits(counters.nonfatal, record.advisory);
  }

  of(bdf: Bdf): DeviceCounters | undefined {
    return this.#devices.get(bdf);
  }

  /** Counts what a root port or event collector received, traced to a function or not. */
  countReceived(root: Bdf, severity: AerRecord['severity']): void {
    let received = this.#roots.get(root);
    if (!received) this.#roots.set(root, (received = { correctable: 0, nonfatal: 0, fatal: 0 }));
    received[severity]++;
  }

  /** What a root port or event collector received; undefined before the first one. */
  receivedBy(root: Bdf): Readonly<ReceivedCounters> | undefined {
    return this.#roots.get(root);
  }

  #of(bdf: Bdf): DeviceCounters {
    let counters = this.#devices.get(bdf);
    if (!counters) this.#devices.set(bdf, (counters = fresh()));
    return counters;
  }
}

function addBits(counters: Float64Array, status: number): void {
  for (let rest = status; rest !== 0; rest &= rest - 1) {
    const bit = 31 - Math.clz32(rest & -rest);
    if (bit < counters.length) counters[bit]!++;
  }
}
