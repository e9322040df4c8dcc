import { type PhbDiagData } from '../diag-data.js';
import { type DiagFindingCode } from '../finding.js';
import { layoutOf, type PhbModel } from '../layout.js';

/** Who gets what is found in a text. */
export interface TextSink {
  dump(data: PhbDiagData): void;
  report(code: DiagFindingCode, message: string): void;
}

/** Whether a model's table has such a PE; what it does not have is reported. */
export function hasPe(model: PhbModel, pe: number, sink: TextSink): boolean {
  const { pestEntries } = layoutOf(model);
  if (pe < pestEntries) return true;
  sink.report('pe_out_of_range', `PE#${pe.toString(16)} is beyond the ${pestEntries} PEs of a ${model}.`);
  return false;
}
