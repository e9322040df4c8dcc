import { parseBdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import fc from 'fast-check';
import { decodePhbDiag } from '../../src/diag/index.js';
import {
  OPAL,
  OPAL_ACTION,
  OPAL_ASSERT,
  OPAL_ERROR,
  OPAL_FREEZE,
  OPAL_RESET,
  RTAS,
  type OpalFirmware,
  type RtasFirmware,
} from '../../src/index.js';
import { simulateEeh, type EehFact } from '../../src/sim/index.js';
import { A, B, CARD, factsOf, type Machine } from '../platform/host.js';
import { LEFT, PF, SEPARATE, single, SWITCH, VF1, VIRTUAL } from '../platform/machines.js';

const made = (machine: Machine) => {
  const clock = new VirtualClock();
  return { clock, hardware: simulateEeh({ clock, ...machine }) };
};
const opal = (machine: Machine = CARD) => {
  const { clock, hardware } = made(machine);
  return { clock, hardware, firmware: hardware.firmware as OpalFirmware };
};
const rtas = (machine: Machine = CARD) => {
  const { clock, hardware } = made({ ...machine, firmware: 'rtas' });
  const firmware = hardware.firmware as RtasFirmware;
  return { clock, hardware, firmware, pe: firmware.configAddress(A)! };
};
const PE = 2;

describe('the two freeze bits of a PE (R4.5)', () => {
  it.each([
    [false, false, OPAL_FREEZE.NOT_FROZEN, 0],
    [true, false, OPAL_FREEZE.MMIO, 2],
    [false, true, OPAL_FREEZE.DMA, 4],
    [true, true, OPAL_FREEZE.MMIO_DMA, 2],
  ])('MMIO %s, DMA %s: OPAL code %i, RTAS state %i', (mmio, dma, code, state) => {
    const power = opal();
    power.hardware.freeze(A, { mmio, dma });
    expect(power.firmware.freezeStatus(0, PE)).toMatchObject({ rc: OPAL.SUCCESS, freeze: code });
    const series = rtas();
    series.hardware.freeze(A, { mmio, dma });
    expect(series.firmware.readSlotResetState(0, series.pe)).toMatchObject({ status: 0, state, supported: true });
  });

  it('stop what they say: reads give all ones and writes are lost, DMA does not get through', () => {
    const { hardware } = opal();
    hardware.writeMemory(A, 16, 42);
    expect([hardware.readMemory(A, 16), hardware.dma(A)]).toEqual([42, true]);
    hardware.freeze(A, { dma: false });
    hardware.writeMemory(A, 16, 43);
    expect([hardware.readMemory(A, 16), hardware.dma(A)]).toEqual([0xffff_ffff, true]);
    hardware.freeze(A, { mmio: false });
    expect(hardware.dma(B)).toBe(false);
  });

  it('close configuration space on a P7IOC and on pSeries, and nowhere else', () => {
    const [bridge] = CARD.hostBridges;
    for (const [machine, closed] of [
      [CARD, false],
      [{ hostBridges: [{ ...bridge!, model: 'phb3' as const }] }, false],
      [{ hostBridges: [{ ...bridge!, model: 'p7ioc' as const }] }, true],
      [{ ...CARD, firmware: 'rtas' as const }, true],
    ] as const) {
      const { hardware } = made(machine);
      hardware.freeze(A);
      hardware.writeConfig(A, 0x3c, 1, 0x55);
      expect(hardware.readConfig(A, 0, 4)).toBe(closed ? 0xffff_ffff : 0x0001_1014);
      hardware.freeze(B);
      (hardware.firmware as OpalFirmware).freezeClear?.(0, PE, 3);
      if (hardware.firmware.kind === 'opal') expect(hardware.readConfig(A, 0x3c, 1)).toBe(closed ? 0 : 0x55);
    }
  });

  it('concern all functions of the PE, and no other PE', () => {
    const { hardware } = made(SEPARATE);
    hardware.freeze('0001:01:00.0');
    expect(['0000:01:00.0', '0001:01:00.0'].map((bdf) => hardware.readMemory(bdf, 0))).toEqual([0, 0xffff_ffff]);
  });

  it('are lifted one by one', () => {
    const { hardware, firmware } = opal();
    hardware.freeze(A);
    expect(firmware.freezeClear(0, PE, OPAL_ACTION.MMIO)).toBe(0);
    expect(hardware.frozen(A)).toEqual({ mmio: false, dma: true });
    expect(firmware.freezeClear(0, PE, OPAL_ACTION.DMA)).toBe(0);
    expect(firmware.freezeStatus(0, PE).freeze).toBe(OPAL_FREEZE.NOT_FROZEN);
  });

  it('DMA is not let go by RTAS while MMIO is stopped', () => {
    const { hardware, firmware, pe } = rtas();
    hardware.freeze(A);
    expect(firmware.setEehOption(0, pe, 3)).toBe(RTAS.HARDWARE_ERROR);
    expect([firmware.setEehOption(0, pe, 2), firmware.setEehOption(0, pe, 3)]).toEqual([0, 0]);
  });

  it('any sequence of freezes and thaws leaves what a model of two booleans says', () => {
    const step = fc.record({ set: fc.boolean(), mmio: fc.boolean(), dma: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { hardware, firmware } = opal();
        const model = { mmio: false, dma: false };
        for (const { set, mmio, dma } of steps) {
          const action = (mmio ? OPAL_ACTION.MMIO : 0) | (dma ? OPAL_ACTION.DMA : 0);
          if (set) firmware.freezeSet(0, PE, action);
          else firmware.freezeClear(0, PE, action);
          if (mmio) model.mmio = set;
          if (dma) model.dma = set;
          expect(hardware.frozen(B)).toEqual(model);
          expect(firmware.freezeStatus(0, PE).freeze).toBe((model.mmio ? 1 : 0) | (model.dma ? 2 : 0));
        }
      }),
    );
  });
});

