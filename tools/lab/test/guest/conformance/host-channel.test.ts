import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { HostChannel } from '../../../src/guest/conformance/host-channel.js';

function channel(): { channel: HostChannel; input: PassThrough; said: () => unknown[] } {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const said = (): unknown[] =>
    String(output.read() ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  return { channel: new HostChannel(input, output), input, said };
}

describe('the way from the guest’s program to the lab’s driver', () => {
  it('asks for an error, and goes on when it was injected', async () => {
    const { channel: host, input, said } = channel();
    const injected = host.inject('ep_single', 'MALF_TLP');
    expect(said()).toEqual([{ event: 'inject', ask: 1, inject: { id: 'ep_single', error: 'MALF_TLP' } }]);
    input.write('{"ask":7,"order":"injected","answer":1}\n');
    await injected;
    await turn();
    expect(said()).toEqual([{ event: 'answer', ask: 7, value: null }]);
  });

  it('rejects when it was not injected', async () => {
    const { channel: host, input } = channel();
    const injected = host.inject('ep_gone', 'DLP');
    input.write('{"ask":1,"order":"injected","answer":1,"error":"There is no ep_gone."}\n');
    await expect(injected).rejects.toThrow('There is no ep_gone.');
  });

  it('says when an answer answers nothing', async () => {
    const { input, said } = channel();
    input.write('{"ask":3,"order":"injected","answer":9}\n');
    await turn();
    await turn();
    expect(said()).toEqual([{ event: 'answer', ask: 3, value: null, error: 'Nothing was asked with the number 9.' }]);
  });

  it('rejects what waits when the driver is gone', async () => {
    const { channel: host, input } = channel();
    const injected = host.inject('ep_single', 'DLP');
    input.end();
    await expect(injected).rejects.toThrow('The driver of the lab is gone.');
  });
});
