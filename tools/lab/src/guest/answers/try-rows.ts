import { type AnswerBench, type KernelAnswer, tryAnswer } from '@pci-recovery/vfio/testing';
import { type RowReport } from './input.js';

async function report(row: KernelAnswer, bench: AnswerBench): Promise<RowReport> {
  const { id, platforms, state } = row;
  if (!platforms.includes(bench.platform)) return { event: 'untried', id, why: `only on ${platforms.join(', ')}` };
  try {
    const tried = await tryAnswer(row, bench);
    if (tried.got === undefined) return { event: 'untried', id, why: `the state "${state}" is not brought about here` };
    return { event: 'row', ...tried };
  } catch (error) {
    return { event: 'broke', id, error: String(error) };
  }
}

/** Tries rows one after the other, and says of each what came of it. */
export async function* tryRows(rows: readonly KernelAnswer[], bench: AnswerBench): AsyncGenerator<RowReport> {
  for (const row of rows) yield await report(row, bench);
}
