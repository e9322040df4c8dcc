import { parseBdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { KernelWitness } from '../../../src/guest/conformance/kernel-witness.js';

const [A, B, PORT] = ['0000:02:00.0', '0000:02:00.1', '0000:00:05.0'].map((one) => parseBdf(one));

function factsOf(...lines: readonly string[]): string[] {
  const witness = new KernelWitness(new VirtualClock(), new Map([[PORT!, [A!, B!]]]));
  for (const line of lines) witness.logged(line);
  return witness.facts.map(({ kind, functions, ...more }) => {
    const { how, ok } = more as { how?: string; ok?: boolean };
    return [kind, how ?? ok, ...functions].filter((one) => one !== undefined).join(' ');
  });
}

describe('what the kernel’s log tells of resets', () => {
  it('a link reset is the host’s, of everything below the port; its result is the kernel’s', () => {
    expect(factsOf(`pcieport ${PORT}: AER: Root Port link has been reset (0)`)).toEqual([
      `reset_begin link ${A} ${B}`,
      `reset_end true ${A} ${B}`,
    ]);
    expect(factsOf(`pcieport ${PORT}: AER: Root Port link has been reset (-25)`).at(-1)).toBe(
      `reset_end false ${A} ${B}`,
    );
  });

  it('functions that are reset together are one reset', () => {
    const lines = [`${A}: resetting`, `${B}: resetting`, `${A}: reset done`, `${B}: reset done`];
    expect(factsOf(...lines.map((line) => `vfio-pci ${line}`))).toEqual([
      `reset_begin hot ${A} ${B}`,
      `reset_end true ${A} ${B}`,
    ]);
  });

  it('functions that are reset one after the other are two; an end without a begin is nothing', () => {
    const lines = [`${B}: reset done`, `${A}: resetting`, `${A}: reset done`, `${B}: resetting`, `${B}: reset done`];
    const begins = factsOf(...lines.map((line) => `vfio-pci ${line}`)).filter((fact) => fact.startsWith('reset_begin'));
    expect(begins).toEqual([`reset_begin hot ${A}`, `reset_begin hot ${B}`]);
  });

  it('other lines say nothing of resets', () => {
    expect(
      factsOf('pci-recovery: mark lab1', `vfio-pci ${A}: vfio_bar_restore: reset recovery - restoring BARs`),
    ).toEqual([]);
  });
});
