import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentClient, type Ready } from '../channel/agent-client.js';
import { Listener } from '../channel/listener.js';
import { Monitor } from '../channel/monitor.js';
import { labError } from '../failure.js';
import { temporaryFolder } from '../host/temporary.js';
import { type Machine, type MachineLayout } from '../machine/machine.js';
import { reasonText } from '../host/limit.js';
import { QemuProcess } from './qemu-process.js';
import { GuestProcesses } from './guest-processes.js';
import { Streams } from './streams.js';

/** What a machine is started from. */
export interface StartOptions {
  readonly machine: Machine;
  readonly layout: MachineLayout;
  /** Program and first arguments of QEMU. */
  readonly emulator: readonly string[];
  readonly kernel: string;
  readonly initramfs: string;
  /** QEMU writes the guest's console to it. */
  readonly consoleLog: string;
  /** Ends the machine, whenever it aborts. */
  readonly signal: AbortSignal;
  /** Ends it when it aborts before the machine is up. */
  readonly bootSignal: AbortSignal;
  /** Programs in the guest say something. */
  readonly said: (text: string) => void;
}

/** The parts of a machine that is up. */
interface Parts {
  readonly monitor: Monitor;
  readonly agent: AgentClient;
  readonly streams: Streams;
  readonly processes: GuestProcesses;
  /** What the agent said when it was there. */
  readonly ready: Ready;
  /** QEMU's. */
  readonly commandLine: readonly string[];
}

/** Starts QEMU with its sockets in `folder`, and waits until the agent is there. */
async function bring(options: StartOptions, folder: string, qemuIs: (qemu: QemuProcess) => void): Promise<Parts> {
  const { machine, layout, emulator, kernel, initramfs, consoleLog, signal, bootSignal, said } = options;
  const sockets = { monitorSocket: join(folder, 'monitor'), agentSocket: join(folder, 'agent') };
  using monitorEnd = await Listener.at(sockets.monitorSocket);
  using agentEnd = await Listener.at(sockets.agentSocket);
  const files = { kernel, initramfs, consoleLog, ...sockets };
  const commandLine = [...emulator, ...machine.qemuArguments(layout, files)];
  const qemu = new QemuProcess(commandLine, consoleLog, signal);
  qemuIs(qemu);
  const connected = Promise.all([monitorEnd.accept(bootSignal), agentEnd.accept(bootSignal)]);
  const [monitorSocket, agentSocket] = await qemu.whileRunning(connected);
  const streams = new Streams();
  const processes = new GuestProcesses();
  const listener = { line: streams.add.bind(streams), said, process: processes.take.bind(processes) };
  const agent = new AgentClient(agentSocket, listener);
  void qemu.ended.then((error) => agent.close(error));
  const monitor = await qemu.whileRunning(Monitor.open(monitorSocket, bootSignal));
  return { monitor, agent, streams, processes, commandLine, ready: await qemu.whileRunning(agent.ready) };
}

/** A machine whose agent answers. Disposing it kills QEMU. */
export class RunningMachine implements AsyncDisposable {
  readonly monitor: Monitor;
  readonly agent: AgentClient;
  readonly streams: Streams;
  readonly processes: GuestProcesses;
  readonly ready: Ready;
  readonly commandLine: readonly string[];
  readonly #end: () => Promise<void>;

  private constructor({ monitor, agent, streams, processes, ready, commandLine }: Parts, end: () => Promise<void>) {
    this.monitor = monitor;
    this.agent = agent;
    this.streams = streams;
    this.processes = processes;
    this.ready = ready;
    this.commandLine = commandLine;
    this.#end = end;
  }

  /**
   * Boots a machine.
   * @throws PciRecoveryError `ERR_PCI_LAB_MACHINE` with QEMU's and the guest's last words when it ends, or
   * `ERR_PCI_LAB_TIMEOUT` when its agent is not there before a signal aborts.
   */
  static async boot(options: StartOptions): Promise<RunningMachine> {
    const { bootSignal } = options;
    const folder = await temporaryFolder(tmpdir());
    let qemu: QemuProcess | undefined;
    const kill = (): void => qemu?.kill();
    const end = async (): Promise<void> => {
      await qemu?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    };
    bootSignal.addEventListener('abort', kill);
    try {
      const parts = await bring(options, folder, (started) => (qemu = started));
      return new RunningMachine(parts, end);
    } catch (error) {
      await end();
      if (!bootSignal.aborted) throw error;
      throw labError('TIMEOUT', `The guest did not come up: ${reasonText(bootSignal)}.`, { cause: error });
    } finally {
      bootSignal.removeEventListener('abort', kill);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.monitor[Symbol.dispose]();
    this.agent[Symbol.dispose]();
    await this.#end();
  }
}
