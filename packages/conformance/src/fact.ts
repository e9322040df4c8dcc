import { type Bdf } from '@pci-recovery/core';

/** What an independent witness can see. */
export const FACT_KINDS = [
  'reset',
  'access_enabled',
  'dma_enabled',
  'status_cleared',
  'removed',
  'added',
  'log_collected',
  'uevent',
] as const;

/** A kind of {@link WitnessFact}; `reset` stands for its begin and its end. */
export type FactKind = (typeof FACT_KINDS)[number];

/**
 * Something that really happened on the bus, seen by somebody who does not depend on platform or engine: a simulator's
 * bus log, a kernel's messages. `time`: nanoseconds of the subject's clock.
 *
 * - `reset_begin`, `reset_end`: a reset of these functions. `how`: its kind in the law's word, where the law names kinds;
 *   `byMachine`: nobody asked for it and nobody can stop it, a recovery that is given up does not wait for it; `ok`: they answer after it.
 * - `access_enabled`, `dma_enabled`: register access, DMA work again.
 * - `status_cleared`: the error status of the functions themselves (not a root's summary of it) was cleared.
 * - `removed`, `added`: functions left the system, or came into it.
 * - `log_collected`: firmware's log was taken.
 * - `uevent`: user space was told; `event` without any prefix, for example `BEGIN_RECOVERY`.
 */
export type WitnessFact = { readonly time: number; readonly functions: readonly Bdf[] } & (
  | { readonly kind: 'reset_begin'; readonly how?: string; readonly byMachine?: true }
  | { readonly kind: 'reset_end'; readonly ok: boolean }
  | { readonly kind: 'access_enabled' | 'dma_enabled' | 'status_cleared' | 'removed' | 'added' | 'log_collected' }
  | { readonly kind: 'uevent'; readonly event: string }
);