describe('host bridges (R4.6)', () => {
  it('fenced: nobody answers, every state is a PHB error, and only a complete reset helps', () => {
    const { clock, hardware, firmware } = opal();
    hardware.fence(0);
    expect(hardware.readConfig(A, 0, 4)).toBe(0xffff_ffff);
    expect(firmware.freezeStatus(0, 0).error).toBe(OPAL_ERROR.PHB);
    expect(firmware.freezeClear(0, PE, OPAL_ACTION.ALL)).toBe(OPAL.HARDWARE);
    expect(firmware.reset({ phb: 0 }, OPAL_RESET.HOT, OPAL_ASSERT.ASSERT)).toBe(OPAL.HARDWARE);
    expect(firmware.reset({ phb: 0 }, OPAL_RESET.PHB_COMPLETE, OPAL_ASSERT.ASSERT)).toBe(1500);
    clock.advance(1500);
    expect([firmware.poll({ phb: 0 }), firmware.freezeStatus(0, 0).error]).toEqual([0, OPAL_ERROR.NONE]);
    expect(hardware.readConfig(A, 0, 4)).not.toBe(0xffff_ffff);
  });

  it('dead: nothing helps', () => {
    const { hardware, firmware } = opal();
    hardware.kill(0);
    expect(firmware.reset({ phb: 0 }, OPAL_RESET.PHB_COMPLETE, OPAL_ASSERT.ASSERT)).toBe(OPAL.HARDWARE);
    expect(hardware.answers(A)).toBe(false);
  });

  it('are independent of each other; a dead hub takes all', () => {
    const { hardware } = made(SEPARATE);
    hardware.fence(1);
    const answering = (): boolean[] => [0, 1, 2].map((phb) => hardware.answers(`000${phb}:01:00.0`));
    expect(answering()).toEqual([true, false, true]);
    hardware.killHub();
    expect(answering()).toEqual([false, false, false]);
  });

  it('report errors one by one, each once, and raise the interrupt', async () => {
    const { hardware, firmware, clock } = opal();
    hardware.freeze(A, { reported: true });
    hardware.inform(0);
    const stop = new AbortController();
    const interrupts = hardware.errorInterrupts({ signal: stop.signal });
    expect(await clock.drive(interrupts.next())).toMatchObject({ done: false });
    const reports = [0, 1, 2].map(() => firmware.nextError(0)).map(({ error, severity, pe }) => [error, severity, pe]);
    expect(reports).toEqual([
      [3, 4, PE],
      [2, 5, 0],
      [0, 0, 0],
    ]);
    const next = interrupts.next();
    stop.abort();
    expect(await clock.drive(next)).toEqual({ done: true, value: undefined });
  });

  it.each([
    ['phb3', 4392],
    ['phb4', 8576],
    ['p7ioc', 2320],
  ] as const)('give diagnostic data of %s, %i bytes, that names the frozen PE (R4.7)', (model, length) => {
    const [bridge] = CARD.hostBridges;
    const { hardware, firmware } = opal({ hostBridges: [{ ...bridge!, model }] });
    hardware.freeze(A, { mmio: false });
    const { rc, blob } = firmware.diagData(0);
    expect([rc, blob.length]).toEqual([0, length]);
    const { data, findings } = decodePhbDiag(blob);
    expect(findings).toEqual([]);
    expect(data!.pest).toEqual([{ pe: PE, a: 0n, b: 1n << 63n }]);
  });
});

