import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isReturn, type KernelMoment, type RecordedStep } from '../../src/replay/kernel-recoveries.js';

const FOLDER = join(import.meta.dirname, 'fixtures');

/** Steps of real kernels (Linux 7.3.4), as `trim-evidence.mjs` left them. */
export const RECORDED: readonly string[] = readdirSync(FOLDER)
  .map((file) => file.replace(/\.jsonl$/, ''))
  .sort();

/** A recorded step, fresh: it may be changed. */
export function recorded(name: string): RecordedStep {
  const step = { functions: [], calls: [], returns: [], aerEvents: [], uevents: [], log: [] };
  const text = readFileSync(join(FOLDER, `${name}.jsonl`), 'utf8');
  for (const line of text.trim().split('\n')) {
    for (const [part, one] of Object.entries(JSON.parse(line) as object))
      (step[part as keyof RecordedStep] as unknown[]).push(one);
  }
  return step;
}

/** All calls and returns, in order. */
export const momentsOf = ({ calls, returns }: RecordedStep): readonly KernelMoment[] =>
  [...calls, ...returns].sort((a, b) => a.order - b.order);

/** The step with other moments, which happen in the order in which they are given. */
export function withMoments(step: RecordedStep, moments: readonly KernelMoment[]): RecordedStep {
  const ordered = moments.map((moment, order) => ({ ...moment, order }));
  return { ...step, calls: ordered.filter((moment) => !isReturn(moment)), returns: ordered.filter(isReturn) };
}

/** A moment in words, for the names of tests. */
export const momentText = (moment: KernelMoment): string =>
  `${isReturn(moment) ? 'the return of ' : ''}${moment.function} ${moment.bdf}`;
