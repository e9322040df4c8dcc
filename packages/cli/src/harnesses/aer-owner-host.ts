import { wait, type Bdf, type Clock } from '@pci-recovery/core';
import { AER, PCIE } from '@pci-recovery/pci';
import { type AerSeverity, type HostRecovery, type ScriptedKernel } from '@pci-recovery/vfio/testing';
import { type HostPort } from './aer-owner-machine.js';
import { type AerOwnerWitness } from './aer-owner-witness.js';

/** Milliseconds that the host's own walks take. */
const WALK_MS = 0.5;
/** Before it resets a link the host waits for slow drivers of its own: longer than all listeners of a case together. */
const BEFORE_RESET_MS = 4_000;
const RESET_MS = 140;
const REPORTING = 0x000f;

/** How the host plays an error. */
interface Play {
  readonly severity: AerSeverity;
  /** It resets the link after a non-fatal error, because a driver of its own asked for it. */
  readonly resets?: true;
}

const PLAYS: Readonly<Record<string, Play>> = {
  correctable: { severity: 'correctable' },
  nonfatal: { severity: 'nonfatal' },
  fatal: { severity: 'fatal' },
  nonfatal_reset: { severity: 'nonfatal', resets: true },
};

/** The host's side of the owner's law: errors below one port one after the other, each in the host's own time. */
export class AerOwnerHost {
  readonly #kernel: ScriptedKernel;
  readonly #clock: Clock;
  readonly #witness: AerOwnerWitness;
  readonly #queues = new Map<Bdf, (() => Promise<void>)[]>();
  /** So many of its next recoveries fail. */
  failing = 0;

  constructor(kernel: ScriptedKernel, clock: Clock, witness: AerOwnerWitness) {
    this.#kernel = kernel;
    this.#clock = clock;
    this.#witness = witness;
  }

  static plays(incident: string): boolean {
    return Object.hasOwn(PLAYS, incident);
  }

  /** A function has an error: its registers show it at once, and the host takes it up when it has ended the ones before. */
  error(incident: string, at: Bdf, port: HostPort): void {
    const play = PLAYS[incident]!;
    const failing = play.severity !== 'correctable' && this.failing > 0;
    if (failing) this.failing--;
    const recovery = this.#raised(at, play, failing);
    const queue = this.#queues.get(port.bdf);
    const turn = (): Promise<void> => this.#recover(recovery, at, { port, play, failing });
    if (queue) queue.push(turn);
    else void this.#drain(port.bdf, turn);
  }

  /** Registers that show an error which nobody reports. */
  unreported(incident: string, at: Bdf): void {
    this.#kernel.error(at, { severity: PLAYS[incident]!.severity }).step();
  }

  /** A function that a failed recovery left silent reports all the same: the suite's drivers would set it up again. */
  #raised(at: Bdf, { severity }: Play, failing: boolean): HostRecovery {
    const fn = this.#kernel.hardware(at);
    const control = fn.layout.pcie! + PCIE.DEVICE_CONTROL;
    const before = fn.u16(control);
    fn.poke16(control, before | REPORTING);
    const linkReset = failing ? 'fails' : 'works';
    const recovery = this.#kernel.error(at, { severity, linkReset, linkResetMs: RESET_MS });
    recovery.step();
    fn.poke16(control, before);
    this.#witness.look();
    return recovery;
  }

  async #drain(port: Bdf, first: () => Promise<void>): Promise<void> {
    const queue = [first];
    this.#queues.set(port, queue);
    for (let turn = queue.shift(); turn; turn = queue.shift()) await turn();
    this.#queues.delete(port);
  }

  /** What an earlier recovery has cleared is not handled any more (drivers/pci/pcie/aer.c:aer_process_err_devices). */
  #isOver(at: Bdf, { severity }: Play): boolean {
    if (severity === 'fatal') return false;
    const fn = this.#kernel.hardware(at);
    return fn.u32(fn.layout.aer! + (severity === 'correctable' ? AER.COR_STATUS : AER.UNCOR_STATUS)) === 0;
  }

  async #recover(
    recovery: HostRecovery,
    at: Bdf,
    { port, play, failing }: { readonly port: HostPort; readonly play: Play; readonly failing: boolean },
  ): Promise<void> {
    if (this.#isOver(at, play)) return;
    const orphaned = failing && play.severity === 'nonfatal';
    if (orphaned) this.#kernel.add(port.orphan);
    if (recovery.until('notified')) {
      await wait(this.#clock, WALK_MS);
      if (play.severity === 'fatal') await this.#linkReset(port, !failing, () => void recovery.until('reset'));
      else if (play.resets) await this.#resetAsAsked(port, !failing);
    }
    recovery.finish();
    this.#witness.look();
    if (orphaned) this.#kernel.pull(port.orphan);
  }

  async #linkReset({ held }: HostPort, ok: boolean, done: () => void): Promise<void> {
    await wait(this.#clock, BEFORE_RESET_MS);
    this.#witness.resetBegins(held, 'link');
    await wait(this.#clock, RESET_MS);
    done();
    this.#witness.resetEnds(held, ok);
  }

  /** The scripted kernel has no driver that asks for a reset: the same, done to its hardware. */
  async #resetAsAsked(port: HostPort, ok: boolean): Promise<void> {
    const functions = port.held.map((bdf) => this.#kernel.hardware(bdf));
    let open: (() => void)[] = [];
    await wait(this.#clock, BEFORE_RESET_MS);
    open = functions.flatMap(({ deviceLock, configAccess }) => [deviceLock.close(), configAccess.close()]);
    this.#witness.resetBegins(port.held, 'link');
    await wait(this.#clock, RESET_MS);
    if (ok) for (const fn of functions) fn.reset();
    for (const one of open) one();
    this.#witness.resetEnds(port.held, ok);
  }
}
