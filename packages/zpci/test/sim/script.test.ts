import { FIRMWARE_CALLS, type FirmwareCall, type SimulatedZpci } from '../../src/sim/index.js';
import { AT, machine, said } from '../machine.js';

const A = AT[1];

const handle = (hardware: SimulatedZpci): number => hardware.inspect(1)!.fh;

const COMMANDS: ReadonlySet<FirmwareCall> = new Set(['list', 'query', 'enable', 'disable', 'enable_mio']);

/** Brings the function to where a call succeeds. */
function readyFor(call: FirmwareCall, hardware: SimulatedZpci): void {
  if (call === 'reset_block' || call === 'reset_error') hardware.detect(1);
  const { enabled } = hardware.inspect(1)!;
  const off = call === 'enable' || call === 'deconfigure';
  if (enabled && off) hardware.set(handle(hardware), 'disable');
  if (!enabled && !off) hardware.set(handle(hardware), 'enable');
  if (call === 'deconfigure') hardware.make(1, 'configured');
}

function make(call: FirmwareCall, hardware: SimulatedZpci): unknown {
  const fh = handle(hardware);
  if (call === 'list') return hardware.list();
  if (call === 'query') return hardware.query(fh);
  if (call === 'controls') return hardware.controls(fh);
  if (call === 'deconfigure') return hardware.deconfigure(1);
  if (call === 'enable' || call === 'disable' || call === 'enable_mio') return hardware.set(fh, call);
  return hardware.modify(fh, call);
}

describe('the script', () => {
  it.each(FIRMWARE_CALLS)('lets %s fail, as often as it says, after as many as it says', (call) => {
    const { hardware } = machine({ functions: [{ fid: 1, bdf: A, mio: true }] });
    hardware.script({ fault: 'call_fails', call, skip: 1, times: 2 });
    const answers = [1, 2, 3, 4].map(() => {
      readyFor(call, hardware);
      hardware.clearLog();
      make(call, hardware);
      const fact = hardware.log.find(({ kind }) => kind === 'firmware_call');
      return fact?.kind === 'firmware_call' ? fact.answer : undefined;
    });
    const [good, bad] = call === 'deconfigure' ? [1, 0] : COMMANDS.has(call) ? [0x10, 0x104] : [0, 1];
    expect(answers).toEqual([good, bad, bad, good]);
  });

  it('answers what it is told to', () => {
    const { hardware } = machine();
    hardware.script({ fault: 'call_fails', call: 'disable', answer: 0x108, times: 1 });
    hardware.script({ fault: 'call_fails', call: 'reset_block', answer: 1, status: 40, fid: 1 });
    expect(hardware.set(handle(hardware), 'disable')).toEqual({ response: 0x108, fh: 0 });
    expect(hardware.modify(handle(hardware), 'reset_block')).toEqual({ cc: 1, status: 40 });
    expect(hardware.modify(hardware.inspect(2)!.fh, 'register_translation').cc).toBe(0);
  });

  it('takes a function away in the middle of a call', () => {
    const { hardware } = machine();
    hardware.script({ fault: 'removed_at_call', call: 'enable', fid: 1, skip: 0 });
    const { fh } = hardware.set(handle(hardware), 'disable');
    expect(hardware.set(fh, 'enable').response).toBe(0x101);
    expect(hardware.inspect(1)).toBeUndefined();
    expect(hardware.list().functions.map(({ fid }) => fid)).toEqual([2, 3]);
  });

  it.each([
    ['list', (one: SimulatedZpci) => one.list().functions.some(({ fid }) => fid === 1)],
    ['query', (one: SimulatedZpci) => one.query(handle(one)).response === 0x10],
    ['controls', (one: SimulatedZpci) => one.controls(handle(one)).cc === 0],
    ['deconfigure', (one: SimulatedZpci) => one.deconfigure(1)],
  ] as const)('so that %s does not find it any more', (call, finds) => {
    const { hardware } = machine({ functions: [{ fid: 1, bdf: AT[1], enabled: call !== 'deconfigure' }] });
    hardware.script({ fault: 'removed_at_call', call, fid: 1, skip: 0 });
    expect(finds(hardware)).toBe(false);
    expect(hardware.inspect(1)).toBeUndefined();
  });

  it('lets what succeeds do nothing', () => {
    const { hardware } = machine();
    hardware.detect(1);
    for (const fault of ['stays_blocked', 'stays_in_error'] as const) hardware.script({ fault, fid: 1, times: 1 });
    expect(hardware.modify(handle(hardware), 'reset_block').cc).toBe(0);
    expect(hardware.modify(handle(hardware), 'reset_error').cc).toBe(0);
    expect(hardware.inspect(1)).toMatchObject({ blocked: true, error: true });
    hardware.script({ fault: 'reset_ignored', fid: 1, times: 1 });
    hardware.set(hardware.set(handle(hardware), 'disable').fh, 'enable');
    expect(hardware.inspect(1)).toMatchObject({ blocked: true, error: true });
  });

  it('loses records, and is over when it is disposed', async () => {
    const { hardware } = machine();
    const fault = hardware.script({ fault: 'notification_lost', fid: 1 });
    hardware.detect(1);
    fault[Symbol.dispose]();
    hardware.detect(1);
    expect(await said(hardware)).toHaveLength(1);
    expect(hardware.log.flatMap((fact) => (fact.kind === 'notification' ? [fact.lost] : []))).toEqual([true, false]);
  });
});
