import { main } from '../src/main.js';
import { capturedIo } from './captured-io.js';

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = capturedIo();
  const code = await main(['conformance', ...args], io);
  return { code, out: io.out(), err: io.err() };
}

const FEW = ['--platform', 'aer', '--only', 'contract.*'];

describe('conformance', () => {
  it('shows each case as it goes, and the sum', async () => {
    const { code, out } = await run(...FEW);
    expect(code).toBe(0);
    expect(out).toMatch(/^aer against the law "aer"\n/);
    expect(out).toMatch(/^ok {8}contract\.name-on-events: /m);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/^\d+ passed/);
  });

  it('--json writes one object per line: the run, its cases, the sum', async () => {
    const { out } = await run(...FEW, '--json');
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; properties: { status?: string } });
    for (const line of lines) expect(Object.keys(line)).toEqual(['timestamp', 'source', 'event', 'properties']);
    expect(lines.map((line) => line.event)).toEqual(['run', ...lines.slice(2).map(() => 'case'), 'summary']);
    expect(lines.filter((line) => line.properties.status === 'failed')).toEqual([]);
  });

  it('--tap writes a plan with as many points', async () => {
    const { out } = await run(...FEW, '--tap');
    const planned = Number(/^1\.\.(\d+)$/m.exec(out)![1]);
    expect(out.startsWith('TAP version 14\n')).toBe(true);
    expect(out.match(/^(not )?ok \d+ - /gm)).toHaveLength(planned);
  });

  it('--junit writes one document', async () => {
    const { out } = await run(...FEW, '--junit');
    expect(out.startsWith('<?xml version="1.0" encoding="UTF-8"?>\n')).toBe(true);
    expect(out.match(/<testsuites /g)).toHaveLength(1);
    expect(out).toContain('failures="0"');
  });

  it('--level chooses cases', async () => {
    const { out } = await run('--platform', 'aer', '--level', '1', '--json');
    const levels = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { properties: { level?: number } }).properties.level);
    expect(new Set(levels.slice(1, -1))).toEqual(new Set([1]));
  });

  it.each([
    [['--tap', '--junit'], 'cannot be used with'],
    [['--level', '7'], 'A level is 0, 1, 2, 3 or 4.'],
    [['--platform', 'sparc'], "argument 'sparc' is invalid"],
    [['--only', 'no.such.case'], 'has no case "no.such.case"'],
  ])('refuses %j as misuse', async (args, message) => {
    const { code, out, err } = await run(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(out).not.toContain('ok ');
  });
});
