import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type AgentMessage, type AgentMethods, type GuestProgram, type StreamName } from '../channel/protocol.js';
import { Processes } from './processes.js';

type Implementation = {
  [Name in keyof AgentMethods]: (
    params: AgentMethods[Name]['params'],
  ) => Promise<AgentMethods[Name]['result']> | AgentMethods[Name]['result'];
};

const MODULES = '/lib/modules';

/** Programs that print a stream. Each waits in a process of its own, not in one of node's few threads. */
const STREAMS: Readonly<Record<StreamName, readonly string[]>> = {
  log: ['cat', '/dev/kmsg'],
  trace: ['cat', '/sys/kernel/tracing/trace_pipe'],
  uevent: ['uevent', '/bin/print-uevent'],
};

async function exec({ argv, input }: AgentMethods['exec']['params']): Promise<AgentMethods['exec']['result']> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: 'pipe' });
  child.stdin.on('error', () => undefined).end(input);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [[status], stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
}

function write({ path, text: content, append = false }: AgentMethods['write']['params']): null {
  // Never creates: a file of sysfs that is not there must be an error.
  const fd = openSync(path, constants.O_WRONLY | (append ? constants.O_APPEND : 0));
  try {
    writeSync(fd, content);
  } catch (error) {
    throw new Error(`Writing "${content.trim()}" to ${path}: ${(error as Error).message}`);
  } finally {
    closeSync(fd);
  }
  return null;
}

async function insert(name: string, depends: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const module = name.replaceAll('-', '_');
  if (existsSync(join('/sys/module', module))) return;
  for (const one of depends[module] ?? []) await insert(one, depends);
  const { status, stderr } = await exec({ argv: ['insmod', join(MODULES, `${module}.ko`)] });
  if (status !== 0) throw new Error(`insmod ${module}: ${stderr.trim()}`);
}

async function load({ modules }: AgentMethods['load']['params']): Promise<null> {
  const depends = JSON.parse(readFileSync(join(MODULES, 'depends.json'), 'utf8')) as Record<string, string[]>;
  for (const name of modules) await insert(name, depends);
  return null;
}

/** What the agent can do. `say` sends a message to the driver. */
export function agentMethods(say: (message: AgentMessage) => void): Implementation {
  const processes = new Processes(say);
  return {
    exec,
    start: (params) => processes.start(params),
    feed: (params) => processes.feed(params),
    kill: (params) => processes.kill(params),
    write,
    load,
    read: ({ path }) => readFileSync(path).toString('base64'),
    list: ({ path }) => readdirSync(path),
    link: ({ path }) => {
      try {
        return readlinkSync(path);
      } catch {
        return null;
      }
    },
    watch: ({ stream }) => {
      const child = spawn('busybox', [...STREAMS[stream]], { stdio: ['ignore', 'pipe', 'inherit'] });
      createInterface({ input: child.stdout }).on('line', (line) => say({ event: 'line', stream, line }));
      return null;
    },
    run: async ({ module, input }) => {
      const { default: program } = (await import(new URL(`../${module}`, import.meta.url).href)) as {
        default: GuestProgram<unknown, unknown>;
      };
      return program(input, { say: (said) => say({ event: 'said', text: said }) });
    },
  };
}
