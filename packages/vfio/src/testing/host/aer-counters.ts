import { type Bdf } from '@pci-recovery/core';
import { CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS, type BitTable } from '@pci-recovery/pci';

/** Severity of an AER error, as sysfs has its attributes. */
export type AerSeverity = 'correctable' | 'nonfatal' | 'fatal';

const TOTALS = { correctable: 'COR', nonfatal: 'NONFATAL', fatal: 'FATAL' } as const;

const tableOf = (severity: AerSeverity): BitTable =>
  severity === 'correctable' ? CORRECTABLE_ERRORS : UNCORRECTABLE_ERRORS;

interface Counted {
  readonly bits: Map<number, number>;
  total: number;
}

/** The AER counters of the machine (drivers/pci/pcie/aer.c:pci_dev_aer_stats_incr, aer_stats_dev_attr). */
export class AerCounters {
  readonly #counted = new Map<string, Counted>();

  /** Counts an error of a function: its status bits, and the message. */
  count(bdf: Bdf, severity: AerSeverity, status: number): void {
    const counted = this.#of(bdf, severity);
    counted.total++;
    for (let bit = 0; bit < 32; bit++) {
      if (((status >>> bit) & 1) === 1) counted.bits.set(bit, (counted.bits.get(bit) ?? 0) + 1);
    }
  }

  /** Text of `aer_dev_<severity>`: the named bits, those without a name where they were counted, and the total. */
  text(bdf: Bdf, severity: AerSeverity): string {
    const { bits, total } = this.#of(bdf, severity);
    const named = new Map(tableOf(severity).map(({ bit, short }) => [bit, short]));
    const kind = { correctable: 'cor', nonfatal: 'nonfatal', fatal: 'fatal' }[severity];
    const lines: string[] = [];
    for (let bit = 0; bit < 32; bit++) {
      const count = bits.get(bit) ?? 0;
      const name = named.get(bit);
      if (name !== undefined) lines.push(`${name} ${count}`);
      else if (count > 0) lines.push(`dev_${kind}_errs_bit[${bit}] ${count}`);
    }
    return [...lines, `TOTAL_ERR_${TOTALS[severity]} ${total}`].join('\n');
  }

  /** Text of `aer_rootport_total_err_…`. */
  total(bdf: Bdf, severity: AerSeverity): string {
    return String(this.#of(bdf, severity).total);
  }

  /** The function was removed: its counters go with it. */
  forget(bdf: Bdf): void {
    for (const severity of Object.keys(TOTALS)) this.#counted.delete(`${severity} ${bdf}`);
  }

  #of(bdf: Bdf, severity: AerSeverity): Counted {
    const key = `${severity} ${bdf}`;
    const known = this.#counted.get(key) ?? { bits: new Map<number, number>(), total: 0 };
    this.#counted.set(key, known);
    return known;
  }
}
