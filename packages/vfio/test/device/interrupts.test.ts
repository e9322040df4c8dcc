import { DeviceInterrupts, type InterruptKind } from '../../src/device/interrupts/device-interrupts.js';
import { type OwnedFd, openDescriptors } from '../../src/index.js';
import { EventLine } from '../../src/device/interrupts/event-line.js';
import { UAPI } from '../../src/uapi/abi/constants.js';
import { HOST_BYTE_ORDER } from '../../src/uapi/byte-order.js';
import { encodeStruct } from '../../src/uapi/struct/encode.js';
import { decodeStruct } from '../../src/uapi/struct/decode.js';
import { failure } from '../uapi/failure.js';
import { errno, CannedKernel } from './canned-kernel.js';

const NAMES = ['intx', 'msi', 'msix', 'err', 'req'];

/** A call of VFIO_DEVICE_SET_IRQS in short: `msix 0: 11 -1`, `msix off`, `intx mask 0+1`. */
function short(bytes: Uint8Array): string {
  const { index, start, count, flags } = decodeStruct('vfio_irq_set', bytes, HOST_BYTE_ORDER);
  const view = new DataView(bytes.buffer);
  if (flags & UAPI.VFIO_IRQ_SET_DATA_EVENTFD) {
    const fds = Array.from({ length: count }, (_, at) => view.getInt32(20 + 4 * at, HOST_BYTE_ORDER === 'LE'));
    return `${NAMES[index]} ${start}: ${fds.join(' ')}`;
  }
  if (count === 0) return `${NAMES[index]} off`;
  const action = ['mask', 'unmask', 'trigger'].find((_, at) => flags & (UAPI.VFIO_IRQ_SET_ACTION_MASK << at));
  return `${NAMES[index]} ${action} ${start}+${count}`;
}

const calls = ({ seen }: CannedKernel): string[] =>
  seen.filter(({ request }) => request === 'VFIO_DEVICE_SET_IRQS').map(({ bytes }) => short(bytes));

function set(noresize = true) {
  const kernel = new CannedKernel();
  kernel.answers.VFIO_DEVICE_GET_IRQ_INFO = [
    (argument) => {
      const bytes = argument as Uint8Array;
      const { index } = decodeStruct('vfio_irq_info', bytes, HOST_BYTE_ORDER);
      const flags = UAPI.VFIO_IRQ_INFO_EVENTFD | (noresize ? UAPI.VFIO_IRQ_INFO_NORESIZE : 0);
      bytes.set(encodeStruct('vfio_irq_info', { argsz: bytes.length, flags, index, count: 8 }));
      return 0;
    },
  ];
  const file = kernel.file();
  const interrupts = new DeviceInterrupts(file);
  const close = async () => {
    await interrupts[Symbol.asyncDispose]();
    await file.close();
  };
  return { kernel, file, interrupts, close };
}

/** An eventfd of the caller's. */
const mine = (kernel: CannedKernel): OwnedFd => new EventLine(kernel.syscalls, 'mine').fd;

afterEach(() => expect(openDescriptors()).toEqual([]));

describe('interrupts that are set up with eventfds of the caller', () => {
  it('are connected from vector 0 on, with holes where there is none, and detached at the close', async () => {
    const { kernel, interrupts, close } = set();
    const [a, b] = [mine(kernel), mine(kernel)];
    interrupts.set('msix', [a, undefined, b]);
    await close();
    expect(calls(kernel)).toEqual(['msix 0: 11 -1 12', 'msix off']);
    expect([a.closed, b.closed]).toEqual([false, false]);
    await Promise.all([a.close(), b.close()]);
  });

  it('replace those that were set up before: off, then on', async () => {
    const { kernel, interrupts, close } = set();
    const [a, b] = [mine(kernel), mine(kernel)];
    interrupts.set('msi', [a]);
    interrupts.set('msi', [a, b]);
    await close();
    expect(calls(kernel)).toEqual(['msi 0: 11', 'msi off', 'msi 0: 11 12', 'msi off']);
    await Promise.all([a.close(), b.close()]);
  });

  it('are of one kind at a time', async () => {
    const { kernel, interrupts, close } = set();
    const fd = mine(kernel);
    interrupts.set('msix', [fd]);
    expect(failure(() => interrupts.set('intx', [fd]))).toMatchObject({ code: 'ERR_PCI_INTERRUPTS_IN_USE' });
    expect(failure(() => interrupts.listen('msi', 0, () => undefined)).code).toBe('ERR_PCI_INTERRUPTS_IN_USE');
    interrupts.disable('msix');
    interrupts.set('intx', [fd]);
    await close();
    expect(calls(kernel)).toEqual(['msix 0: 11', 'msix off', 'intx 0: 11', 'intx off']);
    await fd.close();
  });

  it('are more than the platform has: it says how many there are', async () => {
    const { kernel, interrupts, close } = set();
    const fd = mine(kernel);
    kernel.answers.VFIO_DEVICE_SET_IRQS = [2];
    expect(failure(() => interrupts.set('msi', [fd, fd, fd, fd]))).toMatchObject({
      code: 'ERR_PCI_LIMIT',
      context: { wanted: 4, available: 2, kind: 'msi' },
    });
    await close();
    expect(calls(kernel)).toEqual(['msi 0: 11 11 11 11']);
    await fd.close();
  });

  it.each(['EINVAL', 'ENOMEM', 'ENODEV', 'EBUSY'])('that the kernel refuses are not set up: %s', async (name) => {
    const { kernel, interrupts, close } = set();
    const fd = mine(kernel);
    kernel.answers.VFIO_DEVICE_SET_IRQS = [errno(name)];
    expect(failure(() => interrupts.set('msix', [fd])).context).toMatchObject({ errno: name, kind: 'msix' });
    interrupts.rearm();
    await close();
    expect(calls(kernel)).toEqual(['msix 0: 11']);
    await fd.close();
  });

  it('are at least one', async () => {
    const { interrupts, close } = set();
    expect(failure(() => interrupts.set('msix', [])).code).toBe('ERR_PCI_BAD_INTERRUPT');
    await close();
  });
});

