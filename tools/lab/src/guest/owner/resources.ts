import { openDescriptors } from '@pci-recovery/vfio';
import { readdirSync, readFileSync } from 'node:fs';

/** What a process has in use. */
export interface Resources {
  /** Open descriptors, by what they are open on. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** Those that the package knows of. */
  readonly known: readonly string[];
  readonly mappings: number;
  /** Bytes, after a collection. */
  readonly heap: number;
}

const count = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

/** Reads it from /proc, so that nothing that forgets to count is forgotten. */
export function resources(link: (path: string) => string | undefined): Resources {
  (globalThis as { gc?: () => void }).gc?.();
  const names = readdirSync('/proc/self/fd').map((fd) =>
    (link(`/proc/self/fd/${fd}`) ?? 'gone').replace(/:\[\d+\]$/, ''),
  );
  return {
    descriptors: count(names.filter((name) => !name.startsWith('/proc/'))),
    known: openDescriptors().map(({ what }) => what),
    mappings: readFileSync('/proc/self/maps', 'utf8').trim().split('\n').length,
    heap: process.memoryUsage().heapUsed,
  };
}
