import { accessSync, constants, writeFileSync } from 'node:fs';
import { closeOnExec, describeNative, named, nonBlocking, text } from './kernel.js';

/** A device that every Linux has; writing there makes the kernel send an uevent. Only root may. */
const TRIGGER = '/sys/devices/virtual/mem/null/uevent';

function mayTrigger(): boolean {
  try {
    accessSync(TRIGGER, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

describeNative('ueventSocket', (kernel) => {
  it('is non-blocking and close-on-exec, and empty at first', () => {
    const socket = kernel.owned(kernel.ueventSocket(1 << 16));
    expect([nonBlocking(socket), closeOnExec(socket)]).toEqual([true, true]);
  });

  it('refuses a buffer below 0 bytes', () => {
    expect(named(kernel.ueventSocket(-1))).toBe('EINVAL');
  });

  if (!mayTrigger()) {
    it.skip(`not run: ${TRIGGER} cannot be written`, () => undefined);
    return;
  }

  const trigger = (): void => writeFileSync(TRIGGER, 'change');

  /** The first message about our device among what else the machine says. */
  const next = (socket: number): { readonly sender: number; readonly text: string } | undefined => {
    const memory = new Uint8Array(8192);
    for (;;) {
      const { result, sender } = kernel.receive(socket, memory);
      if (result < 0) return undefined;
      const message = text(memory.subarray(0, result));
      if (message.includes('DEVPATH=/devices/virtual/mem/null\0')) return { sender, text: message };
    }
  };

  it('hears what the kernel says, and that it is the kernel', () => {
    const socket = kernel.owned(kernel.ueventSocket(1 << 20));
    trigger();
    const heard = next(socket);
    expect(heard?.sender).toBe(0);
    expect(heard?.text).toMatch(/^change@\/devices\/virtual\/mem\/null\0ACTION=change\0/);
  });

  it('tells by ENOBUFS that messages were lost, once, and goes on', () => {
    const socket = kernel.owned(kernel.ueventSocket(1));
    for (let n = 0; n < 100; n++) trigger();
    expect(named(kernel.receive(socket, new Uint8Array(8192)).result)).toBe('ENOBUFS');
    expect(next(socket)).toBeDefined();
  });

  it('goes on being watched after messages were lost', async () => {
    const socket = kernel.owned(kernel.ueventSocket(1));
    const results: (number | string)[] = [];
    const failures: number[] = [];
    let heard: (() => void) | undefined;
    const read = (): void => {
      const { result } = kernel.receive(socket, new Uint8Array(8192));
      results.push(result > 0 ? 'message' : named(result));
      heard?.();
    };
    const watch = kernel.watch(socket, read, (errno) => failures.push(errno)) as Disposable;
    for (let n = 0; n < 100; n++) trigger();
    const quiet = new Promise<void>((resolve) => {
      let last: NodeJS.Immediate;
      heard = () => {
        clearImmediate(last);
        last = setImmediate(() => setImmediate(resolve));
      };
    });
    await quiet;
    const more = new Promise<void>((resolve) => (heard = resolve));
    trigger();
    await more;
    watch[Symbol.dispose]();
    expect(results[0]).toBe('ENOBUFS');
    expect(results.at(-1)).toBe('message');
    expect(failures).toEqual([]);
  });
});
