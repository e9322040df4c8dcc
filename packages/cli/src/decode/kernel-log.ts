import { type Plain } from '@pci-recovery/core';
import { scanKernelLog, type KernelLogRecord } from '@pci-recovery/pci/kernel-log';
import { parsePhbDiagText } from '@pci-recovery/eeh/diag';
import { type Palette } from '../view/palette.js';
import { plain, type Decoded } from './decoded.js';
import { phbDiagDecoded } from './phb-diag.js';
import { printable } from './printable.js';

const WITHOUT = new Set([
  'platform',
  'kind',
  'line',
  'lastLine',
  'time',
  'level',
  'bdf',
  'boundDriver',
  'bits',
  'errors',
]);

const detail = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(plain(value)));

/** A record's own fields as `name value`, errors by their names. */
function details(record: KernelLogRecord): string {
  const fields = Object.entries(record).filter(([name, value]) => !WITHOUT.has(name) && value !== undefined);
  const errors = 'errors' in record ? record.errors.map((error) => error.short) : [];
  return [...errors, ...fields.map(([name, value]) => `${name} ${detail(value)}`)].join(', ');
}

/** A record's own source, where it names one, is that of its error: `source` says where the record is from. */
function asJson(record: KernelLogRecord): Decoded['json'] {
  const { source, ...fields } = plain(record) as Readonly<Record<string, Plain>>;
  return { source: 'kernel_log', ...fields, ...(source !== undefined && { errorSource: source }) };
}

function recordDecoded(record: KernelLogRecord, paint: Palette): Decoded {
  const { platform, kind, line, bdf } = record;
  const head = `${platform} ${kind.replaceAll('_', ' ')}`;
  return {
    json: asJson(record),
    view: [
      `${String(line).padStart(6)}  ${paint('bold', head)}${bdf ? ` ${bdf}` : ''}  ${printable(details(record))}`.trimEnd(),
    ],
  };
}

/** What a kernel log says of all three platforms: records in the order of their lines, then dumps of diagnostic data. */
export function kernelLogDecoded(
  bytes: Uint8Array,
  paint: Palette,
): { readonly found: Decoded[]; readonly remarks: string[] } {
  const { records, findings } = scanKernelLog(bytes);
  const { dumps, findings: diagFindings } = parsePhbDiagText(Buffer.from(bytes).toString('utf8'));
  return {
    found: [
      ...records.map((record) => recordDecoded(record, paint)),
      ...dumps.map((dump) => phbDiagDecoded(dump, [], paint)),
    ],
    remarks: [
      ...findings.map(({ line, message }) => `line ${line}: ${message}`),
      ...diagFindings.map(({ at, message }) => `at ${at}: ${message}`),
    ],
  };
}
