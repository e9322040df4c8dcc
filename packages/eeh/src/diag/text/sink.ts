import { type PhbDiagData } from '../diag-data.js';
import { type DiagFindingCode } from '../finding.js';

/** Who gets what is found in a text. */
export interface TextSink {
  dump(data: PhbDiagData): void;
  report(code: DiagFindingCode, message: string): void;
}
