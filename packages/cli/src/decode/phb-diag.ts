import {
  decodePhbDiag,
  explainPhbDiag,
  type DiagFinding,
  type PestEntry,
  type PhbDiagData,
  type RegisterReading,
} from '@pci-recovery/eeh/diag';
import { type Palette } from '../view/palette.js';
import { plain, type Decoded } from './decoded.js';

const wide = (value: bigint, width: 4 | 8): string => `0x${value.toString(16).padStart(width * 2, '0')}`;

const bitsOf = ({ bits, errors }: RegisterReading): string[] =>
  errors?.map((error) => error.short) ?? bits?.map(({ bit, name }) => name || `bit ${bit}`) ?? [];

const pestView = ({ pe, mmioFrozen, dmaFrozen, cause }: PestEntry): string => {
  const frozen = [mmioFrozen ? 'MMIO' : '', dmaFrozen ? 'DMA' : ''].filter(Boolean).join(' and ') || 'nothing';
  return `  PE ${pe.toString(16)}: ${frozen} frozen${cause ? `, ${cause.transaction}, lem ${cause.lem.name || cause.lem.bit}` : ''}`;
};

/** Diagnostic data of a PHB, with its first error explained. */
export function phbDiagDecoded(data: PhbDiagData, findings: readonly DiagFinding[], paint: Palette): Decoded {
  const { registers, firstError, pest, tlp } = explainPhbDiag(data);
  const title = `${data.model.toUpperCase()}${data.phb === undefined ? '' : ` PHB#${data.phb.toString(16)}`} diagnostic data, version ${data.version}`;
  return {
    json: {
      kind: 'phb_diag',
      model: data.model,
      version: data.version,
      ...(data.phb === undefined ? {} : { phb: data.phb }),
      firstError: firstError ?? null,
      registers: Object.fromEntries(
        registers.map((reading) => [
          reading.name,
          { value: wide(reading.value, reading.width), bits: bitsOf(reading) },
        ]),
      ),
      pest: plain(pest),
      ...(tlp ? { tlp: plain(tlp) } : {}),
      findings: plain(findings),
    },
    view: [
      paint('bold', title),
      `  ${paint('red', firstError ?? 'Nothing latched a first error.')}`,
      ...registers.map((one) =>
        `  ${one.name.padEnd(26)} ${wide(one.value, one.width)}  ${bitsOf(one).join(' ')}`.trimEnd(),
      ),
      ...pest.map(pestView),
      ...findings.map(({ at, message }) => paint('yellow', `  ! at ${at}: ${message}`)),
    ],
  };
}

/** A blob: one that cannot be read is kept whole. */
export function phbBlobDecoded(bytes: Uint8Array, paint: Palette): Decoded {
  const { data, findings } = decodePhbDiag(bytes);
  if (data) return phbDiagDecoded(data, findings, paint);
  const raw = Buffer.from(bytes).toString('hex');
  return {
    json: { kind: 'phb_diag', model: null, findings: plain(findings), raw },
    view: [
      paint('bold', 'PHB diagnostic data that cannot be read'),
      ...findings.map(({ at, message }) => paint('yellow', `  ! at ${at}: ${message}`)),
    ],
  };
}
