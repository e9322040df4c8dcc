import { type Pe } from '../machine/pe.js';
import { handlesErrors, type Host } from './host.js';
import { type HostSteps } from './recovery-steps.js';

/** A freeze of a PE. */
export interface EehErrorDescription {
  /** Default: both are frozen. */
  readonly mmio?: boolean;
  readonly dma?: boolean;
}

/**
 * What Linux does about a frozen PE: of one that is passed through, nothing, not even a signal: its owner must poll
 * (arch/powerpc/kernel/eeh.c:eeh_dev_check_failure). Others it recovers as soon as it notices.
 */
export function* eehRecovery(host: Host, pe: Pe, error: EehErrorDescription): HostSteps {
  pe.freeze(error);
  yield { at: 'frozen', then: 0 };
  if (pe.passed > 0) return;
  pe.isolated = true;
  const told = pe.functions.filter(handlesErrors);
  for (const each of told) host.uevents.error(each, 'BEGIN_RECOVERY');
  yield { at: 'isolated', then: 5000 };
  for (const each of pe.functions) each.reset();
  pe.unfreeze();
  for (const each of told) host.uevents.error(each, 'SUCCESSFUL_RECOVERY');
  yield { at: 'recovered', then: 0 };
}
