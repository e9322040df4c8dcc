import { jest } from '@jest/globals';
import { SignalLine } from '../../src/device/interrupts/signal-line.js';
import { openDescriptors } from '../../src/index.js';
import { decodeStruct } from '../../src/uapi/struct/decode.js';
import { HOST_BYTE_ORDER } from '../../src/uapi/byte-order.js';
import { UAPI } from '../../src/uapi/abi/constants.js';
import { failure } from '../uapi/failure.js';
import { errno, CannedKernel } from './canned-kernel.js';

const ERR = UAPI.VFIO_PCI_ERR_IRQ_INDEX;
const EVENTFD = UAPI.VFIO_IRQ_SET_DATA_EVENTFD | UAPI.VFIO_IRQ_SET_ACTION_TRIGGER;

function line() {
  const kernel = new CannedKernel();
  const file = kernel.file();
  return { kernel, file, line: new SignalLine(file, { index: ERR, what: 'ERR' }) };
}

/** The descriptors that VFIO_DEVICE_SET_IRQS was called with; −1 detaches. */
const registered = ({ seen }: CannedKernel): number[] =>
  seen.map(({ bytes }) => {
    expect(decodeStruct('vfio_irq_set', bytes, HOST_BYTE_ORDER)).toMatchObject({
      index: ERR,
      start: 0,
      count: 1,
      flags: EVENTFD,
    });
    return new DataView(bytes.buffer).getInt32(20, HOST_BYTE_ORDER === 'LE');
  });

afterEach(() => expect(openDescriptors()).toEqual([]));

