import {
  TOKENS,
  type Answer,
  type Awaitable,
  type Bdf,
  type Capability,
  type ChannelState,
  type Clock,
  type DeviceRef,
  type ErrorEvent,
  type Operation,
  type OperationResult,
  type PciErrorHandlers,
  type PerformContext,
  type RecoveryPlatform,
  type Stoppable,
  type Telling,
  type Voting,
} from '@pci-recovery/core';
import { inject, injectable, optional } from 'inversify';
import { isActive } from '../firmware/states.js';
import { PE_STATE, type Pe } from '../pe/pe.js';
import { mark, PeTree, walkDevices } from '../pe/tree.js';
import { type ConfigWidth, type EehHostPort } from '../port.js';
import { eehHostProcedure } from '../procedure/host.js';
import { type EehEvent, type EehOrigin, type EehRecord } from '../record.js';
import { type EehScope } from '../scope.js';
import { EEH_TOKENS } from '../tokens.js';
import { type EehInjection } from '../vfio.js';
import { UEVENT_OF_VOTE } from '../votes.js';
import { ALL_ONES, readRegister, writeRegister } from './config.js';
import { checkFailure, checkHostBridge, MOST_IGNORED_READS, type Check, type EehStatistics } from './detection.js';
import { ERRNO } from './errno.js';
import { removeDead } from './hotplug.js';
import { EventQueue } from './event-queue.js';
import { Membership } from './membership.js';
import { reportedErrors, type ReportedError } from './next-error.js';
import { openFunction, releaseFunction } from './ownership.js';
import { peOperation } from './pe-op.js';
import { PERFORMERS } from './perform.js';
import { portHandlers } from './port-services.js';
import { PowerNvOps } from './powernv.js';
import { PSeriesOps } from './pseries.js';
import { HUB, scopeOfPes } from './scope.js';
import { KERNEL_TIMINGS, type EehLog, type EehTimings, type Surroundings } from './surroundings.js';

/** What can be set differently. */
export interface EehPlatformOptions {
  /** Default: `eeh`. */
  readonly name?: string;
  /** Default: {@link KERNEL_TIMINGS}. */
  readonly timings?: EehTimings;
  /** So often may a PE freeze within an hour of the first time (Linux `eeh_max_freezes`; R4.10). Default: 5. */
  readonly mostFreezes?: number;
  /** Gets every log, whole (R4.7). It must not throw. */
  readonly logged?: (log: EehLog) => void;
  /**
   * A function was read {@link MOST_IGNORED_READS} times since its PE was isolated: its driver may be in an endless loop. It must
   * not throw.
   */
  readonly suspectedLoop?: (bdf: Bdf, pe: string, reads: number) => void;
}

/**
 * EEH in host mode, on PowerNV or pSeries firmware: finds frozen PEs behind reads of all ones and in firmware's reports, and
 * performs thaws, resets and hotplug.
 */
@injectable()
export class EehPlatform implements RecoveryPlatform {
  readonly name: string;
  readonly procedure = eehHostProcedure;
  readonly capabilities: Readonly<Record<string, Capability>>;
  /** What was checked so far, as `/proc/powerpc/eeh` counts it. */
  readonly statistics: EehStatistics = { ignoredChecks: 0, allOnes: 0, falsePositives: 0, freezes: 0 };
  readonly #around: Surroundings;
  readonly #membership: Membership;
  readonly #mostFreezes: number;
  readonly #logged: NonNullable<EehPlatformOptions['logged']>;
  readonly #suspectedLoop: NonNullable<EehPlatformOptions['suspectedLoop']>;
  readonly #queue = new EventQueue();
  #sequence = 0;

  constructor(
    @inject(EEH_TOKENS.port) port: EehHostPort,
    @inject(TOKENS.clock) clock: Clock,
    @inject(EEH_TOKENS.options) @optional() options: EehPlatformOptions = {},
  ) {
    this.name = options.name ?? 'eeh';
    this.#mostFreezes = options.mostFreezes ?? 5;
    this.#logged = options.logged ?? (() => undefined);
    this.#suspectedLoop = options.suspectedLoop ?? (() => undefined);
    const timings = options.timings ?? KERNEL_TIMINGS;
    const tree = new PeTree(port.hostBridges);
    const { firmware } = port;
    const ops =
      firmware.kind === 'opal'
        ? new PowerNvOps(port, firmware, tree, clock, timings)
        : new PSeriesOps(firmware, clock, timings);
    this.#around = { port, tree, ops, clock, timings };
    this.#membership = new Membership(this.#around);
    this.#membership.sync();
    const opal = firmware.kind === 'opal';
    this.capabilities = {
      error_interrupts: opal || { absent: 'RTAS firmware reports nothing by itself: freezes are found by reads.' },
      host_bridge_reset: opal || { absent: 'A host bridge belongs to the hypervisor.' },
    };
  }

  /** The PEs as they are now: for looking at. */
  get tree(): PeTree {
    this.#membership.sync();
    return this.#around.tree;
  }

