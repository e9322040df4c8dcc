import { DEVICE } from './device.js';
import { DMA } from './dma.js';
import { EEH } from './eeh.js';
import { INTERRUPTS } from './interrupts.js';
import { OPENING } from './opening.js';
import { type KernelAnswer } from './row.js';
import { ZPCI } from './zpci.js';

export * from './bench.js';
export * from './row.js';
export { tryAnswer, type Got, type TriedAnswer } from './try-answer.js';

/**
 * What Linux 7.3 answers, situation by situation: seen on real kernels, or read from its source. The scripted kernel is proven by
 * them; the same rows can be tried on a real kernel through another bench.
 */
export const KERNEL_ANSWERS: readonly KernelAnswer[] = [...OPENING, ...INTERRUPTS, ...DEVICE, ...DMA, ...ZPCI, ...EEH];
