import { VirtualClock } from '@pci-recovery/core/testing';
import { OPAL_ACTION, OPAL_FREEZE, type OpalFirmware, type RtasFirmware } from '../../src/index.js';
import { simulateEeh } from '../../src/sim/index.js';
import { A, CARD, type Machine } from '../platform/host.js';

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

describe('scripts: any failure of any firmware call', () => {
  it('a call fails with any code, after some that succeed, so often, for one PE only; nothing is done', () => {
    const { hardware, firmware } = opal();
    hardware.freeze(A);
    hardware.script({ fault: 'call_fails', call: 'freezeClear', rc: -11, skip: 1, times: 2, phb: 0, pe: PE });
    const codes = [1, 2, 3, 4].map(() => firmware.freezeClear(0, PE, OPAL_ACTION.DMA));
    expect(codes).toEqual([0, -11, -11, 0]);
    expect(firmware.freezeClear(0, 9, OPAL_ACTION.DMA)).toBe(0);
  });

  it('a call lies: it reports success and does nothing', () => {
    const { hardware, firmware } = opal();
    hardware.freeze(A);
    using _ = hardware.script({ fault: 'call_ignored', call: 'freezeClear' });
    expect([firmware.freezeClear(0, PE, 3), hardware.frozen(A).mmio]).toEqual([0, true]);
  });

  it('a state call that does nothing reports success, and nothing of what is', () => {
    const { hardware, firmware } = opal();
    hardware.freeze(A);
    using _ = hardware.script({ fault: 'call_ignored', call: 'freezeStatus' });
    expect(firmware.freezeStatus(0, PE)).toEqual({ rc: 0, freeze: OPAL_FREEZE.NOT_FROZEN, error: 0 });
  });

  it('a script that is disposed of is over', () => {
    const { hardware, firmware } = opal();
    hardware.script({ fault: 'call_fails', call: 'poll', rc: -6 })[Symbol.dispose]();
    expect(firmware.poll({ phb: 0 })).toBe(0);
  });

  it.each([
    ['freezeStatus', (f: OpalFirmware) => f.freezeStatus(0, PE).rc],
    ['freezeClear', (f: OpalFirmware) => f.freezeClear(0, PE, 3)],
    ['freezeSet', (f: OpalFirmware) => f.freezeSet(0, PE, 3)],
    ['reset', (f: OpalFirmware) => f.reset({ phb: 0 }, 4, 1)],
    ['poll', (f: OpalFirmware) => f.poll({ phb: 0 })],
    ['diagData', (f: OpalFirmware) => f.diagData(0).rc],
    ['nextError', (f: OpalFirmware) => f.nextError(0).rc],
    ['reinit', (f: OpalFirmware) => f.reinit(0, A)],
    ['injectError', (f: OpalFirmware) => f.injectError(0, PE, 0, 4, 0n, 0n)],
  ] as const)('OPAL %s can be scripted', (call, make) => {
    const { hardware, firmware } = opal();
    hardware.script({ fault: 'call_fails', call, rc: -6, times: 1 });
    expect(make(firmware)).toBe(-6);
    expect(make(firmware)).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ['setEehOption', (f: RtasFirmware, pe: number) => f.setEehOption(0, pe, 1)],
    ['readSlotResetState', (f: RtasFirmware, pe: number) => f.readSlotResetState(0, pe).status],
    ['setSlotReset', (f: RtasFirmware, pe: number) => f.setSlotReset(0, pe, 0)],
    ['configurePe', (f: RtasFirmware, pe: number) => f.configurePe(0, pe)],
    ['slotErrorDetail', (f: RtasFirmware, pe: number) => f.slotErrorDetail(0, pe, 1).status],
    ['allowUnfreeze', (f: RtasFirmware) => f.allowUnfreeze!(A, [])],
    ['injectError', (f: RtasFirmware, pe: number) => f.injectError!(0, pe, 0, 4, 0n, 0n)],
  ] as const)('RTAS %s can be scripted', (call, make) => {
    const { hardware, firmware, pe } = rtas();
    hardware.script({ fault: 'call_fails', call, rc: -3, times: 1 });
    expect([make(firmware, pe), make(firmware, pe)]).toEqual([-3, 0]);
  });

  it('a state is busy for some time, as each firmware says it', () => {
    const power = opal();
    power.hardware.makeUnavailable(A, 700);
    expect(power.firmware.freezeStatus(0, PE).freeze).toBe(OPAL_FREEZE.TEMPORARILY_UNAVAILABLE);
    power.clock.advance(700);
    expect(power.firmware.freezeStatus(0, PE).freeze).toBe(OPAL_FREEZE.NOT_FROZEN);
    const series = rtas();
    series.hardware.makeUnavailable(A, 700);
    expect(series.firmware.readSlotResetState(0, series.pe)).toMatchObject({ state: 5, wait: 700 });
    series.hardware.makeUnavailable(A, Infinity);
    expect(series.firmware.readSlotResetState(0, series.pe)).toMatchObject({ state: 5, wait: 0 });
  });

  it('what is not there is said to be so', () => {
    const { hardware } = made(CARD);
    const code = (act: () => unknown) => {
      try {
        act();
      } catch (error) {
        return (error as { code: string }).code;
      }
      return undefined;
    };
    expect(code(() => hardware.freeze('0000:09:00.0'))).toBe('ERR_PCI_SIM_NO_FUNCTION');
    expect(code(() => hardware.fence(9))).toBe('ERR_PCI_SIM_NO_FUNCTION');
    expect(code(() => hardware.freeze('nowhere'))).toBe('ERR_PCI_BAD_BDF');
    const twice = { kind: 'endpoint', bdf: '01:00.0' } as const;
    expect(code(() => made({ hostBridges: [{ phb: 0, below: [twice, twice] }] }))).toBe('ERR_PCI_SIM_BAD_MACHINE');
    expect(code(() => made({ hostBridges: [CARD.hostBridges[0]!, CARD.hostBridges[0]!] }))).toBe(
      'ERR_PCI_SIM_BAD_MACHINE',
    );
    const crossed = { kind: 'root_port', bdf: '02:00.0', below: [twice] } as const;
    expect(code(() => made({ hostBridges: [{ phb: 0, below: [crossed] }] }))).toBe('ERR_PCI_SIM_BAD_MACHINE');
  });
});
