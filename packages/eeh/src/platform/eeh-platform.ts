import {
  EventQueue,
  EventStream,
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
import { type Pe } from '../pe/pe.js';
import { PeTree } from '../pe/tree.js';
import { type ConfigWidth, type EehHostPort } from '../port.js';
import { eehHostProcedure } from '../procedure/host.js';
import { type EehEvent, type EehOrigin, type EehRecord } from '../record.js';
import { type EehScope } from '../scope.js';
import { EEH_TOKENS } from '../tokens.js';
import { type EehInjection } from '../vfio.js';
import { UEVENT_OF_VOTE } from '../votes.js';
import { ALL_ONES, isBlockedForDrivers } from './config.js';
import { checkFailure, MOST_IGNORED_READS, type EehStatistics } from './detection.js';
import { type EehPlatformOptions } from './eeh-options.js';
import { ERRNO } from './errno.js';
import { Handovers } from './handovers.js';
import { removeDead } from './hotplug.js';
import { EventMaker } from './event-maker.js';
import { Membership } from './membership.js';
import { reportedErrors } from './next-error.js';
import { openFunction, releaseFunction } from './ownership.js';
import { peOperation } from './pe-op.js';
import { PERFORMERS, type PerformSurroundings } from './perform.js';
import { portHandlers } from './port-services.js';
import { PowerNvOps } from './powernv.js';
import { PSeriesOps } from './pseries.js';
import { HUB, scopeOfPes } from './scope.js';
import { KERNEL_TIMINGS, type Surroundings } from './surroundings.js';
import { finish } from './waiting.js';
import { survey } from './survey.js';

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
  /** Made once: what is made for every operation is garbage of a shape of its own. */
  readonly #performing: PerformSurroundings;
  readonly #logged: NonNullable<EehPlatformOptions['logged']>;
  readonly #suspectedLoop: NonNullable<EehPlatformOptions['suspectedLoop']>;
  readonly #queue = new EventQueue<EehEvent>();
  readonly #make: EventMaker;
  readonly #handovers = new Handovers();

  constructor(
    @inject(EEH_TOKENS.port) port: EehHostPort,
    @inject(TOKENS.clock) clock: Clock,
    @inject(EEH_TOKENS.options) @optional() options: EehPlatformOptions = {},
  ) {
    this.name = options.name ?? 'eeh';
    this.#logged = options.logged ?? (() => undefined);
    this.#suspectedLoop = options.suspectedLoop ?? (() => undefined);
    const timings = options.timings ?? KERNEL_TIMINGS;
    const tree = new PeTree(port.hostBridges);
    const { firmware } = port;
    const ops =
      firmware.kind === 'opal'
        ? new PowerNvOps(port, firmware, tree, clock, timings)
        : new PSeriesOps(port, firmware, clock, timings);
    this.#around = { port, tree, ops, clock, timings };
    this.#make = new EventMaker(this.name, this.#around);
    this.#membership = new Membership(this.#around);
    this.#performing = {
      ...this.#around,
      mostFreezes: options.mostFreezes ?? 5,
      sync: () => this.#membership.sync(),
      logged: this.#logged,
      rescope: (pe) => this.#scope(pe.name, pe),
    };
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

  events({ signal }: Stoppable): AsyncIterable<EehEvent> {
    return new EventStream(this.#queue, signal, (until) => this.#takeInterrupts(until));
  }

  /** Asks firmware for everything that it has to report, then every PE for its state. */
  async survey({ signal }: Stoppable): Promise<readonly EehEvent[]> {
    await Promise.resolve();
    if (signal.aborted) return [];
    const reported = this.#reported('survey');
    return [
      ...reported,
      ...survey(this.#around, this.statistics).map((found) => this.#make.found(found, found.bdf, 'survey')),
    ];
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
    this.#queue.push(this.#make.found(check, bdf, 'read'));
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
    const blocked = device !== undefined && isBlockedForDrivers(device);
    if (blocked) return ALL_ONES[width];
    const value = port.readConfig(bdf, offset, width);
    if (value >>> 0 === ALL_ONES[width]) this.checkFailure(bdf);
    return value;
  }

  /** Writes configuration space as a driver does: lost while it is blocked. */
  writeConfig(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void {
    this.#membership.sync();
    const { port, tree } = this.#around;
    const device = tree.device(bdf);
    if (!device || !isBlockedForDrivers(device)) port.writeConfig(bdf, offset, width, value);
  }

  /**
   * A recovery is wanted although nothing was found (Linux debugfs `eeh_force_recover`). False: there is no such PE, or it is a
   * host bridge's own where that belongs to the hypervisor.
   */
  forceRecovery(name: string): boolean {
    const pe = this.tree.find(name);
    if (!pe || (pe.number === null && !this.#around.ops.knowsHostBridges)) return false;
    this.#queue.push(this.#make.forced(pe));
    return true;
  }

  /**
   * VFIO opens a function: its PE is thawed, and its owner's to recover from now on. 0 or a negative errno. One change of owners
   * at a time, in the order of calls.
   */
  open(bdf: Bdf): Promise<number> {
    return this.#handovers.after(() => finish(openFunction(this.#around, this.tree.device(bdf))));
  }

  /** VFIO lets a function go: once for each time that it was opened. */
  release(bdf: Bdf): Promise<void> {
    return this.#handovers.after(() => finish(releaseFunction(this.#around, this.tree.device(bdf))));
  }

  /** One VFIO_EEH_PE_OP on the PE of a function (R4.11): 0, a state, or a negative errno. */
  async peOperation(bdf: Bdf, operation: number, injection?: EehInjection): Promise<number> {
    const pe = this.tree.device(bdf)?.pe;
    return pe ? finish(peOperation(this.#around, pe, operation, injection)) : ERRNO.ENODEV;
  }

  scopeOf(event: ErrorEvent): EehScope {
    return this.#scope((event.record as EehRecord).name);
  }

  perform(operation: Operation, context: PerformContext): Awaitable<OperationResult> {
    const performer = PERFORMERS.get(operation.name);
    if (!performer) return { ok: false, why: 'unsupported', detail: `EEH has no operation "${operation.name}".` };
    const name = context.scope.id;
    if (name === HUB) return this.#removeRoots(this.#around.tree.roots, name);
    const pe = this.tree.find(name);
    if (!pe) return { ok: false, why: 'gone', detail: `${name} is not there any more.` };
    const dead = operation.name === 'remove' && operation['dead'] === true;
    if (dead) return this.#removeRoots([pe], name);
    const performed = performer(this.#performing, pe, operation, context);
    return 'next' in performed ? finish(performed) : performed;
  }

  handlersOf(device: DeviceRef): PciErrorHandlers | undefined {
    return portHandlers(this.#around.port, device);
  }

  /** Only functions whose callback ran send one (eeh_report_error, eeh_report_resume, eeh_report_failure). */
  afterCallback(answer: Answer, callback: Voting | Telling, channel: ChannelState): void {
    const { port, ops } = this.#around;
    const called = answer.gave === 'vote' || answer.gave === 'fault' || answer.gave === 'told';
    if (!called) return;
    if (callback === 'resume') {
      port.uevent?.(answer.bdf, 'SUCCESSFUL_RECOVERY');
      return ops.resumed?.(answer.bdf);
    }
    if (callback !== 'errorDetected') return;
    const vote = answer.gave === 'vote' ? answer.vote : 'disconnect';
    const uevent = channel === 'perm_failure' ? 'FAILED_RECOVERY' : UEVENT_OF_VOTE[vote];
    if (uevent) port.uevent?.(answer.bdf, uevent);
  }

  /** Informative errors are for the log; no driver hears of them. */
  acknowledge(event: ErrorEvent): void {
    const { raw } = event;
    const { name } = event.record as EehRecord;
    this.#logged({ pe: name, severity: 'informative', ...(raw && { blob: raw }), functions: [] });
  }

  async [Symbol.asyncDispose](): Promise<void> {}

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

  /** What is dead is only taken out: all of a host bridge, or of every one (eeh_handle_special_event). */
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
    return reportedErrors(this.#around, firmware).map((error) => this.#make.reported(error, origin));
  }
}
