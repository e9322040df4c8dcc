import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AnswerPlatform,
  KERNEL_ANSWERS,
  type KernelAnswer,
  scriptedBench,
  tryAnswer,
} from '../../src/testing/index.js';

const PLATFORMS: readonly AnswerPlatform[] = ['x64', 's390x', 'ppc64'];

describe.each(PLATFORMS)('the scripted kernel of %s answers as Linux 7.3', (platform) => {
  const bench = scriptedBench(platform);
  const rows = KERNEL_ANSWERS.filter(({ platforms }) => platforms.includes(platform));

  it.each(rows.map((row) => [row.id, row.answer, row] as [string, string | number, KernelAnswer]))(
    '%s: %s',
    async (_id, _answer, row) => {
      const { got, expected } = await tryAnswer(row, bench);
      expect(got).toEqual(expected);
    },
  );
});

describe('the rows of KERNEL_ANSWERS', () => {
  it('are named once each', () => {
    const ids = KERNEL_ANSWERS.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it('say where each answer was seen or read', () => {
    for (const { id, source } of KERNEL_ANSWERS) {
      expect([id, source]).toEqual([id, expect.stringMatching(/^(lab$|(drivers|arch)\/[\w/-]+\.c:)/)]);
    }
  });

  it('are there for each platform, with errors among them', () => {
    for (const platform of PLATFORMS) {
      const rows = KERNEL_ANSWERS.filter(({ platforms }) => platforms.includes(platform));
      expect(rows.filter(({ answer }) => typeof answer === 'string').length).toBeGreaterThan(30);
    }
  });

  it('of x86 are as many as docs/vfio.md says were tried on the real kernel, and the others too', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/vfio.md'), 'utf8');
    const numbers = [...page.matchAll(/(\d+) rows/g)].map(([, number]) => Number(number));
    const ofX86 = KERNEL_ANSWERS.filter(({ platforms }) => platforms.includes('x64')).length;
    expect(numbers).toEqual([ofX86, KERNEL_ANSWERS.length - ofX86]);
  });

  it('fail on a kernel that answers something else: a row that cannot fail would prove nothing', async () => {
    const bench = scriptedBench('x64');
    const lying = {
      ...bench,
      reach: async (state: KernelAnswer['state']) => {
        const scene = (await bench.reach(state))!;
        const syscalls = Object.create(scene.syscalls) as typeof scene.syscalls;
        const wrong = -4095;
        Object.assign(syscalls, {
          open: () => wrong,
          ioctlAsync: () => Promise.resolve(wrong),
          preadAsync: () => Promise.resolve(wrong),
          pwriteAsync: () => Promise.resolve(wrong),
        });
        return { ...scene, syscalls };
      },
    };
    for (const row of KERNEL_ANSWERS.filter(({ platforms }) => platforms.includes('x64'))) {
      const { got, expected } = await tryAnswer(row, lying);
      expect([row.id, got]).not.toEqual([row.id, expected]);
    }
  });
});
