import { x86 } from '../../src/machine/x86.js';
import { Lab } from '../../src/session/lab.js';
import { type RunningMachine } from '../../src/session/running-machine.js';
import { Streams } from '../../src/session/streams.js';

/** A lab whose monitor notes what it is told, and answers `said`. */
function labOf(said = 'OK id: ep'): { readonly lab: Lab; readonly streams: Streams; readonly told: string[] } {
  const streams = new Streams();
  const told: string[] = [];
  const monitor = { human: (line: string) => Promise.resolve((told.push(line), line.startsWith('pcie') ? said : '')) };
  const running = { streams, monitor } as unknown as RunningMachine;
  return { lab: new Lab(running, x86, new AbortController().signal), streams, told };
}

describe('errors that are injected together', () => {
  it('come while the machine stands still', async () => {
    const { lab, told } = labOf();
    await lab.injectTogether(['a', 'COMP_TIME'], ['b', 'MALF_TLP']);
    expect(told).toEqual(['stop', 'pcie_aer_inject_error a COMP_TIME', 'pcie_aer_inject_error b MALF_TLP', 'cont']);
  });

  it('let it go on also when one is refused', async () => {
    const { lab, told } = labOf('invalid error status');
    await expect(lab.injectTogether(['a', 'NONSENSE'])).rejects.toMatchObject({ code: 'ERR_PCI_LAB_MONITOR' });
    expect(told.at(-1)).toBe('cont');
  });
});

describe('lines of the log that are waited for', () => {
  it('are counted from now on', async () => {
    const { lab, streams } = labOf();
    streams.add('log', '1: device recovery failed');
    const third = lab.logged(/device recovery/, 3);
    for (const line of ['2: device recovery failed', 'x', '3: device recovery failed']) streams.add('log', line);
    streams.add('log', '4: device recovery successful');
    expect(await third).toBe('4: device recovery successful');
  });

  it('are one where nothing else is said, whenever it comes', async () => {
    const { lab, streams } = labOf();
    const first = lab.logged(/device recovery/);
    streams.add('log', 'device recovery successful');
    streams.add('log', 'device recovery failed');
    expect(await first).toBe('device recovery successful');
  });
});
