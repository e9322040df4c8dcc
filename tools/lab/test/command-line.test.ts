import { cacheFolder, parseCommandLine } from '../src/command-line.js';
import { chosenScenarios, machineNamed } from '../src/run-lab.js';
import { MACHINES } from '../src/scenarios/machines.js';

const usage = expect.objectContaining({ code: 'ERR_PCI_LAB_USAGE' }) as Error;

describe('the command line', () => {
  it('needs a machine; everything else has a default', () => {
    expect(parseCommandLine(['x86'])).toEqual({
      machine: 'x86',
      scenarios: [],
      list: false,
      refresh: false,
      kernel: '7.3',
      timeout: 120,
    });
  });

  it('takes scenarios and options', () => {
    const args = [
      'x86',
      'boot',
      '--kernel',
      '7.2',
      'kernel-fatal',
      '--artefacts',
      'out',
      '--timeout',
      '5',
      '--refresh',
    ];
    expect(parseCommandLine(args)).toEqual({
      machine: 'x86',
      scenarios: ['boot', 'kernel-fatal'],
      list: false,
      refresh: true,
      kernel: '7.2',
      artefacts: 'out',
      timeout: 5,
    });
  });

  it.each([
    [[]],
    [['x86', '--nonsense']],
    [['x86', '--timeout', 'soon']],
    [['x86', '--timeout', '0']],
    [['x86', '--kernel', 'new']],
  ])('refuses %j', (args) => expect(() => parseCommandLine(args)).toThrow(usage));

  it('names machines and scenarios that there are', () => {
    expect(() => machineNamed('mips')).toThrow('There is no machine "mips": the lab has x86.');
    expect(() => chosenScenarios(machineNamed('x86'), ['boot', 'nonsense'])).toThrow('x86 has no scenario nonsense');
  });

  it('runs all scenarios, or those that are named, in the machine’s order', () => {
    const x86 = machineNamed('x86');
    expect(chosenScenarios(x86, [])).toBe(x86.scenarios);
    expect(chosenScenarios(x86, ['kernel-fatal', 'boot']).map(({ name }) => name)).toEqual(['boot', 'kernel-fatal']);
  });
});

describe('the cache', () => {
  it.each([
    [{}, '/home/me/.cache/pci-recovery-lab'],
    [{ XDG_CACHE_HOME: '/c' }, '/c/pci-recovery-lab'],
    [{ XDG_CACHE_HOME: '/c', PCI_RECOVERY_LAB_CACHE: '/d' }, '/d'],
    [{ XDG_CACHE_HOME: '', PCI_RECOVERY_LAB_CACHE: '' }, '/home/me/.cache/pci-recovery-lab'],
  ])('of %j is %s', (env, folder) => expect(cacheFolder(env, '/home/me')).toBe(folder));
});

describe.each(MACHINES.map((one) => [one.machine.name, one] as const))('scenarios of %s', (_, { scenarios }) => {
  it('have names of their own', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  });

  it.each(scenarios.map((one) => [one.name, one] as const))(
    '%s cites demands, and its devices have names of their own',
    (name, one) => {
      expect(name).toMatch(/^[a-z][a-z-]+$/);
      expect(one.demands.length).toBeGreaterThan(0);
      for (const demand of one.demands) expect(demand).toMatch(/^R[1-5]\.\d+$/);
      const ids = one.layout.ports.flatMap(({ id, endpoints }) => [id, ...endpoints.map((endpoint) => endpoint.id)]);
      expect(new Set(ids).size).toBe(ids.length);
    },
  );
});
