import { type Lab } from '../../session/lab.js';
import { type Resources } from '../../guest/owner/resources.js';
import { type Scenario } from '../scenario.js';
import { now, own, OWNED, works, type Ended } from './owned.js';
import { INJECTED } from './steps.js';

const RECOVERIES = 100;
/** Bytes that the heap may have grown between the first half and the second: outcomes are not kept, noise is. */
const HEAP_NOISE = 1_000_000;

/** Many recoveries in a row leave nothing behind. */
export const ownerHundred: Scenario = {
  name: 'owner-hundred',
  title: `${RECOVERIES} recoveries in a row: every one ends well, and no descriptor, mapping or memory is left behind`,
  demands: ['R2.7'],
  layout: OWNED,
  atLeast: 400,
  async run(lab: Lab) {
    const { findings } = lab;
    const owner = await own(lab, ['ep_single']);
    const results = new Map<string, number>();
    const once = async (error: string): Promise<void> => {
      const from = now(owner);
      await lab.inject('ep_single', error);
      const { result } = await owner.until<Ended>('ended', () => true, from);
      results.set(result, (results.get(result) ?? 0) + 1);
    };
    const half = async (): Promise<Resources> => {
      for (let n = 0; n < RECOVERIES / 2; n++) await once(n % 2 === 0 ? INJECTED.nonfatal : INJECTED.fatal);
      return owner.ask<Resources>('resources');
    };
    await once(INJECTED.fatal);
    const first = await half();
    const second = await half();
    findings.check('every recovery ends well', Object.fromEntries(results), { recovered: RECOVERIES + 1 });
    findings.check('the device works', await works(owner, lab.bdf('ep_single')), true);
    findings.check('no descriptor is left', second.descriptors, first.descriptors);
    findings.check('nor one that the package knows of', second.known, first.known);
    findings.check('no mapping is left', second.mappings - first.mappings <= 2, true);
    findings.check('no memory is left', second.heap - first.heap < HEAP_NOISE, true);
    findings.fact('resources', { first, second });
    await owner.ask('quit');
  },
};
