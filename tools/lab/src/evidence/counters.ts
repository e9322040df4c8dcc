/** The AER counters of a function in sysfs (Documentation/ABI/testing/sysfs-bus-pci-devices-aer), those that are not 0. */
export type AerCounters = Readonly<Record<string, number>>;

/** Files below a function that count what it reported, and below a root port what it was sent. */
export const COUNTER_FILES = {
  function: ['aer_dev_correctable', 'aer_dev_nonfatal', 'aer_dev_fatal'],
  rootPort: ['aer_rootport_total_err_cor', 'aer_rootport_total_err_nonfatal', 'aer_rootport_total_err_fatal'],
} as const;

/** The counters of a file that has a name and a number on each line, or a number only. */
export function parseCounters(file: string, text: string): AerCounters {
  const rows = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const counters = rows.map(([name, value]) =>
    value === undefined ? ([file, name] as const) : ([name!, value] as const),
  );
  const numbers = counters.map(([name, value]) => [name, Number(value)] as const);
  return Object.fromEntries(numbers.filter(([, value]) => value !== 0));
}

/** What was counted between two moments. */
export function countersSince(before: AerCounters, after: AerCounters): AerCounters {
  const names = Object.keys(after).filter((name) => after[name] !== (before[name] ?? 0));
  return Object.fromEntries(names.map((name) => [name, after[name]! - (before[name] ?? 0)]));
}