describe('interrupts with listeners', () => {
  it('are told with how many there were', async () => {
    const { kernel, interrupts, close } = set();
    const told: string[] = [];
    interrupts.listen('msix', 1, (count) => told.push(`a ${count}`));
    interrupts.listen('msix', 1, (count) => told.push(`b ${count}`));
    await kernel.signal(11, 2n);
    expect(told).toEqual(['a 2', 'b 2']);
    await close();
    expect(calls(kernel)).toEqual(['msix 0: -1 11', 'msix off']);
    expect(kernel.closed).toEqual([11, 10]);
  });

  it('keep a vector set up without a listener: what came is told to the next', async () => {
    const { kernel, interrupts, close } = set();
    interrupts.listen('msix', 0, () => undefined)[Symbol.dispose]();
    await kernel.signal(11);
    const told: number[] = [];
    interrupts.listen('msix', 0, (count) => told.push(count));
    await kernel.turn();
    expect(told).toEqual([1]);
    await close();
    expect(calls(kernel)).toEqual(['msix 0: 11', 'msix off']);
  });

  it('take a further vector within the table by itself', async () => {
    const { kernel, interrupts, close } = set();
    interrupts.listen('msix', 2, () => undefined);
    interrupts.listen('msix', 0, () => undefined);
    await close();
    expect(calls(kernel)).toEqual(['msix 0: -1 -1 11', 'msix 0: 12', 'msix off']);
  });

  it('take a further vector behind the table by switching all off and on, where the kernel cannot add one', async () => {
    const { kernel, interrupts, close } = set(true);
    interrupts.listen('msix', 0, () => undefined);
    interrupts.listen('msix', 2, () => undefined);
    await close();
    expect(calls(kernel)).toEqual(['msix 0: 11', 'msix off', 'msix 0: 11 -1 12', 'msix off']);
  });

  it('take a further vector behind the table by itself, where the kernel can add one', async () => {
    const { kernel, interrupts, close } = set(false);
    interrupts.listen('msix', 0, () => undefined);
    interrupts.listen('msix', 2, () => undefined);
    interrupts.rearm();
    await close();
    expect(calls(kernel)).toEqual(['msix 0: 11', 'msix 2: 12', 'msix off', 'msix 0: 11 -1 12', 'msix off']);
  });

  it('stay as they were when a further vector is refused', async () => {
    const { kernel, interrupts, close } = set();
    interrupts.listen('msix', 0, () => undefined);
    kernel.answers.VFIO_DEVICE_SET_IRQS = [0, errno('EINVAL'), 0];
    expect(failure(() => interrupts.listen('msix', 2, () => undefined)).context.errno).toBe('EINVAL');
    await close();
    expect(calls(kernel)).toEqual(['msix 0: 11', 'msix off', 'msix 0: 11 -1 12', 'msix 0: 11', 'msix off']);
    expect(new Set(kernel.closed)).toEqual(new Set([12, 11, 10]));
  });

  it('give their eventfds back when their kind is switched off: set up again and again, they are no more', async () => {
    const { kernel, interrupts, close } = set();
    for (const round of [0, 1, 2]) {
      interrupts.listen('msix', 0, () => undefined);
      interrupts.listen('msix', 1, () => undefined);
      expect(kernel.watched.size).toBe(2);
      interrupts.disable('msix');
      await kernel.turn();
      expect([kernel.closed.length, kernel.watched.size]).toEqual([2 * (round + 1), 0]);
    }
    await close();
  });

  it('give them back also when eventfds of the caller take their place', async () => {
    const { kernel, interrupts, close } = set();
    interrupts.listen('msix', 0, () => undefined);
    const fd = mine(kernel);
    interrupts.set('msix', [fd]);
    await kernel.turn();
    expect([kernel.closed, kernel.watched.size]).toEqual([[11], 0]);
    await close();
    await fd.close();
  });

  it('keep them while switching off is refused', async () => {
    const { kernel, interrupts, close } = set();
    interrupts.listen('msix', 0, () => undefined);
    kernel.answers.VFIO_DEVICE_SET_IRQS = [errno('EIO'), 0];
    expect(failure(() => interrupts.disable('msix')).context.errno).toBe('EIO');
    await kernel.turn();
    expect(kernel.closed).toEqual([]);
    await close();
  });

  it('do not read eventfds of the caller', async () => {
    const { kernel, interrupts, close } = set();
    const fd = mine(kernel);
    interrupts.set('msix', [fd]);
    expect(failure(() => interrupts.listen('msix', 0, () => undefined)).code).toBe('ERR_PCI_INTERRUPTS_IN_USE');
    await close();
    await fd.close();
  });

  it.each([-1, 0.5, 2048, NaN])('are of a vector that there can be, not %p', async (vector) => {
    const { kernel, interrupts, close } = set();
    expect(failure(() => interrupts.listen('msix', vector, () => undefined)).code).toBe('ERR_PCI_BAD_INTERRUPT');
    await close();
    expect(calls(kernel)).toEqual([]);
  });
});

