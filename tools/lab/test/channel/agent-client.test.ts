import { AgentClient } from '../../src/channel/agent-client.js';
import { JsonLines, jsonLine } from '../../src/channel/json-lines.js';
import { type AgentMessage, type AgentRequest } from '../../src/channel/protocol.js';
import { connection } from './sockets.js';

describe("the driver's end of the channel", () => {
  const { signal } = new AbortController();
  let sockets: Awaited<ReturnType<typeof connection>>;
  let heard: string[];
  let client: AgentClient;
  beforeEach(async () => {
    sockets = await connection();
    heard = [];
    client = new AgentClient(sockets.ours, {
      line: (stream, line) => heard.push(`${stream}: ${line}`),
      said: (text) => heard.push(text),
      process: (message) => heard.push(`${message.process}: ${message.event}`),
    });
  });
  afterEach(() => {
    client[Symbol.dispose]();
    sockets.end();
  });

  const say = (message: AgentMessage): void => void sockets.theirs.write(jsonLine(message));
  const answer = (reply: (request: AgentRequest) => AgentMessage): void => {
    const lines = new JsonLines();
    sockets.theirs.on('data', (piece: Buffer) => {
      for (const request of lines.feed(piece) as AgentRequest[]) say(reply(request));
    });
  };

  it('knows when the agent is there', async () => {
    say({ event: 'ready', release: '7.3.4', node: 'v20', uptime: 6 });
    expect(await client.ready).toMatchObject({ release: '7.3.4', node: 'v20', uptime: 6 });
  });

  it('asks by name and gets the result', async () => {
    answer(({ id, method, params }) => ({ id, result: { method, params } }));
    expect(await client.call('list', { path: '/sys' }, signal)).toEqual({ method: 'list', params: { path: '/sys' } });
  });

  it('says what failed in the guest', async () => {
    answer(({ id }) => ({ id, error: 'EACCES: permission denied' }));
    await expect(client.call('read', { path: '/x' }, signal)).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_GUEST',
      message: 'In the guest: EACCES: permission denied',
    });
  });

  it('passes on lines and words as they come', async () => {
    say({ event: 'line', stream: 'trace', line: 'one' });
    say({ event: 'said', text: 'two' });
    answer(({ id }) => ({ id, result: null }));
    await client.call('link', { path: '/x' }, signal);
    expect(heard).toEqual(['trace: one', 'two']);
  });

  it('fails what is asked when the machine ends', async () => {
    const asked = client.call('list', { path: '/' }, signal);
    client.close(new Error('QEMU ended'));
    await expect(asked).rejects.toThrow('QEMU ended');
  });
});
