import { registerConformance, runConformance } from '@pci-recovery/conformance';
import { aerLiveHarness } from '../../../src/guest/conformance/harness.js';
import { ScriptedMachine, type Mischief } from './scripted-machine.js';

const LEVEL = { levels: [4] } as const;

registerConformance(aerLiveHarness(new ScriptedMachine()), { describe, it }, LEVEL);

describe('the live harness is no help to a machine that does not work', () => {
  const failed = async (mischief: Mischief): Promise<string[]> => {
    const { results } = await runConformance(aerLiveHarness(new ScriptedMachine(mischief)), LEVEL);
    return results.filter(({ status }) => status === 'failed').map(({ id }) => id);
  };

  it('resets that the log does not tell of have not happened', async () => {
    const found = await failed({ mute: true });
    expect(found).toEqual(expect.arrayContaining(['live.works-after-a-reset', 'live.siblings-are-all-told']));
  });

  it('functions that do nothing after a reset do not work', async () => {
    const found = await failed({ dead: true });
    expect(found).toEqual(expect.arrayContaining(['live.works-after-a-reset', 'live.siblings-are-all-told']));
    expect(found).not.toContain('live.goes-on-without-reset');
  });

  it('descriptors that stay open are found', async () => {
    expect(await failed({ leaks: true })).toEqual(['live.many-leave-nothing-open']);
  });
});
