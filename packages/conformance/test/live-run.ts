import { type CaseStatus } from '../src/index.js';

/** Where the last run on real machines is kept. */
export const LIVE_RUN = new URL('../../../docs/conformance-live.json', import.meta.url);

/** A run of level 4 on a real machine, as far as it is kept. */
export interface LiveRun {
  /** Day of the run, `yyyy-mm-dd`. */
  readonly date: string;
  readonly harness: string;
  readonly kernel: string;
  readonly emulator: string;
  readonly results: readonly { readonly id: string; readonly status: CaseStatus }[];
}

/** What of the lab's report is taken. */
interface LabReport {
  readonly kernel: string;
  readonly packages: readonly string[];
  readonly facts: { readonly date: string; readonly conformance: Pick<LiveRun, 'harness' | 'results'> };
}

/** The run in a report of the lab's scenario `conformance-live`. */
export function liveRunOf({ kernel, packages, facts }: LabReport): LiveRun {
  const { harness, results } = facts.conformance;
  const [, version = 'of unknown version'] = /^qemu-system-x86 (?:\d+:)?([\d.]+)/.exec(packages[0] ?? '') ?? [];
  return {
    date: facts.date,
    harness,
    kernel,
    emulator: `QEMU ${version}`,
    results: results.map(({ id, status }) => ({ id, status })),
  };
}
