import { parseBdf, type PciRecoveryError } from '@pci-recovery/core';
import { unreadable } from './host/machine.js';
import { ObserverBench } from './host/observer-bench.js';

const NIC = parseBdf('02:00.0');
const GO = new AbortController().signal;

const refusalOf = (promise: Promise<unknown>): Promise<Pick<PciRecoveryError, 'code' | 'permanence'>> =>
  promise.then(
    () => Promise.reject(new Error('It was not refused.')),
    ({ code, permanence }: PciRecoveryError) => ({ code, permanence }),
  );

describe('a reset by host administration', () => {
  it('has the kernel reset the function, and says by which methods it tries', async () => {
    const bench = await new ObserverBench().start();
    expect(await bench.drive(bench.platform.reset(NIC, { signal: GO }))).toEqual(['flr', 'bus']);
    expect(bench.machine.written).toEqual([{ bdf: NIC, attribute: 'reset', text: '1' }]);
  });

  it('runs apart from recoveries through the engine', async () => {
    const bench = await new ObserverBench().start();
    const scope = bench.platform.scopeOfFunctions([NIC]);
    expect(scope.members.map(({ bdf }) => bdf)).toEqual([NIC]);
    await bench.drive(bench.engine.exclusive(scope, () => bench.platform.reset(NIC, { signal: GO })));
    expect(bench.machine.written).toHaveLength(1);
  });

  it.each<[string, (bench: ObserverBench) => void, string]>([
    ['without any method', ({ machine }) => machine.attributes.set(`${NIC} reset_method`, ''), 'ERR_PCI_NO_RESET'],
    [
      'without the attribute',
      ({ machine }) => machine.attributes.set(`${NIC} reset_method`, undefined),
      'ERR_PCI_NO_RESET',
    ],
    [
      'of a function that does not answer (R2.9)',
      ({ machine }) => (machine.get(NIC).answers = false),
      'ERR_PCI_NO_ANSWER',
    ],
    [
      'of a function that cannot be read',
      ({ machine }) => machine.attributes.set(`${NIC} config`, unreadable()),
      'ERR_PCI_NO_ANSWER',
    ],
    ['of nobody', ({ machine }) => (machine.get(NIC).present = false), 'ERR_PCI_NOT_PRESENT'],
  ])('%s is refused before anything is done', async (_, break_, code) => {
    const bench = await new ObserverBench().start();
    break_(bench);
    expect(await bench.drive(refusalOf(bench.platform.reset(NIC, { signal: GO })))).toEqual({
      code,
      permanence: 'permanent',
    });
    expect(bench.machine.written).toEqual([]);
  });

  it('while the host recovers the function is refused for now (R3.5)', async () => {
    const bench = await new ObserverBench().start();
    const error = bench.kernel.error(NIC, 'fatal');
    await bench.pass(0.02);
    expect(await bench.drive(refusalOf(bench.platform.reset(NIC, { signal: GO })))).toEqual({
      code: 'ERR_PCI_BUSY',
      permanence: 'temporary',
    });
    await bench.drive(error);
    await bench.pass(10);
    await bench.drive(bench.platform.reset(NIC, { signal: GO }));
    expect(bench.machine.written).toHaveLength(1);
  });

  it('after which the function is silent is a failure', async () => {
    const bench = await new ObserverBench().start();
    bench.machine.onWrite = (bdf) => void (bench.machine.get(bdf).answers = false);
    expect((await bench.drive(refusalOf(bench.platform.reset(NIC, { signal: GO })))).code).toBe('ERR_PCI_NO_ANSWER');
  });

  it('that the kernel refuses is thrown as it came', async () => {
    const bench = await new ObserverBench().start();
    bench.machine.onWrite = () => {
      throw unreadable();
    };
    expect((await bench.drive(refusalOf(bench.platform.reset(NIC, { signal: GO })))).code).toBe('ERR_PCI_TEST');
  });

  it('that nobody wants any more is not begun', async () => {
    const bench = await new ObserverBench().start();
    const refusal = await bench.drive(refusalOf(bench.platform.reset(NIC, { signal: AbortSignal.abort() })));
    expect([refusal.code, bench.machine.written]).toEqual(['ERR_PCI_ABORTED', []]);
  });
});

describe('removal and rescan', () => {
  it('take a function out and find it again, also one that does not answer', async () => {
    const bench = await new ObserverBench().start();
    bench.machine.get(NIC).answers = false;
    bench.machine.onWrite = (bdf, attribute) =>
      attribute === 'remove' ? bench.kernel.unplug(bdf) : bench.kernel.replug(NIC);
    await bench.drive(bench.platform.remove(NIC, { signal: GO }));
    expect((await bench.drive(refusalOf(bench.platform.remove(NIC, { signal: GO })))).code).toBe('ERR_PCI_NOT_PRESENT');
    await bench.drive(bench.platform.rescan(parseBdf('00:07.0'), { signal: GO }));
    expect(bench.machine.written.map(({ attribute }) => attribute)).toEqual(['remove', 'rescan']);
    expect(bench.machine.get(NIC).present).toBe(true);
  });

  it('wait for whoever holds the function, as long as somebody wants to wait', async () => {
    const bench = await new ObserverBench().start();
    bench.machine.onWrite = () => new Promise(() => undefined);
    const enough = new AbortController();
    const refusal = refusalOf(bench.platform.remove(NIC, { signal: enough.signal }));
    await bench.pass(60);
    enough.abort();
    expect((await bench.drive(refusal)).code).toBe('ERR_PCI_ABORTED');
  });

  it.each(['remove', 'rescan'] as const)('%s is refused while the host recovers', async (what) => {
    const bench = await new ObserverBench().start();
    const error = bench.kernel.error(NIC, 'fatal');
    await bench.pass(0.02);
    expect((await bench.drive(refusalOf(bench.platform[what](NIC, { signal: GO })))).code).toBe('ERR_PCI_BUSY');
    await bench.drive(error);
  });
});
