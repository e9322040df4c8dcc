import { type EndpointDescription, type MachineDescription } from '../machine/description.js';
import { ScriptedKernel } from '../scripted-kernel.js';
import { type AnswerBench, type AnswerPlatform, type AnswerScene, type AnswerState } from './row.js';
import { openScene } from './scene.js';

const PORT = '0000:00:06.0';
const BDF = '0000:01:00.0';

/** BARs and MSI-X as a virtio function of QEMU has them: rows of x86 are of such a one. */
const VIRTIO: EndpointDescription = {
  bars: [
    { index: 1, size: 0x1000 },
    { index: 4, size: 0x4000, wide: true, prefetchable: true },
  ],
  msix: { vectors: 2, bar: 1, offset: 0 },
};

/** The machine that rows of a platform are of: the function 0000:01:00.0 in group 1. */
export const ANSWER_MACHINES: Readonly<Record<AnswerPlatform, MachineDescription>> = {
  x64: {
    arch: 'x64',
    ports: [{ bdf: PORT }],
    groups: [{ number: 1, functions: [{ bdf: BDF, port: PORT, config: VIRTIO }] }],
  },
  ppc64: { arch: 'ppc64', ports: [{ bdf: PORT }], groups: [{ number: 1, functions: [{ bdf: BDF, port: PORT }] }] },
  s390x: {
    arch: 's390x',
    dma: { ranges: [{ start: 0x1_0000_0000n, end: 0x1_3fff_ffffn }] },
    groups: [
      {
        number: 1,
        functions: [{ bdf: BDF, config: { pcie: false, pin: 0 }, resetMethods: ['bus'], zpci: { fid: 1 } }],
      },
    ],
  },
};

/** Brings about what happened to the device. */
function happen(kernel: ScriptedKernel, platform: AnswerPlatform, state: AnswerState): void {
  if (platform === 's390x') {
    if (state === 'error') kernel.error(BDF, { pec: 4 }).finish();
    if (state === 'error_just_now') kernel.error(BDF, { pec: 4 }).until('notified');
  } else if (platform === 'ppc64') {
    if (state === 'error') kernel.error(BDF, { mmio: true, dma: true }).finish();
    if (state === 'mmio_frozen') kernel.error(BDF, { mmio: true, dma: false }).finish();
    if (state === 'dma_frozen') kernel.error(BDF, { mmio: false, dma: true }).finish();
  }
}

/** The scripted kernel as a bench: a new machine for every row. */
export function scriptedBench(platform: AnswerPlatform): AnswerBench {
  return {
    platform,
    reach(state): Promise<AnswerScene & AsyncDisposable> {
      const kernel = new ScriptedKernel(ANSWER_MACHINES[platform]);
      const scene = openScene(kernel, { platform, bdf: BDF, groupNumber: 1 }, state);
      happen(kernel, platform, state);
      return Promise.resolve(scene);
    },
  };
}
