import { type Syscalls } from '@pci-recovery/vfio';
import { type AnswerBench, type AnswerState, openScene, type ScenePlace } from '@pci-recovery/vfio/testing';

/** States that a program brings about by itself; the others are of errors, which come from the machine. */
const BY_PROGRAM: readonly AnswerState[] = ['nodes', 'attached', 'ready', 'open', 'told'];

/** The kernel behind the seam as a bench: everything is opened anew for each row. */
export function liveBench(syscalls: Syscalls, place: ScenePlace): AnswerBench {
  return {
    platform: place.platform,
    reach: (state) => Promise.resolve(BY_PROGRAM.includes(state) ? openScene(syscalls, place, state) : undefined),
  };
}
