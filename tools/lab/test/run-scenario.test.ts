import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Machine } from '../src/machine/machine.js';
import { runScenario, type RunOptions } from '../src/run-scenario.js';
import { type Scenario } from '../src/scenarios/scenario.js';
import { passed } from '../src/session/report.js';

/** How a boot of the fake machine goes. */
type Course = 'good' | 'panic' | 'mute';

describe('a scenario', () => {
  let folder: string;
  let said: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lab-run-'));
    said = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const machine = (courses: readonly Course[]): Machine => ({
    name: 'fake',
    architecture: 'amd64',
    kernelFlavour: 'amd64',
    emulator: { package: 'none', atLeast: '1', program: 'none', firmware: [] },
    modules: [],
    probes: [
      { function: 'taken', fields: {} },
      { function: 'refused', fields: {} },
    ],
    traceEvents: ['ras/aer_event'],
    qemuArguments: (_, { monitorSocket, agentSocket, consoleLog }) => [
      ...[monitorSocket, agentSocket, consoleLog, join(folder, 'boots'), ...courses],
    ],
  });

  const options = (courses: readonly Course[], more: Partial<RunOptions> = {}): RunOptions => ({
    machine: machine(courses),
    emulator: [process.execPath, join(import.meta.dirname, 'fake-qemu.mjs')],
    kernel: 'kernel',
    initramfs: 'initramfs',
    packages: ['qemu 11'],
    artefacts: join(folder, 'out'),
    limits: { boot: 60_000, scenario: 60_000 },
    signal: new AbortController().signal,
    progress: (line) => said.push(line),
    ...more,
  });

  const scenario = (run: Scenario['run']): Scenario => {
    const layout = { ports: [{ id: 'rp', endpoints: [{ id: 'ep' }] }] };
    return { name: 'one', title: 'shows one thing', demands: ['R3.1'], layout, run };
  };

  const boots = (): readonly number[] => readFileSync(join(folder, 'boots'), 'utf8').trim().split('\n').map(Number);
  const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}/cmdline`);

  const good = scenario(async (lab) => {
    const seen = await lab.observe('step', () => lab.inject('ep', 'COMP_TIME'));
    lab.findings.check('the endpoint has an address', lab.bdf('ep'), '0000:01:00.0');
    lab.findings.check('nothing was seen', [seen.calls, seen.uevents, seen.log], [[], [], []]);
    lab.findings.check(
      'refused probes are known',
      lab.unprobed.map((probe) => probe.function),
      ['refused'],
    );
    lab.findings.fact('printed', await lab.guest.exec('echo'));
  });

  it('is carried out on a machine of its own, and leaves its evidence', async () => {
    const report = await runScenario(good, options(['good']));
    expect(report).toMatchObject({
      scenario: 'one',
      machine: 'fake',
      kernel: '7.3.4-fake',
      packages: ['qemu 11'],
      facts: { printed: 'out' },
    });
    expect(report.checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(passed(report)).toBe(true);
    expect(readdirSync(join(folder, 'out', 'one')).sort()).toEqual(
      ['evidence-step.json', 'kernel.log', 'qemu-command-line.txt', 'report.json', 'trace.txt', 'uevents.txt'].sort(),
    );
    expect(boots().map(isRunning)).toEqual([false]);
  });

  it('is booted once more when the first boot fails', async () => {
    expect(passed(await runScenario(good, options(['panic', 'good'])))).toBe(true);
    expect(boots()).toHaveLength(2);
    expect(said.join('\n')).toContain('trying once more: QEMU ended with status 1.');
  });

  it('is not booted a third time; the error has the last words of QEMU and of the guest', async () => {
    await expect(runScenario(good, options(['panic', 'panic', 'good']))).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_MACHINE',
      message: 'QEMU ended with status 1. qemu: says something\nKernel panic - not syncing: test',
    });
    expect(boots()).toHaveLength(2);
  });

  it('is given up when it is stopped before the agent is there', async () => {
    const stop = new AbortController();
    const progress = (line: string): void => {
      if (line.includes('mute')) stop.abort(new Error('SIGTERM'));
    };
    const run = runScenario(good, options(['mute', 'good'], { signal: stop.signal, progress }));
    await expect(run).rejects.toMatchObject({ code: 'ERR_PCI_LAB_TIMEOUT' });
    expect(boots().map(isRunning)).toEqual([false]);
  });

  it('breaks, and is reported, when the machine ends in the midst of it', async () => {
    const report = await runScenario(
      scenario(async (lab) => void (await lab.guest.exec('die'))),
      options(['good']),
    );
    expect(report.broke).toContain('QEMU ended with status 7');
    expect(passed(report)).toBe(false);
    expect(existsSync(join(folder, 'out', 'one', 'report.json'))).toBe(true);
  });

  it('breaks when it takes too long, and the machine is ended', async () => {
    const limits = { boot: 60_000, scenario: 1 };
    const hang = scenario(async (lab) => void (await lab.guest.exec('hang')));
    const report = await runScenario(hang, options(['good'], { limits }));
    expect(report.broke).toContain('ERR_PCI_LAB_TIMEOUT');
    expect(boots().map(isRunning)).toEqual([false]);
  });

  it('ends with its machine when the driver is told to stop', async () => {
    const stop = new AbortController();
    const stopped = scenario(async (lab) => {
      stop.abort(new Error('SIGINT'));
      await lab.guest.exec('hang');
    });
    const report = await runScenario(stopped, options(['good'], { signal: stop.signal }));
    expect(report.broke).toBeDefined();
    expect(boots().map(isRunning)).toEqual([false]);
  });

  it('breaks when it asks for what is not there', async () => {
    const report = await runScenario(
      scenario(async (lab) => void lab.bdf('nowhere')),
      options(['good']),
    );
    expect(report.broke).toBe('The machine has no PCI device "nowhere". [ERR_PCI_LAB_MACHINE]');
  });
});
