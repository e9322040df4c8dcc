import { mkdtempSync, rmSync } from 'node:fs';
import { type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JsonLines, jsonLine } from '../../src/channel/json-lines.js';
import { Listener } from '../../src/channel/listener.js';
import { Monitor } from '../../src/channel/monitor.js';
import { connection } from './sockets.js';

interface Command {
  readonly execute: string;
  readonly arguments: Record<string, string>;
  readonly id: number;
}

/** Speaks as QEMU does: a greeting, events in between, answers with the number of their command. */
function actAsQemu(socket: Socket, answer: (command: Command) => unknown): readonly Command[] {
  const commands: Command[] = [];
  const lines = new JsonLines();
  socket.write(jsonLine({ QMP: { version: {}, capabilities: ['oob'] } }));
  socket.on('data', (piece: Buffer) => {
    for (const command of lines.feed(piece) as Command[]) {
      commands.push(command);
      socket.write(jsonLine({ event: 'NIC_RX_FILTER_CHANGED', data: {}, timestamp: {} }));
      socket.write(jsonLine({ ...(answer(command) as object), id: command.id }));
    }
  });
  return commands;
}

describe('the monitor of QEMU', () => {
  const { signal } = new AbortController();
  let sockets: Awaited<ReturnType<typeof connection>>;
  beforeEach(async () => (sockets = await connection()));
  afterEach(() => sockets.end());

  it('negotiates first, then runs commands of the human monitor', async () => {
    const commands = actAsQemu(sockets.theirs, ({ execute }) => ({
      return: execute === 'qmp_capabilities' ? {} : 'OK id',
    }));
    const monitor = await Monitor.open(sockets.ours, signal);
    expect(await monitor.human('pcie_aer_inject_error ep COMP_TIME', signal)).toBe('OK id');
    expect(commands.map(({ execute, arguments: args }) => [execute, args])).toEqual([
      ['qmp_capabilities', {}],
      ['human-monitor-command', { 'command-line': 'pcie_aer_inject_error ep COMP_TIME' }],
    ]);
    expect(monitor.events.map(({ event }) => event)).toEqual(['NIC_RX_FILTER_CHANGED', 'NIC_RX_FILTER_CHANGED']);
  });

  it('says why QEMU refuses', async () => {
    actAsQemu(sockets.theirs, ({ execute }) =>
      execute === 'qmp_capabilities' ? { return: {} } : { error: { class: 'CommandNotFound', desc: 'no such thing' } },
    );
    const monitor = await Monitor.open(sockets.ours, signal);
    await expect(monitor.execute('nonsense', {}, signal)).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_MONITOR',
      message: 'QEMU refused: no such thing',
      context: { class: 'CommandNotFound' },
    });
  });

  it('fails what is asked when QEMU goes away', async () => {
    const opened = Monitor.open(sockets.ours, signal);
    sockets.theirs.destroy();
    await expect(opened).rejects.toMatchObject({ code: 'ERR_PCI_LAB_MACHINE' });
  });
});

describe('waiting for QEMU to connect', () => {
  it('ends when time is over', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lab-listener-'));
    try {
      using listener = await Listener.at(join(folder, 'socket'));
      const time = new AbortController();
      const accepted = listener.accept(time.signal);
      time.abort();
      await expect(accepted).rejects.toMatchObject({ code: 'ERR_PCI_LAB_TIMEOUT' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