describe('resets (R4.8)', () => {
  it('by OPAL run by themselves: polls say how long, everything below the root port loses its state, freezes stay', () => {
    const { clock, hardware, firmware } = opal();
    hardware.writeMemory(A, 0, 7);
    hardware.freeze(A);
    expect(firmware.reset({ phb: 0 }, OPAL_RESET.FUNDAMENTAL, OPAL_ASSERT.ASSERT)).toBe(1000);
    clock.advance(400);
    expect(firmware.poll({ phb: 0 })).toBe(600);
    expect(hardware.answers(A)).toBe(false);
    expect(firmware.reset({ phb: 0 }, OPAL_RESET.HOT, OPAL_ASSERT.ASSERT)).toBe(OPAL.BUSY);
    clock.advance(600);
    expect([firmware.poll({ phb: 0 }), hardware.readConfig(A, 4, 2), hardware.frozen(A).mmio]).toEqual([0, 0, true]);
    const [begin, end] = factsOf(hardware, 'reset_begin', 'reset_end');
    expect([begin!.functions, end]).toMatchObject([[A, B], { ok: true, held: 1e9, reset: 'fundamental' }]);
  });

  it('by RTAS last until they are taken back, and lift the freeze then', () => {
    const { clock, hardware, firmware, pe } = rtas();
    hardware.freeze(A);
    expect(firmware.setSlotReset(0, pe, 1)).toBe(0);
    expect(firmware.readSlotResetState(0, pe).state).toBe(1);
    clock.advance(250);
    expect(firmware.setSlotReset(0, pe, 0)).toBe(0);
    expect([firmware.readSlotResetState(0, pe).state, hardware.frozen(A)]).toEqual([0, { mmio: false, dma: false }]);
    expect(factsOf(hardware, 'reset_end')[0]).toMatchObject({ reset: 'pe', held: 250e6, functions: [A, B] });
  });

  it('of a bus go through its bridge’s control register', () => {
    const { clock, hardware } = made(SWITCH);
    const port = parseBdf('0000:02:00.0');
    hardware.writeConfig(port, 0x3e, 2, 0x40);
    expect(hardware.answers(LEFT)).toBe(false);
    clock.advance(250);
    hardware.writeConfig(port, 0x3e, 2, 0);
    expect([hardware.answers(LEFT), hardware.readConfig(LEFT, 4, 2)]).toEqual([true, 0]);
    expect(factsOf(hardware, 'reset_end')[0]).toMatchObject({ reset: 'bus', held: 250e6, functions: [LEFT] });
  });

  it('of a virtual function reach it alone', () => {
    const { hardware } = made(VIRTUAL);
    hardware.writeMemory(VF1, 0, 5);
    hardware.writeMemory(PF, 0, 6);
    hardware.writeConfig(VF1, 0x48, 2, 0x8000);
    expect([hardware.readMemory(VF1, 0), hardware.readMemory(PF, 0)]).toEqual([0, 6]);
    expect(factsOf(hardware, 'reset_begin')[0]).toMatchObject({ reset: 'flr', functions: [VF1] });
  });

  it('take a function the time it says to come back; a script keeps it away', () => {
    const { clock, hardware, firmware } = opal(single({ readyAfterMs: 50 }));
    const again = (): boolean[] => {
      firmware.reset({ phb: 0 }, OPAL_RESET.HOT, OPAL_ASSERT.ASSERT);
      clock.advance(300 + 49);
      const before = hardware.answers(A);
      clock.advance(1);
      return [before, hardware.answers(A)];
    };
    expect(again()).toEqual([false, true]);
    hardware.script({ fault: 'never_ready', bdf: A, times: 1 });
    expect(again()).toEqual([false, false]);
    expect(again()).toEqual([false, true]);
  });
});

