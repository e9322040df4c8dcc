import { type DecodedPhbDiag, type PestRegisters, type PhbDiagData } from './diag-data.js';
import { type DiagFinding, type DiagFindingCode } from './finding.js';
import { DIAG_HEADER, DIAG_LAYOUTS, DIAG_VERSION, layoutOf, type DiagLayout, type PhbModel } from './layout.js';

const NOTHING = new Uint8Array(0);

function readRegisters(view: DataView, layout: DiagLayout): Record<string, bigint> {
  const registers: Record<string, bigint> = {};
  for (const { name, offset, width } of layout.registers) {
    registers[name] = width === 4 ? BigInt(view.getUint32(offset)) : view.getBigUint64(offset);
  }
  return registers;
}

function readPest(view: DataView, { pestA, pestB, pestEntries }: DiagLayout): PestRegisters[] {
  const pest: PestRegisters[] = [];
  for (let pe = 0; pe < pestEntries; pe++) {
    const a = view.getBigUint64(pestA + 8 * pe);
    const b = view.getBigUint64(pestB + 8 * pe);
    if (a | b) pest.push({ pe, a, b });
  }
  return pest;
}

/** Why a blob cannot be read; undefined when it can. */
function obstacle(view: DataView, layout: DiagLayout | undefined): DiagFinding | undefined {
  const refuse = (code: DiagFindingCode, at: number, message: string): DiagFinding => ({ code, at, message });
  const length = view.byteLength;
  if (length < DIAG_HEADER.size) {
    return refuse('header_truncated', length, `The header has ${DIAG_HEADER.size} bytes, ${length} are there.`);
  }
  const version = view.getUint32(DIAG_HEADER.VERSION);
  if (version !== DIAG_VERSION) {
    return refuse(
      'unknown_version',
      DIAG_HEADER.VERSION,
      `Version ${version} is unknown: only ${DIAG_VERSION} is known.`,
    );
  }
  if (layout === undefined) {
    const known = DIAG_LAYOUTS.map(({ ioType, model }) => `${ioType} (${model})`).join(', ');
    const message = `ioType ${view.getUint32(DIAG_HEADER.IO_TYPE)} is unknown: known are ${known}.`;
    return refuse('unknown_io_type', DIAG_HEADER.IO_TYPE, message);
  }
  if (length < layout.length) {
    return refuse(
      'data_truncated',
      length,
      `Data of a ${layout.model} has ${layout.length} bytes, ${length} are there.`,
    );
  }
  return undefined;
}

function oddities(data: PhbDiagData, layout: DiagLayout): DiagFinding[] {
  const findings: DiagFinding[] = [];
  if (data.length !== layout.length) {
    const message = `The header says ${data.length} bytes, data of a ${layout.model} has ${layout.length}.`;
    findings.push({ code: 'length_mismatch', at: DIAG_HEADER.LENGTH, message });
  }
  const extra = data.trailing.findIndex((byte) => byte !== 0);
  if (extra >= 0) {
    const message = `${data.trailing.length} bytes follow behind the end and are not all zero.`;
    findings.push({ code: 'trailing_bytes', at: layout.length + extra, message });
  }
  return findings;
}

/**
 * Which model's data the bytes begin like: header with a known version, and a known kind; undefined for anything else.
 * Enough to tell such a blob from other files.
 */
export function recognisePhbDiag(bytes: Uint8Array): PhbModel | undefined {
  if (bytes.length < DIAG_HEADER.size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(DIAG_HEADER.VERSION) !== DIAG_VERSION) return undefined;
  return DIAG_LAYOUTS.find(({ ioType }) => ioType === view.getUint32(DIAG_HEADER.IO_TYPE))?.model;
}

/**
 * Decodes what OPAL_PCI_GET_PHB_DIAG_DATA2 returned (R4.7): big-endian, 2320 (P7IOC), 4392 (PHB3) or 8576 (PHB4) bytes.
 * Never throws: data of an unknown version or kind, and data that is cut off, is kept whole, and a finding says why.
 * The bytes are copied.
 */
export function decodePhbDiag(blob: Uint8Array): DecodedPhbDiag {
  // A slice of a Buffer would be the same memory.
  const bytes = new Uint8Array(blob);
  const view = new DataView(bytes.buffer);
  const ioType = bytes.length < DIAG_HEADER.size ? undefined : view.getUint32(DIAG_HEADER.IO_TYPE);
  const layout = DIAG_LAYOUTS.find((candidate) => candidate.ioType === ioType);
  const refused = obstacle(view, layout);
  if (refused !== undefined || layout === undefined) return { bytes, findings: refused ? [refused] : [] };
  const data: PhbDiagData = {
    model: layout.model,
    version: view.getUint32(DIAG_HEADER.VERSION),
    length: view.getUint32(DIAG_HEADER.LENGTH),
    registers: readRegisters(view, layout),
    pest: readPest(view, layout),
    trailing: bytes.length > layout.length ? bytes.slice(layout.length) : NOTHING,
  };
  return { data, bytes, findings: oddities(data, layout) };
}

/**
 * The bytes of the data: the inverse of {@link decodePhbDiag}. Registers that are not known (data from text) become
 * zero, values too large are cut to their width, PEs beyond the table are left out.
 */
export function encodePhbDiag(data: PhbDiagData): Uint8Array {
  const layout = layoutOf(data.model);
  const bytes = new Uint8Array(layout.length + data.trailing.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(DIAG_HEADER.VERSION, data.version);
  view.setUint32(DIAG_HEADER.IO_TYPE, layout.ioType);
  view.setUint32(DIAG_HEADER.LENGTH, data.length);
  for (const { name, offset, width } of layout.registers) {
    const value = data.registers[name] ?? 0n;
    if (width === 4) view.setUint32(offset, Number(BigInt.asUintN(32, value)));
    else view.setBigUint64(offset, value);
  }
  for (const { pe, a, b } of data.pest) {
    if (!(pe >= 0 && pe < layout.pestEntries)) continue;
    view.setBigUint64(layout.pestA + 8 * pe, a);
    view.setBigUint64(layout.pestB + 8 * pe, b);
  }
  bytes.set(data.trailing, layout.length);
  return bytes;
}