describe('the ERR notification', () => {
  it('registers one eventfd with the first listener and detaches it with the last', async () => {
    const { kernel, file, line: err } = line();
    const first = err.listen(() => undefined);
    const second = err.listen(() => undefined);
    expect(registered(kernel)).toEqual([11]);
    first[Symbol.dispose]();
    expect(registered(kernel)).toEqual([11]);
    second[Symbol.dispose]();
    second[Symbol.dispose]();
    expect(registered(kernel)).toEqual([11, -1]);
    await err[Symbol.asyncDispose]();
    expect(kernel.closed).toEqual([11]);
    await file.close();
  });

  it('tells every listener how many signals there were', async () => {
    const { kernel, file, line: err } = line();
    const told: string[] = [];
    err.listen((signals) => told.push(`a ${signals}`));
    err.listen((signals) => told.push(`b ${signals}`));
    await kernel.signal(11);
    await kernel.signal(11, 6n);
    expect(told).toEqual(['a 1', 'b 1', 'a 6', 'b 6']);
    await err[Symbol.asyncDispose]();
    await file.close();
  });

  it('reports a listener that throws, and tells the others nevertheless', async () => {
    const { kernel, file, line: err } = line();
    const told: number[] = [];
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    err.listen(() => {
      throw new Error('oh no');
    });
    err.listen((signals) => told.push(signals));
    await kernel.signal(11);
    expect(told).toEqual([1]);
    expect(warned.mock.calls).toEqual([
      [
        'A listener of eventfd of ERR of device threw: oh no',
        { type: 'PciRecoveryWarning', code: 'PCI_RECOVERY_LISTENER_THREW' },
      ],
    ]);
    warned.mockRestore();
    await err[Symbol.asyncDispose]();
    await file.close();
  });

  it('does not tell a listener that another one has disposed of meanwhile', async () => {
    const { kernel, file, line: err } = line();
    const told: string[] = [];
    err.listen(() => {
      told.push('a');
      second[Symbol.dispose]();
    });
    const second = err.listen(() => told.push('b'));
    await kernel.signal(11);
    expect(told).toEqual(['a']);
    await err[Symbol.asyncDispose]();
    await file.close();
  });

  it('keeps what was counted when the last listener left for the next one', async () => {
    const { kernel, file, line: err } = line();
    const first = err.listen(() => undefined);
    kernel.counters.set(11, 3n);
    first[Symbol.dispose]();
    const told: number[] = [];
    err.listen((signals) => told.push(signals));
    expect(told).toEqual([]);
    await kernel.turn();
    expect(told).toEqual([3]);
    await kernel.turn();
    expect(told).toEqual([3]);
    await err[Symbol.asyncDispose]();
    await file.close();
  });

  it('lets a listener leave while it is told', async () => {
    const { kernel, file, line: err } = line();
    let told = 0;
    const only = err.listen(() => {
      told++;
      only[Symbol.dispose]();
    });
    await kernel.signal(11);
    expect([told, registered(kernel)]).toEqual([1, [11, -1]]);
    await err[Symbol.asyncDispose]();
    await file.close();
  });

  it.each(['EINVAL', 'ENODEV', 'ENOTTY'])(
    'leaves nothing open when the kernel refuses the eventfd: %s',
    async (name) => {
      const { kernel, file, line: err } = line();
      kernel.answers.VFIO_DEVICE_SET_IRQS = [errno(name)];
      expect(failure(() => err.listen(() => undefined)).context).toEqual({
        bdf: '0000:01:00.0',
        call: 'VFIO_DEVICE_SET_IRQS',
        errno: name,
        index: 'ERR',
      });
      await err[Symbol.asyncDispose]();
      expect(kernel.closed).toEqual([11]);
      await file.close();
    },
  );

  it.each(['eventfd', 'watch'] as const)('leaves nothing open or registered when there is no %s', async (call) => {
    const { kernel, file, line: err } = line();
    kernel.refuses[call] = 'EMFILE';
    expect(failure(() => err.listen(() => undefined)).code).toBe('ERR_PCI_LIMIT');
    expect(registered(kernel)).toEqual(call === 'eventfd' ? [] : [11, -1]);
    await err[Symbol.asyncDispose]();
    await file.close();
  });

  it('loses nothing that was kept when the next listener cannot be registered', async () => {
    const { kernel, file, line: err } = line();
    const first = err.listen(() => undefined);
    kernel.counters.set(11, 2n);
    first[Symbol.dispose]();
    kernel.answers.VFIO_DEVICE_SET_IRQS = [errno('ENOMEM'), 0];
    expect(failure(() => err.listen(() => undefined)).context.errno).toBe('ENOMEM');
    const told: number[] = [];
    err.listen((signals) => told.push(signals));
    await kernel.turn();
    expect(told).toEqual([2]);
    await err[Symbol.asyncDispose]();
    await file.close();
  });

  it('reports that polling failed, and watches again with the next listener', async () => {
    const { kernel, file, line: err } = line();
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const told: string[] = [];
    err.listen((signals) => told.push(`a ${signals}`));
    kernel.watched.clear();
    kernel.pollFails(errno('EIO'));
    expect(warned.mock.calls[0]![0]).toMatchObject({ context: { call: 'poll', errno: 'EIO' } });
    warned.mockRestore();
    await kernel.signal(11);
    err.listen((signals) => told.push(`b ${signals}`));
    await kernel.turn();
    expect(told).toEqual(['a 1', 'b 1']);
    await err[Symbol.asyncDispose]();
    await file.close();
  });

  it('reports once that its eventfd cannot be read, throws nothing into the event loop, and closes it', async () => {
    const { kernel, file, line: err } = line();
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    err.listen(() => undefined);
    kernel.syscalls.takeEventfd = () => BigInt(errno('EBADF'));
    await kernel.signal(11);
    await kernel.turn();
    expect(warned.mock.calls.map(([warning]) => warning)).toMatchObject([
      { context: { call: 'read', errno: 'EBADF' } },
    ]);
    await err[Symbol.asyncDispose]();
    warned.mockRestore();
    expect(kernel.closed).toEqual([11]);
    await file.close();
  });

  it('keeps as many signals as the next eventfd can begin with', async () => {
    const { kernel, file, line: err } = line();
    kernel.syscalls.takeEventfd = () => 2n ** 40n;
    err.listen(() => undefined)[Symbol.dispose]();
    const began: number[] = [];
    kernel.syscalls.eventfd = (initial) => {
      began.push(initial);
      kernel.counters.set(12, BigInt(initial));
      return 12;
    };
    err.listen(() => undefined);
    expect(began).toEqual([0xffff_ffff]);
    await err[Symbol.asyncDispose]();
    await file.close();
  });

  it('takes no listener after the close', async () => {
    const { kernel, file, line: err } = line();
    await file.seal();
    expect(failure(() => err.listen(() => undefined)).code).toBe('ERR_PCI_CLOSED');
    expect(kernel.seen).toEqual([]);
    await file.close();
  });
});
