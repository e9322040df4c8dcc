import { ANSWER_MACHINES, KERNEL_ANSWERS, type KernelAnswer, ScriptedKernel } from '@pci-recovery/vfio/testing';
import { type RowReport } from '../../../src/guest/answers/input.js';
import { liveBench } from '../../../src/guest/answers/live-bench.js';
import { tryRows } from '../../../src/guest/answers/try-rows.js';

const BDF = '0000:01:00.0';

/** One kernel for all rows, as in the guest: what a row leaves behind, the next one finds. */
const kernel = (): ScriptedKernel => new ScriptedKernel(ANSWER_MACHINES.x64);

const PLACE = { platform: 'x64', bdf: BDF, groupNumber: 1 } as const;

async function reports(rows: readonly KernelAnswer[], place = PLACE): Promise<readonly RowReport[]> {
  const all: RowReport[] = [];
  for await (const report of tryRows(rows, liveBench(kernel(), place))) all.push(report);
  return all;
}

const row = (more: Partial<KernelAnswer>): KernelAnswer => ({
  id: 'some.row',
  platforms: ['x64'],
  state: 'open',
  call: { fd: 'device', request: 'VFIO_DEVICE_RESET' },
  answer: 0,
  source: 'lab',
  ...more,
});

describe('rows that are tried one after the other on one kernel', () => {
  it('are reported each, in their order, and none leaves anything behind for the next one', async () => {
    const all = await reports(KERNEL_ANSWERS);
    expect(all.map(({ id }) => id)).toEqual(KERNEL_ANSWERS.map(({ id }) => id));
    expect(all.filter(({ event }) => event === 'broke')).toEqual([]);
    const tried = all.filter((report) => report.event === 'row');
    expect(tried.map(({ got }) => got)).toEqual(tried.map(({ expected }) => expected));
    expect(tried).toHaveLength(KERNEL_ANSWERS.filter(({ platforms }) => platforms.includes('x64')).length);
  });

  it('are reported with what was answered when the row says something else', async () => {
    expect(await reports([row({ answer: 'EBUSY' })])).toEqual([
      { event: 'row', id: 'some.row', got: { answer: 0 }, expected: { answer: 'EBUSY' } },
    ]);
  });

  it('are not tried on a machine that they are not for, nor when their state is of an error', async () => {
    expect(
      await reports([row({ id: 'elsewhere', platforms: ['ppc64', 's390x'] }), row({ id: 'broken', state: 'error' })]),
    ).toEqual([
      { event: 'untried', id: 'elsewhere', why: 'only on ppc64, s390x' },
      { event: 'untried', id: 'broken', why: 'the state "error" is not brought about here' },
    ]);
  });

  it('do not keep the others from being tried when one cannot be brought about', async () => {
    const refused = (id: string) => ({
      event: 'broke',
      id,
      error: expect.stringContaining('VFIO_GROUP_GET_DEVICE_FD failed with ENODEV') as string,
    });
    const nowhere = { ...PLACE, bdf: '0000:09:00.0' } as unknown as typeof PLACE;
    const all = await reports([row({ id: 'first' }), row({ id: 'ready', state: 'ready', call: api })], nowhere);
    expect(all).toEqual([refused('first'), { event: 'row', id: 'ready', got: { answer: 0 }, expected: { answer: 0 } }]);
  });
});

const api: KernelAnswer['call'] = { fd: 'container', request: 'VFIO_GET_API_VERSION' };
