import { OPAL, OPAL_ACTION, OPAL_ERROR, OPAL_SEVERITY, type OpalFirmware } from '../firmware/opal.js';
import { PE_STATE, type Pe } from '../pe/pe.js';
import { markIsolated, walkPes } from '../pe/tree.js';
import { type EehErrorKind } from '../record.js';
import { topmostFrozen } from './detection.js';
import { type Surroundings } from './surroundings.js';

/** An error that firmware reported. `pe`: what it concerns; for a dead hub, any host bridge. */
export interface ReportedError {
  readonly kind: EehErrorKind;
  readonly pe: Pe;
  readonly blob?: Uint8Array;
}

/** More errors than a machine has at a time: firmware that goes on longer repeats itself. */
const MOST_ERRORS = 256;

/**
 * Everything that firmware has to report now. A host bridge that is isolated already is not asked; each error is isolated as
 * soon as it is known, so the next question is about another one.
 *
 * Source: Linux 7.3 arch/powerpc/platforms/powernv/eeh-powernv.c:pnv_eeh_next_error, arch/powerpc/kernel/eeh_driver.c:
 * eeh_handle_special_event.
 */
export function reportedErrors(around: Surroundings, firmware: OpalFirmware): ReportedError[] {
  const errors: ReportedError[] = [];
  for (let count = 0; count < MOST_ERRORS; count++) {
    const { found, more } = askAll(around, firmware);
    errors.push(...found);
    if (!more || found.some(({ kind }) => kind === 'dead_ioc')) break;
  }
  return errors;
}

/** Asks host bridge after host bridge until one reports something that must be acted on. `more`: it may have more to say. */
function askAll(around: Surroundings, firmware: OpalFirmware): { found: ReportedError[]; more: boolean } {
  const found: ReportedError[] = [];
  let more = false;
  for (const root of around.tree.roots) {
    if ((root.state & PE_STATE.ISOLATED) !== 0) continue;
    const { rc, error, severity, pe } = firmware.nextError(root.phb);
    if (rc !== OPAL.SUCCESS || error === OPAL_ERROR.NONE || severity === OPAL_SEVERITY.NONE) continue;
    more = true;
    const reported = decode(around, firmware, root, { error, severity, number: pe });
    if (!reported) continue;
    found.push(reported);
    if (reported.kind !== 'informative') break;
  }
  return { found, more };
}

interface NextError {
  readonly error: number;
  readonly severity: number;
  readonly number: number;
}

function decode(
  around: Surroundings,
  firmware: OpalFirmware,
  root: Pe,
  { error, severity, number }: NextError,
): ReportedError | undefined {
  const blobOf = (): { blob?: Uint8Array } => {
    const { rc, blob } = firmware.diagData(root.phb);
    return rc === OPAL.SUCCESS ? { blob } : {};
  };
  if (error === OPAL_ERROR.PE) return frozen(around, firmware, root, number, blobOf);
  const hub = error === OPAL_ERROR.IOC;
  const hostBridge = error === OPAL_ERROR.PHB;
  if (hub && severity === OPAL_SEVERITY.IOC_DEAD) {
    for (const one of around.tree.roots) markIsolated(one);
    return { kind: 'dead_ioc', pe: root };
  }
  if (hostBridge && severity === OPAL_SEVERITY.PHB_DEAD) {
    markIsolated(root);
    return { kind: 'dead_phb', pe: root };
  }
  // Codes that nobody knows are kept for the record; the kernel only warns.
  if (!hostBridge || severity !== OPAL_SEVERITY.PHB_FENCED) return { kind: 'informative', pe: root, ...blobOf() };
  const { blob } = isolated(root, blobOf);
  return { kind: 'fenced_phb', pe: root, ...(blob && { blob }) };
}

/**
 * A PE that nobody knows is thawed again, after its log. Any other is frozen altogether, and of those above it the topmost frozen
 * one counts; one that is isolated, or an owner's, is not reported (pnv_eeh_get_pe).
 */
function frozen(
  around: Surroundings,
  firmware: OpalFirmware,
  root: Pe,
  number: number,
  blobOf: () => { blob?: Uint8Array },
): ReportedError | undefined {
  const known = walkPes(root).find((pe) => pe.number === number);
  if (!known) {
    const blob = blobOf();
    firmware.freezeClear(root.phb, number, OPAL_ACTION.ALL);
    return { kind: 'informative', pe: root, ...blob };
  }
  if ((known.state & PE_STATE.ISOLATED) === 0) firmware.freezeSet(root.phb, number, OPAL_ACTION.ALL);
  const { top, wasIsolated } = topmostFrozen(around, known);
  if (wasIsolated || top.passed > 0) return undefined;
  if (top !== known) firmware.freezeSet(root.phb, top.number!, OPAL_ACTION.ALL);
  const { blob } = isolated(top, blobOf);
  return { kind: 'frozen_pe', pe: top, ...(blob && { blob }) };
}

/** The log is taken before anything is thawed for it. */
function isolated(pe: Pe, blobOf: () => { blob?: Uint8Array }): { blob?: Uint8Array } {
  markIsolated(pe);
  const taken = blobOf();
  pe.diag = taken.blob;
  return taken;
}
