import { PciRecoveryError } from '@pci-recovery/core';
import { EEH_OPTION, OPAL, OPAL_ACTION, OPAL_FREEZE, RTAS, RTAS_STATE } from '@pci-recovery/eeh';
import { type EehFault, type FirmwareCall } from '@pci-recovery/eeh/sim';

/** Refuses what a harness does not offer. */
export const refuse = (message: string): PciRecoveryError => new PciRecoveryError('ERR_PCI_NOT_OFFERED', message);

type Acts = ReadonlyMap<string, readonly EehFault[]>;

const failing = (call: FirmwareCall, rc: number, more: { pe?: number; action?: number } = {}): EehFault => ({
  fault: 'call_fails',
  call,
  rc,
  ...more,
});

/** How OPAL lets the acts of the law fail. A state is asked for detection too: it goes wrong only after that. */
export const OPAL_ACTS: Acts = new Map<string, readonly EehFault[]>([
  ['reset', [failing('reset', OPAL.HARDWARE)]],
  ['thaw_mmio', [failing('freezeClear', OPAL.HARDWARE, { action: OPAL_ACTION.MMIO })]],
  ['thaw_dma', [failing('freezeClear', OPAL.HARDWARE, { action: OPAL_ACTION.DMA })]],
  [
    'wait_state',
    [
      failing('freezeStatus', OPAL.HARDWARE, { pe: 0 }),
      { fault: 'call_answers', call: 'freezeStatus', answer: { freeze: OPAL_FREEZE.PERMANENTLY_UNAVAILABLE } },
    ],
  ],
]);

/** How RTAS does. */
export const RTAS_ACTS: Acts = new Map<string, readonly EehFault[]>([
  ['reset', [failing('setSlotReset', RTAS.HARDWARE_ERROR)]],
  ['thaw_dma', [failing('setEehOption', RTAS.HARDWARE_ERROR, { action: EEH_OPTION.THAW_DMA })]],
  [
    'wait_state',
    [
      {
        fault: 'call_answers',
        call: 'readSlotResetState',
        answer: { state: RTAS_STATE.UNAVAILABLE, wait: 0 },
      },
    ],
  ],
]);