  async *events({ signal }: Stoppable): AsyncIterable<EehEvent> {
    const interrupts = this.#takeInterrupts(signal);
    yield* this.#queue.taken(signal);
    await interrupts;
  }

  /** Asks firmware for everything that it has to report, then every PE for its state. */
  async survey({ signal }: Stoppable): Promise<readonly EehEvent[]> {
    await Promise.resolve();
    if (signal.aborted) return [];
    const { tree } = this;
    const found = this.#reported('survey');
    for (const root of tree.roots) {
      const failed = checkHostBridge(this.#around, root);
      if (failed) found.push(this.#event(failed.pe, 'fenced_phb', 'survey', { state: failed.state }));
    }
    for (const pe of [...tree.all()]) found.push(...this.#surveyed(pe));
    return found;
  }

  /**
   * To be called when a read of a function gave all ones. True: it is frozen, known or just found; then a recovery is on its
   * way.
   */
  checkFailure(bdf: Bdf): boolean {
    this.#membership.sync();
    const check = checkFailure(this.#around, this.#around.tree.device(bdf), this.statistics);
    if (check === 'counted') this.#counted(bdf);
    if (typeof check !== 'object') return check === 'counted';
    this.#queue.push(this.#found(check, bdf, 'read'));
    return true;
  }

  /**
   * Reads configuration space as a driver does: all ones while it is blocked, and a read of all ones is looked into
   * (Linux pnv_pci_read_config).
   */
  readConfig(bdf: Bdf, offset: number, width: ConfigWidth): number {
    this.#membership.sync();
    const { port, tree } = this.#around;
    const device = tree.device(bdf);
    const value = device ? readRegister(port, device, offset, width) : port.readConfig(bdf, offset, width);
    if (value >>> 0 === ALL_ONES[width]) this.checkFailure(bdf);
    return value;
  }

  /** Writes configuration space as a driver does: lost while it is blocked. */
  writeConfig(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void {
    this.#membership.sync();
    const { port, tree } = this.#around;
    const device = tree.device(bdf);
    if (device) writeRegister(port, device, offset, width, value);
    else port.writeConfig(bdf, offset, width, value);
  }

  /** A recovery is wanted although nothing was found (Linux debugfs `eeh_force_recover`). False: there is no such PE. */
  forceRecovery(name: string): boolean {
    const pe = this.tree.find(name);
    if (pe) this.#queue.push(this.#event(pe, pe.number === null ? 'fenced_phb' : 'frozen_pe', 'forced', {}));
    return pe !== undefined;
  }

  /** VFIO opens a function: its PE is thawed, and its owner's to recover from now on. 0 or a negative errno. */
  open(bdf: Bdf): Promise<number> {
    return openFunction(this.#around, this.tree.device(bdf));
  }

  /** VFIO lets a function go. */
  release(bdf: Bdf): Promise<void> {
    return releaseFunction(this.#around, this.tree.device(bdf));
  }

  /** One VFIO_EEH_PE_OP on the PE of a function (R4.11): 0, a state, or a negative errno. */
  async peOperation(bdf: Bdf, operation: number, injection?: EehInjection): Promise<number> {
    const pe = this.tree.device(bdf)?.pe;
    return pe ? peOperation(this.#around, pe, operation, injection) : ERRNO.ENODEV;
  }

  scopeOf(event: ErrorEvent): EehScope {
    return this.#scope((event.record as EehRecord).name);
  }

  perform(operation: Operation, context: PerformContext): Awaitable<OperationResult> {
    const performer = Object.hasOwn(PERFORMERS, operation.name) ? PERFORMERS[operation.name] : undefined;
    if (!performer) return { ok: false, why: 'unsupported', detail: `EEH has no operation "${operation.name}".` };
    const name = context.scope.id;
    if (name === HUB) return this.#removeRoots(this.#around.tree.roots, name);
    const pe = this.tree.find(name);
    if (!pe) return { ok: false, why: 'gone', detail: `${name} is not there any more.` };
    const dead = operation.name === 'remove' && operation['dead'] === true;
    if (dead) return this.#removeRoots([pe], name);
    const around = {
      ...this.#around,
      mostFreezes: this.#mostFreezes,
      sync: () => this.#membership.sync(),
      logged: this.#logged,
      rescope: () => this.#scope(name, pe),
    };
    return performer(around, pe, operation, context);
  }

  handlersOf(device: DeviceRef): PciErrorHandlers | undefined {
    return portHandlers(this.#around.port, device);
  }

  /** Only functions whose callback ran send one (eeh_report_error, eeh_report_resume, eeh_report_failure). */
  afterCallback(answer: Answer, callback: Voting | Telling, channel: ChannelState): void {
    const { port } = this.#around;
    const called = answer.gave === 'vote' || answer.gave === 'fault' || answer.gave === 'told';
    if (!port.uevent || !called) return;
    if (callback === 'resume') return port.uevent(answer.bdf, 'SUCCESSFUL_RECOVERY');
    if (callback !== 'errorDetected') return;
    const vote = answer.gave === 'vote' ? answer.vote : 'disconnect';
    const uevent = channel === 'perm_failure' ? 'FAILED_RECOVERY' : UEVENT_OF_VOTE[vote];
    if (uevent) port.uevent(answer.bdf, uevent);
  }

  /** Informative errors are for the log; no driver hears of them. */
  acknowledge(event: ErrorEvent): void {
    const { raw } = event;
    const { name } = event.record as EehRecord;
    this.#logged({ pe: name, severity: 'informative', ...(raw && { blob: raw }), functions: [] });
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Also a PE that somebody's question has isolated, so that no read finds it any more. */
  #surveyed(pe: Pe): EehEvent[] {
    const device = pe.functions.find(({ present }) => present);
    const bridge = this.#around.tree.phb(pe.phb);
    if (!device || pe.passed > 0 || (pe.state & PE_STATE.RECOVERING) !== 0) return [];
    if (((bridge?.state ?? 0) & PE_STATE.ISOLATED) !== 0) return [];
    if ((pe.state & PE_STATE.ISOLATED) !== 0) {
      const { state } = this.#around.ops.getState(pe);
      return state < 0 || isActive(state) ? [] : [this.#found({ pe, state }, device.bdf, 'survey')];
    }
    const check = checkFailure(this.#around, device, { ...this.statistics });
    return typeof check === 'object' ? [this.#found(check, device.bdf, 'survey')] : [];
  }

  #counted(bdf: Bdf): void {
    const pe = this.#around.tree.device(bdf)!.pe!;
    if (pe.checkCount === MOST_IGNORED_READS) this.#suspectedLoop(bdf, pe.name, pe.checkCount);
  }

  #scope(name: string, known?: Pe): EehScope {
    const { port } = this.#around;
    const { tree } = this;
    const pe = known ?? tree.find(name);
    return scopeOfPes(port, name, name === HUB ? tree.roots : pe ? [pe] : [], this.capabilities);
  }

  /** What is dead is only taken out: everything of host bridges that nobody recovers (eeh_handle_special_event). */
  #removeRoots(roots: readonly Pe[], name: string): OperationResult {
    for (const root of roots) removeDead(this.#around, root);
    this.#membership.sync();
    return { ok: true, scope: this.#scope(name) };
  }

  async #takeInterrupts(signal: AbortSignal): Promise<void> {
    try {
      for await (const _ of this.#around.port.errorInterrupts({ signal }))
        for (const event of this.#reported('interrupt')) this.#queue.push(event);
    } catch (error) {
      this.#queue.fail(error);
    }
  }

  #reported(origin: EehOrigin): EehEvent[] {
    this.#membership.sync();
    const { firmware } = this.#around.port;
    if (firmware.kind !== 'opal') return [];
    return reportedErrors(this.#around, firmware).map((error) => this.#reportedEvent(error, origin));
  }

  #reportedEvent({ kind, pe, blob }: ReportedError, origin: EehOrigin): EehEvent {
    return this.#event(pe, kind, origin, blob ? { raw: blob } : {});
  }

  #found({ pe, state }: Extract<Check, { pe: Pe }>, bdf: Bdf, origin: EehOrigin): EehEvent {
    return this.#event(pe, pe.number === null ? 'fenced_phb' : 'frozen_pe', origin, { bdf, state });
  }

  /** From here on the PE is being recovered: nobody may take it out of the tree (__eeh_send_failure_event). */
  #event(
    pe: Pe,
    kind: EehRecord['kind'],
    origin: EehOrigin,
    { bdf, state, raw = pe.diag }: { bdf?: Bdf; state?: number; raw?: Uint8Array | undefined },
  ): EehEvent {
    const { clock, port } = this.#around;
    if (kind === 'frozen_pe' || kind === 'fenced_phb') mark(pe, PE_STATE.RECOVERING);
    const device = bdf ?? firstDevice(pe) ?? (`${pe.phb.toString(16).padStart(4, '0')}:00:00.0` as Bdf);
    return {
      platform: this.name,
      sequence: this.#sequence++,
      monotonic: clock.monotonic(),
      wall: clock.wall(),
      severity: kind === 'informative' ? 'informative' : 'fatal',
      device: { bdf: device, generation: port.generationOf(device) },
      record: {
        kind,
        origin,
        phb: pe.phb,
        pe: pe.number,
        name: kind === 'dead_ioc' ? HUB : pe.name,
        state: state ?? null,
        ignoredReads: pe.checkCount,
      },
      ...(raw && kind !== 'dead_ioc' && kind !== 'dead_phb' && { raw }),
    };
  }
}

/** The first function of a PE, for errors that no function saw. */
function firstDevice(pe: Pe): Bdf | undefined {
  for (const { bdf, present } of walkDevices(pe)) if (present) return bdf;
  return undefined;
}
