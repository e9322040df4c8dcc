import { main } from '../src/main.js';
import { capturedIo } from './captured-io.js';

/** What a call answers. */
async function called(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = capturedIo();
  return { code: await main(args, io), out: io.out(), err: io.err() };
}

describe('a wrong call has exit code 2, prints nothing on stdout, and says what was wrong and where to read on', () => {
  it.each([
    [['explode'], "unknown command 'explode'", 'pci-recovery --help'],
    [['help', 'explode'], "unknown command 'explode'", 'pci-recovery --help'],
    [['list', 'more'], "too many arguments for 'list'", 'pci-recovery list --help'],
    [['watch', '--fault', 'fatal'], "unknown option '--fault'", 'pci-recovery watch --help'],
    [['recover'], "missing required argument 'bdf'", 'pci-recovery recover --help'],
    [['simulate', '--platform', 'arm'], 'Allowed choices are aer, eeh, zpci, all', 'pci-recovery simulate --help'],
    [['simulate', '--list', '--fault', 'fatal'], "cannot be used with option '--fault", 'pci-recovery simulate --help'],
    [['simulate', '--fault', 'flood'], 'There is no fault "flood"', 'pci-recovery simulate --list'],
    [['decode'], "missing required argument 'file'", 'pci-recovery decode --help'],
    [['conformance', '--level', '7'], 'A level is 0, 1, 2, 3 or 4.', 'pci-recovery conformance --help'],
    [['conformance', '--tap', '--json'], "cannot be used with option '--tap'", 'pci-recovery conformance --help'],
    [['conformance', '--only', 'votes.typo'], 'no case "votes.typo"', 'docs/conformance.md'],
    [['conformance', '--only', 'votes.*', '--level', '0'], 'No case has such an id and level', 'docs/conformance.md'],
  ] as const)('%j', async (args, wrong, further) => {
    const { code, out, err } = await called(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(wrong);
    expect(err).toContain(further);
    expect(err).toMatch(/^pci-recovery: /);
    expect(err).not.toMatch(/^\s+at /m);
    expect(err.trimEnd().split('\n').length).toBeLessThanOrEqual(3);
  });
});

describe('help', () => {
  const commands = ['list', 'watch', 'recover', 'simulate', 'decode', 'conformance'];

  it.each(commands)('of %s is the same by either way, with its exit codes', async (name) => {
    const { code, out, err } = await called('help', name);
    expect([code, err]).toEqual([0, '']);
    expect((await called(name, '--help')).out).toBe(out);
    expect(out).toMatch(/^Exit codes: 0 /m);
  });

  it('without a name is that of the whole', async () => {
    expect((await called('help')).out).toBe((await called('--help')).out);
  });

  it('of the whole names every command', async () => {
    const { out } = await called('--help');
    expect(commands.filter((name) => !out.includes(`  ${name} `))).toEqual([]);
  });
});
