import { type Bdf } from '@pci-recovery/core';
import { type FunctionState } from './zpci-function.js';

/** What a platform has to say beside errors: nothing of it starts a recovery. Plain data. */
export type ZpciHappening =
  /** A function went from one state to another; undefined: nobody knew it, or nobody does any more. */
  | {
      readonly what: 'state';
      readonly fid: number;
      readonly bdf: Bdf;
      readonly from?: FunctionState;
      readonly to?: FunctionState;
    }
  | { readonly what: 'appeared' | 'removed'; readonly fid: number; readonly bdf: Bdf; readonly generation: number }
  /** Firmware did not do what an availability event asked for. */
  | { readonly what: 'refused'; readonly fid: number; readonly why: string }
  /** An error that was counted and not recovered, and why: as the counter of that name says. */
  | {
      readonly what: 'dropped';
      readonly fid: number;
      readonly pec: number;
      readonly why: 'unknown' | 'absent' | 'stale' | 'over';
    }
  /** A function was closed with records that nobody had read. */
  | { readonly what: 'unread'; readonly fid: number; readonly count: number }
  /** A notification that makes no sense: its bytes in hexadecimal, and what is wrong with them. */
  | { readonly what: 'malformed'; readonly contentCode: number; readonly bytes: string; readonly why: string };
