// The agent: the one program of the lab that runs in the guest. It obeys the driver over a virtio-serial port.
import { closeSync, createReadStream, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { release, uptime } from 'node:os';
import { join } from 'node:path';
import { jsonLine, JsonLines } from '../channel/json-lines.js';
import { type AgentMessage, type AgentRequest } from '../channel/protocol.js';
import { AGENT_CHANNEL } from '../machine/machine.js';
import { agentMethods } from './methods.js';

const PORTS = '/sys/class/virtio-ports';

/** The device of the agent's channel. */
function channelDevice(): string {
  const port = readdirSync(PORTS).find(
    (name) => readFileSync(join(PORTS, name, 'name'), 'utf8').trim() === AGENT_CHANNEL,
  );
  if (port === undefined) throw new Error(`There is no virtio port ${AGENT_CHANNEL}.`);
  return join('/dev', port);
}

/** Writes all of it: the port may take less at a time. */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
}

async function serve(): Promise<void> {
  // A virtio port can be opened once only: both directions share the descriptor.
  const fd = openSync(channelDevice(), 'r+');
  const say = (message: AgentMessage): void => writeAll(fd, jsonLine(message));
  const methods = agentMethods(say);
  const answer = async ({ id, method, params }: AgentRequest): Promise<void> => {
    try {
      say({ id, result: (await methods[method](params as never)) ?? null });
    } catch (error) {
      say({ id, error: error instanceof Error ? error.message : String(error) });
    }
  };
  say({ event: 'ready', release: release(), node: process.version, uptime: uptime() });
  const lines = new JsonLines();
  for await (const piece of createReadStream('', { fd, autoClose: false })) {
    for (const request of lines.feed(piece as Buffer)) void answer(request as AgentRequest);
  }
  closeSync(fd);
}

await serve();
