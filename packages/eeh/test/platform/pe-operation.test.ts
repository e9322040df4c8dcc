import { ERRNO, VFIO_EEH_PE as OP, VFIO_EEH_PE_STATE as STATE } from '../../src/index.js';
import { factsOf, host, type Host } from './host.js';
import { A0, LEFT, single, SWITCH, UP } from './machines.js';

const drive = <T>({ clock }: Host, promise: Promise<T>): Promise<T> => clock.drive(promise);

describe('VFIO_EEH_PE_OP (R4.11, vfio_spapr_ioctl_eeh_pe_op)', () => {
  const opened = async (machine = single()) => {
    const here = host(machine);
    await drive(here, here.platform.open(A0));
    const op = (operation: number) => drive(here, here.platform.peOperation(A0, operation));
    return { ...here, op };
  };

  it('numbers are those of the uAPI', () => {
    expect(Object.values(OP)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('GET_STATE, UNFREEZE_IO, GET_STATE, UNFREEZE_DMA, GET_STATE of a frozen PE: 2, 0, 4, 0, 0', async () => {
    const { op, hardware } = await opened();
    expect(await op(OP.GET_STATE)).toBe(STATE.NORMAL);
    hardware.freeze(A0);
    const answers = [];
    for (const one of [OP.GET_STATE, OP.UNFREEZE_IO, OP.GET_STATE, OP.UNFREEZE_DMA, OP.GET_STATE])
      answers.push(await op(one));
    expect(answers).toEqual([STATE.STOPPED, 0, STATE.STOPPED_DMA, 0, STATE.NORMAL]);
  });

  it('a PE of which only MMIO is stopped is unavailable', async () => {
    const { op, hardware } = await opened();
    hardware.freeze(A0, { dma: false });
    expect(await op(OP.GET_STATE)).toBe(STATE.UNAVAILABLE);
  });

  it('a PE in reset says so on pSeries; so it does while the host recovers what is above it', async () => {
    const { op } = await opened({ ...single(), firmware: 'rtas' });
    expect(await op(OP.RESET_HOT)).toBe(0);
    expect(await op(OP.GET_STATE)).toBe(STATE.RESET);
    expect(await op(OP.RESET_DEACTIVATE)).toBe(0);
    expect(await op(OP.GET_STATE)).toBe(STATE.NORMAL);
    const nested = host(SWITCH);
    await drive(nested, nested.platform.open(LEFT));
    nested.hardware.freeze(UP);
    nested.hardware.readMemory(UP, 0);
    expect(await drive(nested, nested.platform.peOperation(LEFT, OP.GET_STATE))).toBe(STATE.UNAVAILABLE);
  });

  it.each([OP.RESET_HOT, OP.RESET_FUNDAMENTAL])(
    'a reset (%i) with DEACTIVATE and CONFIGURE leaves it thawed',
    async (kind) => {
      const { op, hardware } = await opened();
      hardware.freeze(A0);
      expect([await op(kind), await op(OP.RESET_DEACTIVATE), await op(OP.CONFIGURE), await op(OP.GET_STATE)]).toEqual([
        0, 0, 0, 0,
      ]);
      expect(factsOf(hardware, 'reset_end')).toHaveLength(1);
    },
  );

  it('ENABLE thaws, DISABLE does nothing, anything else is EINVAL', async () => {
    const { op, hardware } = await opened();
    hardware.freeze(A0);
    expect([await op(OP.DISABLE), await op(OP.GET_STATE)]).toEqual([0, STATE.STOPPED]);
    expect([await op(OP.ENABLE), await op(OP.GET_STATE)]).toEqual([0, STATE.NORMAL]);
    expect(await op(42)).toBe(ERRNO.EINVAL);
  });

  it('INJECT_ERR refuses what is out of range, and freezes with what is not', async () => {
    const here = await opened();
    const inject = (type: number, func: number) =>
      drive(here, here.platform.peOperation(A0, OP.INJECT_ERR, { type, func, address: 0n, mask: 0n }));
    expect(await inject(0, 20)).toBe(ERRNO.EINVAL);
    expect(await inject(2, 4)).toBe(ERRNO.ERANGE);
    expect(await here.op(OP.INJECT_ERR)).toBe(ERRNO.EINVAL);
    expect([await inject(1, 4), await here.op(OP.GET_STATE)]).toEqual([0, STATE.STOPPED]);
  });

  it('INJECT_ERR on pSeries knows loads and stores of memory only (pseries_eeh_err_inject)', async () => {
    const here = await opened({ ...single(), firmware: 'rtas' });
    const inject = (type: number, func: number) =>
      drive(here, here.platform.peOperation(A0, OP.INJECT_ERR, { type, func, address: 0n, mask: 0n }));
    expect([await inject(2, 0), await inject(0, 20), await inject(0, 4), await inject(1, 12)]).toEqual([
      ERRNO.EINVAL,
      ERRNO.EINVAL,
      ERRNO.ERANGE,
      ERRNO.ERANGE,
    ]);
    for (const func of [0, 1, 6, 7]) expect(await inject(0, func)).toBe(0);
    expect(await here.op(OP.GET_STATE)).toBe(STATE.STOPPED);
  });

  it.each([
    [OP.RESET_HOT, 9902, ERRNO.EIO],
    [OP.RESET_FUNDAMENTAL, 9905, ERRNO.EIO],
    [OP.RESET_DEACTIVATE, 17, ERRNO.EIO],
    [OP.RESET_HOT, -1, -1],
  ])(
    'operation %i that RTAS answers with %i gave an error, never a number that looks like success',
    async (operation, status, errno) => {
      const { op, hardware } = await opened({ ...single(), firmware: 'rtas' });
      hardware.script({ fault: 'call_fails', call: 'setSlotReset', rc: status });
      expect(await op(operation)).toBe(errno);
    },
  );

  it('what has no PE is ENODEV; an error of firmware is an error or unavailable, never "normal"', async () => {
    const { op, hardware, platform, clock } = await opened({ ...single(), firmware: 'rtas' });
    hardware.script({ fault: 'call_fails', call: 'readSlotResetState', rc: -5 });
    expect(await op(OP.GET_STATE)).toBe(STATE.UNAVAILABLE);
    expect(await op(OP.UNFREEZE_IO)).toBeLessThan(0);
    hardware.remove(A0);
    expect(await clock.drive(platform.peOperation(A0, OP.GET_STATE))).toBe(ERRNO.ENODEV);
  });
});
