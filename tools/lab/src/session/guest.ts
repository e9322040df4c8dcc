import { type Bdf } from '@pci-recovery/core';
import { type AgentMethods } from '../channel/protocol.js';
import { guestState, type GuestState } from '../evidence/function-state.js';
import { labError } from '../failure.js';
import { type FunctionSnapshot } from '../guest/snapshot.js';
import { GUEST_ROOT } from '../initramfs/init.js';
import { GuestProgram } from './guest-program.js';
import { type RunningMachine } from './running-machine.js';
import { type StreamPosition } from './streams.js';

const DEVICES = '/sys/bus/pci/devices';
const TRACING = '/sys/kernel/tracing';

/** A UUID that says which uevents are the lab's own (Documentation/ABI/testing/sysfs-uevent). */
const MARK_UUID = '6c61622d-0000-4000-8000-6d61726b0000';

/** What a scenario does in its guest. Every call ends when the scenario's time is over. */
export class Guest {
  #marks = 0;

  constructor(
    private readonly machine: RunningMachine,
    private readonly signal: AbortSignal,
  ) {}

  #call<Name extends keyof AgentMethods>(
    method: Name,
    params: AgentMethods[Name]['params'],
  ): Promise<AgentMethods[Name]['result']> {
    return this.machine.agent.call(method, params, this.signal);
  }

  /** Runs a program; what it printed. @throws PciRecoveryError `ERR_PCI_LAB_GUEST` when it fails. */
  async exec(...argv: readonly string[]): Promise<string> {
    return this.execWith('', ...argv);
  }

  /** The same, with something on its standard input. */
  async execWith(input: string, ...argv: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#call('exec', { argv, input });
    if (status === 0) return stdout;
    throw labError('GUEST', `In the guest, "${argv.join(' ')}" ended with ${status}: ${stderr.trim().slice(-500)}`);
  }

  /** Starts one of the lab's own programs that run on: a module below its `dist`, and what it is told. */
  async start(module: string, input: unknown): Promise<GuestProgram> {
    return this.startProgram('node', '--expose-gc', `${GUEST_ROOT}/tools/lab/dist/${module}`, JSON.stringify(input));
  }

  /** Starts any program that runs on and prints a JSON object per line. */
  async startProgram(...argv: readonly string[]): Promise<GuestProgram> {
    const number = await this.#call('start', { argv });
    return new GuestProgram(number, this.machine.processes, this.machine.agent, this.signal);
  }

  async readText(path: string): Promise<string> {
    return Buffer.from(await this.#call('read', { path }), 'base64').toString();
  }

  async write(path: string, text: string): Promise<void> {
    await this.#call('write', { path, text });
  }

  async append(path: string, text: string): Promise<void> {
    await this.#call('write', { path, text, append: true });
  }

  /** Inserts kernel modules with those that they depend on. */
  async load(...modules: readonly string[]): Promise<void> {
    await this.#call('load', { modules });
  }

  /** Calls the default export of a module below the lab's `dist`. */
  run(module: string, input: unknown): Promise<unknown> {
    return this.#call('run', { module, input });
  }

  /** All PCI functions as they are now. */
  async state(): Promise<GuestState> {
    return guestState((await this.run('guest/snapshot.js', null)) as FunctionSnapshot[]);
  }

  /** Gives a function to a driver, and takes it from the one that it has. */
  async bind(bdf: Bdf, driver: string): Promise<void> {
    const folder = `${DEVICES}/${bdf}`;
    await this.unbind(bdf);
    await this.write(`${folder}/driver_override`, driver);
    await this.write('/sys/bus/pci/drivers_probe', bdf);
    const bound = await this.driverOf(bdf);
    if (bound !== driver)
      throw labError('GUEST', `${bdf} did not take the driver ${driver}; it has ${bound ?? 'none'}.`);
  }

  /** Takes a function's driver away, if it has one. */
  async unbind(bdf: Bdf): Promise<void> {
    if ((await this.driverOf(bdf)) !== undefined) await this.write(`${DEVICES}/${bdf}/driver/unbind`, bdf);
  }

  async driverOf(bdf: Bdf): Promise<string | undefined> {
    return (await this.#call('link', { path: `${DEVICES}/${bdf}/driver` }))?.replace(/^.*\//, '');
  }

  /** Starts to send log, trace and uevents. */
  async watch(): Promise<void> {
    for (const stream of ['log', 'trace', 'uevent'] as const) await this.#call('watch', { stream });
    // A listener for uevents hears only what comes after it is there: until it answers, marks are made anew.
    await this.mark();
  }

  /**
   * Puts a mark into all streams and waits until it has come back: what happened before is known by then. Returns where
   * the streams are behind the mark.
   */
  async mark(): Promise<StreamPosition> {
    const name = `lab${++this.#marks}`;
    const { streams } = this.machine;
    const from = streams.position;
    const [first = ''] = await this.#call('list', { path: DEVICES });
    const pattern = new RegExp(`\\b${name}\\b`);
    await this.write('/dev/kmsg', `pci-recovery: mark ${name}\n`);
    await this.write(`${TRACING}/trace_marker`, `mark ${name}`);
    const event = `${DEVICES}/${first}/uevent`;
    const seen = streams.until('uevent', pattern, from.uevent, this.signal);
    let heard = false;
    void seen.then(() => (heard = true)).catch(() => undefined);
    while (!heard) {
      await this.write(event, `change ${MARK_UUID} MARK=${name}`);
      await Promise.race([seen, this.exec('usleep', '50000')]);
    }
    for (const stream of ['log', 'trace'] as const) await streams.until(stream, pattern, from[stream], this.signal);
    return streams.position;
  }
}
