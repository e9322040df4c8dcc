import { main } from '../src/main.js';
import { SIMULATIONS } from '../src/simulation/simulations.js';
import { capturedIo } from './captured-io.js';

interface Line {
  timestamp: string;
  source: string;
  event: string;
  properties: Record<string, unknown>;
}

async function simulateJson(...args: string[]): Promise<{ code: number; lines: Line[] }> {
  const io = capturedIo();
  const code = await main(['simulate', '--json', ...args], io);
  expect(io.err()).toBe('');
  const lines = io
    .out()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return { code, lines };
}

const faults = [...SIMULATIONS.values()].flatMap(({ platform, faults: all }) =>
  all.map((fault) => [platform, fault.name, fault.ends] as const),
);

describe('simulate', () => {
  it.each(faults)('%s %s ends as %s, and the exit code says so', async (platform, fault, ends) => {
    const { code, lines } = await simulateJson('--platform', platform, '--fault', fault);
    const last = lines.at(-1)!;
    expect(last.event).toBe('outcome');
    expect(last.properties).toMatchObject({ platform, result: ends, scope: { id: expect.any(String) as string } });
    expect(code).toBe(ends === 'disconnected' ? 4 : 0);
  });

  it('--json writes one object per line, with timestamp, source, event and properties, in the order of time', async () => {
    const { lines } = await simulateJson();
    for (const line of lines) {
      expect(Object.keys(line)).toEqual(['timestamp', 'source', 'event', 'properties']);
      expect(new Date(line.timestamp).toISOString()).toBe(line.timestamp);
    }
    for (const source of new Set(lines.map((line) => line.source))) {
      const times = lines.filter((line) => line.source === source).map((line) => line.timestamp);
      expect(times).toEqual([...times].sort());
    }
  });

  it('shows a readable timeline with the kernel’s names, in virtual time', async () => {
    const io = capturedIo();
    expect(await main(['simulate', '--platform', 'aer', '--fault', 'fatal'], io)).toBe(0);
    const names = io
      .out()
      .split('\n')
      .flatMap((line) => /^ *[\d.]+ ms {2}(\S+)/.exec(line)?.[1] ?? []);
    expect(names).toEqual([
      'error',
      'confirm_source',
      'error_detected',
      'reset_subordinates',
      'reset_subordinates',
      'slot_reset',
      'resume',
      'clear_status',
      'clear_status',
      'recovered',
    ]);
    expect(io.out()).toContain('122.000 ms');
  });

  it('--list names every fault, as text and as JSON', async () => {
    const text = capturedIo();
    const json = capturedIo();
    expect([await main(['simulate', '--list'], text), await main(['simulate', '--list', '--json'], json)]).toEqual([
      0, 0,
    ]);
    for (const [, fault] of faults) expect(text.out()).toContain(fault);
    expect(json.out().trimEnd().split('\n')).toHaveLength(faults.length);
  });

  it.each([
    [['--fault', 'meteorite'], 'There is no fault "meteorite"'],
    [['--platform', 'sparc'], "argument 'sparc' is invalid"],
  ])('refuses %j as misuse', async (args, message) => {
    const io = capturedIo();
    expect(await main(['simulate', ...args], io)).toBe(2);
    expect(io.err()).toContain(message);
  });

  it.each([
    ['on a terminal', { isTTY: true }, true],
    ['with NO_COLOR', { isTTY: true, env: { NO_COLOR: '1' } }, false],
    ['on a dumb terminal', { isTTY: true, env: { TERM: 'dumb' } }, false],
    ['into a pipe', {}, false],
  ])('%s colours are %#', async (_, options, coloured) => {
    const io = capturedIo(options);
    await main(['simulate'], io);
    expect(io.out().includes('\u001b[')).toBe(coloured);
  });
});

describe('help', () => {
  it.each([[['--help']], [['simulate', '--help']], [['decode', '--help']], [['conformance', '--help']]])(
    '%j has examples',
    async (args) => {
      const io = capturedIo();
      expect(await main(args, io)).toBe(0);
      expect(io.out()).toContain('Examples:');
    },
  );

  it('--version prints the version', async () => {
    const io = capturedIo();
    expect(await main(['--version'], io)).toBe(0);
    expect(io.out()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
