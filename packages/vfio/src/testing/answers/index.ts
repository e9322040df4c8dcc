import { DEVICE } from './device.js';
import { DMA } from './dma.js';
import { EEH } from './eeh.js';
import { INTERRUPTS } from './interrupts.js';
import { INTX } from './intx.js';
import { NO_ARGUMENT } from './no-argument.js';
import { OPENING } from './opening.js';
import { REGIONS } from './regions.js';
import { REPLIES } from './replies.js';
import { type KernelAnswer } from './row.js';
import { ZPCI } from './zpci.js';

export * from './bench.js';
export * from './row.js';
export { tryAnswer, type Got, type TriedAnswer } from './try-answer.js';

/**
 * What Linux 7.3 answers, situation by situation: seen on real kernels, or read from its source. The scripted kernel is proven by
 * them; those of x64 are tried on a real kernel, too (the lab's scenario `vfio-answers`), and others can be through a bench of theirs.
 */
export const KERNEL_ANSWERS: readonly KernelAnswer[] = [
  ...OPENING,
  ...INTERRUPTS,
  ...INTX,
  ...DEVICE,
  ...REGIONS,
  ...REPLIES,
  ...NO_ARGUMENT,
  ...DMA,
  ...ZPCI,
  ...EEH,
];
