import { FIRMWARE_CALLS, type SimulatedZpci } from '../../src/sim/index.js';
import { AT, machine, said } from '../machine.js';

const A = AT[1];

const handle = (hardware: SimulatedZpci): number => hardware.inspect(1)!.fh;

describe('the script', () => {
  it.each(FIRMWARE_CALLS)('lets %s fail, as often as it says, after as many as it says', (call) => {
    const { hardware } = machine({ functions: [{ fid: 1, bdf: A, mio: true }] });
    hardware.script({ fault: 'call_fails', call, skip: 1, times: 2 });
    const answers = [1, 2, 3, 4].map(() => {
      hardware.clearLog();
      const fh = handle(hardware);
      if (call === 'list') hardware.list();
      else if (call === 'query') hardware.query(fh);
      else if (call === 'controls') hardware.controls(fh);
      else if (call === 'deconfigure') hardware.deconfigure(1);
      else if (call === 'enable' || call === 'disable' || call === 'enable_mio') hardware.set(fh, call);
      else hardware.modify(fh, call);
      const fact = hardware.log.find(({ kind }) => kind === 'firmware_call');
      return fact?.kind === 'firmware_call' ? fact.answer : undefined;
    });
    const failure =
      call === 'deconfigure' ? 0 : ['list', 'query', 'enable', 'disable', 'enable_mio'].includes(call) ? 0x104 : 1;
    expect(answers.slice(1, 3)).toEqual([failure, failure]);
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
