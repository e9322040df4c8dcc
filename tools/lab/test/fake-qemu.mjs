// Stands in for QEMU and the agent of its guest: connects to the two sockets, and answers as both would.
// Arguments: monitor socket, agent socket, console log, file that counts boots, how each boot goes.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';

const [monitorPath, agentPath, consoleLog, boots, ...courses] = process.argv.slice(2);
appendFileSync(boots, `${process.pid}\n`);
const course = courses[readFileSync(boots, 'utf8').trim().split('\n').length - 1];
if (course === 'panic') {
  writeFileSync(consoleLog, 'Kernel panic - not syncing: test\n');
  console.error('qemu: says something');
  process.exit(1);
}

const monitor = createConnection(monitorPath);
const agent = createConnection(agentPath);
const say = (socket, message) => socket.write(`${JSON.stringify(message)}\n`);

say(monitor, { QMP: {} });
createInterface({ input: monitor }).on('line', (line) => {
  const { id, execute } = JSON.parse(line);
  const endpoint = { bus: 1, slot: 0, function: 0, qdev_id: 'ep' };
  const answers = { 'query-pci': [{ bus: 0, devices: [endpoint] }], 'human-monitor-command': 'OK id: ep' };
  say(monitor, { id, return: answers[execute] ?? {} });
});

// A mark that is written anywhere comes back in the stream that belongs to the file.
const streamOf = (path) =>
  path === '/dev/kmsg'
    ? 'log'
    : path.endsWith('trace_marker')
      ? 'trace'
      : path.endsWith('/uevent')
        ? 'uevent'
        : undefined;

createInterface({ input: agent }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const stream = method === 'write' ? streamOf(params.path) : undefined;
  if (stream) say(agent, { event: 'line', stream, line: params.text.replace(/.*(lab\d+)\s*$/s, '1\tx\t\t\t\t\t$1\t') });
  if (method === 'exec' && params.argv[0] === 'hang') return;
  if (method === 'exec' && params.argv[0] === 'die') process.exit(7);
  if (method === 'write' && params.path.endsWith('kprobe_events') && params.text.includes('refused'))
    return say(agent, { id, error: 'ENOENT' });
  const results = { list: ['0000:00:00.0'], run: [], exec: { status: 0, stdout: 'out', stderr: '' } };
  say(agent, { id, result: results[method] ?? null });
});
if (course === 'mute') say(agent, { event: 'said', text: 'mute' });
else say(agent, { event: 'ready', release: '7.3.4-fake', node: 'v20', uptime: 1 });
