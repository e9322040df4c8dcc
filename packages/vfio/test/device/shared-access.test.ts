import { SharedAccess } from '../../src/device/open/shared-access.js';

function shared() {
  const access = new SharedAccess<number, string>();
  const log: string[] = [];
  let made = 0;
  let closed: () => Promise<void> = () => Promise.resolve();
  const acquire = () =>
    access.acquire(7, () => {
      const held = `group ${++made}`;
      log.push(`open ${held}`);
      return { held, close: () => closed().then(() => void log.push(`close ${held}`)) };
    });
  return { access, log, acquire, closing: (work: () => Promise<void>) => (closed = work) };
}

describe('what several devices hold together', () => {
  it('is made with the first and let go of with the last', async () => {
    const { access, log, acquire } = shared();
    const [first, second] = [acquire(), acquire()];
    expect([first.held, second.held, access.peek(7)]).toEqual(['group 1', 'group 1', 'group 1']);
    await first.release();
    await first.release();
    expect(log).toEqual(['open group 1']);
    await second.release();
    expect([log, access.peek(7)]).toEqual([['open group 1', 'close group 1'], undefined]);
  });

  it('can be waited for while it is let go of: the kernel answers EBUSY before', async () => {
    const { access, log, acquire, closing } = shared();
    let open!: () => void;
    closing(() => new Promise((resolve) => (open = resolve)));
    const releasing = acquire().release();
    const settled = access.settled(7).then(() => log.push('settled'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['open group 1']);
    open();
    await Promise.all([releasing, settled]);
    expect(log).toEqual(['open group 1', 'close group 1', 'settled']);
    closing(() => Promise.resolve());
    await acquire().release();
    expect(log).toHaveLength(5);
  });

  it('is gone also when letting go fails, and whoever waits is not told', async () => {
    const { access, acquire, closing } = shared();
    closing(() => Promise.reject(new Error('EIO')));
    const releasing = acquire().release();
    const settled = access.settled(7);
    await expect(releasing).rejects.toThrow('EIO');
    await settled;
    expect(access.peek(7)).toBeUndefined();
  });

  it('is nothing when making it fails', () => {
    const { access } = shared();
    expect(() =>
      access.acquire(7, () => {
        throw new Error('EACCES');
      }),
    ).toThrow('EACCES');
    expect(access.peek(7)).toBeUndefined();
  });
});
