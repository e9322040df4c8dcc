import { type Awaitable, type Bdf, type ChannelState } from '@pci-recovery/core';
import { isEnabled } from '../firmware-codes.js';
import { PendingErrors } from './pending-errors.js';

/** Configuration states of a function (Linux 7.3 arch/s390/include/asm/pci.h:enum zpci_state). */
export type FunctionState = 'standby' | 'configured' | 'reserved';

/** A function that firmware has, as the kernel's `struct zpci_dev` and, when `present`, its `struct pci_dev`. */
export class ZpciFunction {
  readonly fid: number;
  readonly bdf: Bdf;
  readonly mio: boolean;
  state: FunctionState;
  /** The handle as we know it. */
  fh: number;
  /** It is a PCI function that drivers see. */
  present = false;
  /** Counts the PCI functions at this address, from 0. */
  generation: number;
  channel: ChannelState = 'normal';
  /** The handle with which a survey found it in the error state, until a record of a later error has come. */
  foundWith: number | undefined;
  readonly pending = new PendingErrors();
  #turn: Promise<void> | undefined;

  constructor(fid: number, bdf: Bdf, mio: boolean, fh: number, state: FunctionState, generation: number) {
    this.fid = fid;
    this.bdf = bdf;
    this.mio = mio;
    this.fh = fh;
    this.state = state;
    this.generation = generation;
  }

  get enabled(): boolean {
    return isEnabled(this.fh);
  }

  /** No handle is no news (Linux 7.3 arch/s390/pci/pci.c:zpci_update_fh). */
  updateHandle(fh: number): void {
    if (fh !== 0) this.fh = fh;
  }

  /** Does `work` when nobody else does something to the function (the kernel's `state_lock`); at once, if it can. */
  alone<T>(work: () => Awaitable<T>): Awaitable<T> {
    const result = this.#turn ? this.#turn.then(work) : work();
    if (!(result instanceof Promise)) return result;
    const over = (): void => {
      if (this.#turn === turn) this.#turn = undefined;
    };
    const turn: Promise<void> = result.then(over, over);
    this.#turn = turn;
    return result;
  }
}