describe('arming again after a reset', () => {
  it('does nothing where no interrupts are in use', async () => {
    const { kernel, interrupts, close } = set();
    interrupts.rearm();
    await close();
    expect(calls(kernel)).toEqual([]);
  });

  it.each<InterruptKind>(['intx', 'msi', 'msix'])('switches %s off and on with the same eventfds', async (kind) => {
    const { kernel, interrupts, close } = set();
    interrupts.listen(kind, 0, () => undefined);
    interrupts.rearm();
    await close();
    expect(calls(kernel)).toEqual([`${kind} 0: 11`, `${kind} off`, `${kind} 0: 11`, `${kind} off`]);
  });

  it('that failed half way is tried again without switching off what is off', async () => {
    const { kernel, interrupts, close } = set();
    interrupts.listen('msix', 0, () => undefined);
    kernel.answers.VFIO_DEVICE_SET_IRQS = [0, errno('ENOMEM'), 0];
    expect(failure(() => interrupts.rearm()).code).toBe('ERR_PCI_LIMIT');
    interrupts.rearm();
    await close();
    expect(calls(kernel)).toEqual(['msix 0: 11', 'msix off', 'msix 0: 11', 'msix 0: 11', 'msix off']);
  });

  it('leaves everything on when even switching off is refused', async () => {
    const { kernel, interrupts, close } = set();
    interrupts.listen('msix', 0, () => undefined);
    kernel.answers.VFIO_DEVICE_SET_IRQS = [errno('EIO'), 0];
    expect(failure(() => interrupts.rearm()).context.errno).toBe('EIO');
    await close();
    expect(calls(kernel)).toEqual(['msix 0: 11', 'msix off', 'msix off']);
  });
});

describe('masking, unmasking and loopback', () => {
  it('happen at once', async () => {
    const { kernel, interrupts, close } = set();
    interrupts.listen('intx', 0, () => undefined);
    interrupts.act('mask', 'intx');
    interrupts.act('unmask', 'intx');
    interrupts.act('trigger', 'intx');
    interrupts.act('trigger', 'msix', { start: 1, count: 3 });
    await close();
    expect(calls(kernel).slice(1, 5)).toEqual([
      'intx mask 0+1',
      'intx unmask 0+1',
      'intx trigger 0+1',
      'msix trigger 1+3',
    ]);
  });

  it('say what the kernel refuses: only INTx can be masked', async () => {
    const { kernel, interrupts, close } = set();
    kernel.answers.VFIO_DEVICE_SET_IRQS = [errno('ENOTTY')];
    expect(failure(() => interrupts.act('mask', 'msix'))).toMatchObject({
      code: 'ERR_PCI_UNSUPPORTED',
      context: { errno: 'ENOTTY', kind: 'msix' },
    });
    await close();
  });
});

describe('interrupts after the close', () => {
  it('cannot be set up', async () => {
    const { kernel, file, interrupts, close } = set();
    const fd = mine(kernel);
    await file.seal();
    expect(failure(() => interrupts.set('msix', [fd])).code).toBe('ERR_PCI_CLOSED');
    expect(failure(() => interrupts.listen('msix', 0, () => undefined)).code).toBe('ERR_PCI_CLOSED');
    expect(failure(() => interrupts.rearm()).code).toBe('ERR_PCI_CLOSED');
    await close();
    await fd.close();
    expect(calls(kernel)).toEqual([]);
  });
});