describe('configuration space', () => {
  const width = fc.constantFrom(1 as const, 2 as const, 4 as const);
  const offset = fc.oneof(fc.integer({ min: -8, max: 4104 }), fc.constantFrom(0.5, NaN, 2 ** 32));

  it('takes any access: what does not fit reads all ones, beyond the registers are zeros, and no write throws', () => {
    const { hardware } = made(CARD);
    fc.assert(
      fc.property(offset, width, fc.integer({ min: 0, max: 0xffff_ffff }), (at, bytes, value) => {
        hardware.writeConfig(A, at, bytes, value);
        const read = hardware.readConfig(A, at, bytes);
        const fits = Number.isInteger(at) && at >= 0 && at + bytes <= 4096 && at % bytes === 0;
        if (!fits) expect(read).toBe(256 ** bytes - 1);
        else if (at >= 0x200) expect(read).toBe(0);
        else expect(read).toBeGreaterThanOrEqual(0);
        expect(hardware.readConfig(A, 0, 4)).toBe(0x0001_1014);
      }),
    );
  });
});

describe('the witness', () => {
  it('only grows, its times never go back, and what it keeps is bounded', () => {
    const { clock, hardware, firmware } = opal({ ...CARD, log: { limit: 10, calls: true } });
    for (let round = 0; round < 30; round++) {
      hardware.freeze(A);
      clock.advance(1);
      firmware.freezeClear(0, PE, 3);
    }
    const times = hardware.log.map(({ time }: EehFact) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(hardware.log.length).toBeLessThan(20);
    expect(hardware.logDropped).toBeGreaterThan(0);
  });

  it('sees resets in pairs, whatever is done', () => {
    const act = fc.constantFrom('hot', 'complete', 'fence', 'freeze', 'wait');
    fc.assert(
      fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
        const { clock, hardware, firmware } = opal();
        for (const one of acts) {
          if (one === 'hot') firmware.reset({ phb: 0 }, OPAL_RESET.HOT, OPAL_ASSERT.ASSERT);
          if (one === 'complete') firmware.reset({ phb: 0 }, OPAL_RESET.PHB_COMPLETE, OPAL_ASSERT.ASSERT);
          if (one === 'fence') hardware.fence(0);
          if (one === 'freeze') hardware.freeze(A);
          if (one === 'wait') clock.advance(400);
        }
        clock.advance(5000);
        let open = 0;
        for (const { kind } of factsOf(hardware, 'reset_begin', 'reset_end')) {
          open += kind === 'reset_begin' ? 1 : -1;
          expect([0, 1]).toContain(open);
        }
        expect(open).toBe(0);
      }),
    );
  });
});
