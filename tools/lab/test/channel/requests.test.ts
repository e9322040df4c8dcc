import { Requests } from '../../src/channel/requests.js';

describe('requests and their answers', () => {
  const never = new AbortController().signal;

  it('belong together by number, in whatever order the answers come', async () => {
    const requests = new Requests();
    const ids: number[] = [];
    const asked = [1, 2, 3].map(() => requests.ask('it', (id) => ids.push(id), never));
    for (const id of [...ids].reverse()) requests.answer(id, `answer ${id}`);
    expect(await Promise.all(asked)).toEqual(ids.map((id) => `answer ${id}`));
    expect(new Set(ids).size).toBe(3);
  });

  it('may be refused', async () => {
    const requests = new Requests();
    const asked = requests.ask('it', (id) => requests.refuse(id, new Error('no')), never);
    await expect(asked).rejects.toThrow('no');
  });

  it('end when time is over; an answer that comes later is nobody’s', async () => {
    const requests = new Requests();
    const time = new AbortController();
    let number = 0;
    const asked = requests.ask('"exec" in the guest', (id) => (number = id), time.signal);
    time.abort(new Error('over'));
    await expect(asked).rejects.toMatchObject({ code: 'ERR_PCI_LAB_TIMEOUT', cause: new Error('over') });
    expect(() => requests.answer(number, 'late')).not.toThrow();
  });

  it('are not even sent when time is over already', async () => {
    let sent = 0;
    await expect(new Requests().ask('it', () => sent++, AbortSignal.abort())).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_TIMEOUT',
    });
    expect(sent).toBe(0);
  });

  it('all fail when the other side is gone, those that come later too', async () => {
    const requests = new Requests();
    const asked = requests.ask('it', () => undefined, never);
    requests.close(new Error('gone'));
    requests.close(new Error('again'));
    await expect(asked).rejects.toThrow('gone');
    await expect(requests.ask('it', () => undefined, never)).rejects.toThrow('gone');
  });
});
