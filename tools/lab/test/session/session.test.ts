import { busAddresses } from '../../src/session/bus-addresses.js';
import { Findings, passed, reportLines, type ScenarioReport } from '../../src/session/report.js';
import { Streams } from '../../src/session/streams.js';

describe('what the guest prints line by line', () => {
  const { signal } = new AbortController();

  it('is found when it came already, from the position on', async () => {
    const streams = new Streams();
    ['a1', 'b', 'a2'].forEach((line) => streams.add('log', line));
    expect(await streams.until('log', /^a/, 0, signal)).toBe('a1');
    expect(await streams.until('log', /^a/, 1, signal)).toBe('a2');
    expect(streams.since('log', 1, 2)).toEqual(['b']);
    expect(streams.position).toEqual({ log: 3, trace: 0, uevent: 0 });
  });

  it('is found when it comes', async () => {
    const streams = new Streams();
    const found = streams.until('trace', /wanted/, 0, signal);
    streams.add('log', 'wanted');
    streams.add('trace', 'other');
    streams.add('trace', 'wanted');
    expect(await found).toBe('wanted');
  });

  it('is waited for no longer than time allows', async () => {
    const time = new AbortController();
    const found = new Streams().until('log', /device recovery/, 0, time.signal);
    time.abort(new Error('it took too long'));
    await expect(found).rejects.toThrow('The log of the guest never said /device recovery/: it took too long.');
    await expect(new Streams().until('log', /x/, 0, time.signal)).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_TIMEOUT',
    });
  });
});

describe("addresses of QEMU's devices", () => {
  it('are found behind bridges, by name', () => {
    const endpoint = { bus: 1, slot: 0, function: 1, qdev_id: 'ep' };
    const nameless = { bus: 0, slot: 31, function: 0, qdev_id: '' };
    const port = { bus: 0, slot: 4, function: 0, qdev_id: 'rp1', pci_bridge: { devices: [endpoint] } };
    const spare = { bus: 0, slot: 5, function: 0, qdev_id: 'rp2', pci_bridge: {} };
    expect([...busAddresses([{ bus: 0, devices: [nameless, port, spare] }])]).toEqual([
      ['rp1', '0000:00:04.0'],
      ['ep', '0000:01:00.1'],
      ['rp2', '0000:00:05.0'],
    ]);
  });
});

describe('the report of a scenario', () => {
  const report = (findings: Findings, broke?: string): ScenarioReport => ({
    scenario: 'kernel-fatal',
    title: 'title',
    demands: [],
    machine: 'x86',
    kernel: '7.3.4',
    packages: [],
    checks: findings.checks,
    facts: findings.facts,
    ...(broke !== undefined && { broke }),
    seconds: { boot: 3.04, whole: 6.06 },
  });
  const findings = (...found: readonly number[]): Findings => {
    const all = new Findings();
    for (const one of found) all.check(`it is 1, not ${one}`, { value: one }, { value: 1 });
    return all;
  };

  it.each<[string, ScenarioReport, boolean]>([
    ['every rule held', report(findings(1, 1)), true],
    ['one did not', report(findings(1, 2)), false],
    ['it broke, whatever held before', report(findings(1), 'no answer'), false],
    ['nothing was checked', report(findings()), false],
  ])('%s', (_, what, ok) => expect(passed(what)).toBe(ok));

  it('keeps expectation and finding of what does not hold', () => {
    expect(findings(2).checks).toEqual([
      { rule: 'it is 1, not 2', holds: false, expected: { value: 1 }, found: { value: 2 } },
    ]);
  });

  it('tells people what failed, and why', () => {
    expect(reportLines(report(findings(1, 2), 'no answer'))).toEqual([
      'FAILED kernel-fatal: title (2 checks, 6.1 s, boot 3.0 s)',
      '  not so: it is 1, not 2',
      '    expected {"value":1}',
      '    found    {"value":2}',
      '  broke: no answer',
    ]);
    expect(reportLines(report(findings(1)))).toEqual(['ok kernel-fatal: title (1 checks, 6.1 s, boot 3.0 s)']);
  });
});
