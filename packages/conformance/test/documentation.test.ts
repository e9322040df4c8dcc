import { readFileSync, writeFileSync } from 'node:fs';
import {
  aerOwnerProfile,
  aerProfile,
  CASES,
  eehProfile,
  eehPseriesProfile,
  FACT_KINDS,
  zpciProfile,
} from '../src/index.js';
import { liveTable, updated } from './documentation.js';
import { LIVE_RUN, liveRunOf, type LiveRun } from './live-run.js';

const PAGE = new URL('../../../docs/conformance.md', import.meta.url);

const { UPDATE, LIVE } = process.env;

/** A report of the lab's scenario `conformance-live`, as far as it matters. */
const REPORT = {
  kernel: '7.3.4+deb13-amd64',
  packages: ['qemu-system-x86 1:11.1.3+ds-1~bpo13+1', 'busybox-static 1'],
  facts: {
    date: '2026-11-25',
    conformance: {
      harness: 'aer-owner (live)',
      results: [
        { id: 'live.gone-during-recovery', status: 'passed' },
        { id: 'live.many-leave-nothing-open', status: 'failed' },
      ],
    },
  },
} as const;

describe('docs/conformance.md', () => {
  if (UPDATE === '1' && LIVE !== undefined) {
    const report = JSON.parse(readFileSync(LIVE, 'utf8')) as Parameters<typeof liveRunOf>[0];
    writeFileSync(LIVE_RUN, `${JSON.stringify(liveRunOf(report), null, 2)}\n`);
  }

  it('has the current cases, and the harness of the example as it is run (UPDATE=1 rewrites the page; LIVE=<report.json> of the lab with it, the run that is kept)', () => {
    const page = readFileSync(PAGE, 'utf8');
    const current = updated(page);
    if (UPDATE === '1') writeFileSync(PAGE, current);
    else expect(page).toBe(current);
  });

  it('names every field of a profile, and every kind of fact that a witness can see', () => {
    const page = readFileSync(PAGE, 'utf8');
    const profiles = [aerProfile, aerOwnerProfile, eehProfile, eehPseriesProfile, zpciProfile];
    const named = [...new Set(profiles.flatMap((profile) => Object.keys(profile))), ...FACT_KINDS];
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('keeps a run on a real machine whose cases the suite has', () => {
    const { results } = JSON.parse(readFileSync(LIVE_RUN, 'utf8')) as LiveRun;
    const known = CASES.filter(({ level }) => level === 4).map(({ id }) => id);
    expect(known).toEqual(expect.arrayContaining(results.map(({ id }) => id)));
  });

  it('tells of a run with its day and versions, what failed and what was not run; and when there is none', () => {
    const lines = liveTable(liveRunOf(REPORT)).split('\n');
    expect(lines[0]).toContain('2026-11-25, Linux 7.3.4+deb13-amd64, QEMU 11.1.3');
    expect(lines).toContain('| `live.gone-during-recovery` | pass | no run yet | no run yet |');
    expect(lines).toContain('| `live.many-leave-nothing-open` | FAIL | no run yet | no run yet |');
    expect(lines).toContain('| `live.restart-finds-nothing` | not run | no run yet | no run yet |');
    expect(liveTable(undefined)).toMatch(/^No run on a real machine is kept/);
  });

  it('notices a page without the places that are filled in', () => {
    expect(() => updated('# Conformance')).toThrow(/no place for "cases"/);
  });
});
