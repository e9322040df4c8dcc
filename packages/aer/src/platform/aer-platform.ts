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
  type RecoveryPlatform,
  type RecoveryScope,
  type Stoppable,
  type Telling,
  type Voting,
} from '@pci-recovery/core';
import { AER } from '@pci-recovery/pci';
import { type PciTopology } from '@pci-recovery/pci/topology';
import { inject, injectable, optional } from 'inversify';
import { type AerHostPort } from '../port.js';
import { aerHostProcedure } from '../procedure/host.js';
import { type AerEvent, type AerRecord } from '../record.js';
import { AER_TOKENS } from '../tokens.js';
import { detectedVote, UEVENT_OF_VOTE } from '../votes.js';
import { Channels } from './channels.js';
import { AerCounters } from './counters.js';
import { acknowledgeCorrectable, clearDeviceStatus, clearNonfatalStatus, confirmSource } from './error-status.js';
import { decodeFirmwareError, type FirmwareError } from './firmware-record.js';
import { PortServices } from './port-services.js';
import { RegisterMap } from './registers.js';
import { resetSubordinates } from './reset.js';
import { KERNEL_TIMINGS, type ResetTimings } from './reset-timings.js';
import { recoveryBridge, recoveryScope } from './scope.js';
import { findSources, readError, receivedErrors, type ReceivedError } from './sources.js';
import { reports, silentErrors } from './survey.js';

/** What can be set differently. */
export interface AerPlatformOptions {
  /** Default: `aer`. */
  readonly name?: string;
  /** Default: {@link KERNEL_TIMINGS}. */
  readonly timings?: ResetTimings;
}

/**
 * AER in host mode: takes the interrupts of root ports and event collectors, finds out who reported what, and performs
 * resets through the ports' own registers.
 */
@injectable()
export class AerPlatform implements RecoveryPlatform {
  readonly name: string;
  readonly procedure = aerHostProcedure;
  readonly capabilities: Readonly<Record<string, Capability>>;
  /** What was seen so far, as the kernel's sysfs counts it. */
  readonly counters = new AerCounters();
  readonly #port: AerHostPort;
  readonly #clock: Clock;
  readonly #timings: ResetTimings;
  readonly #registers: RegisterMap;
  readonly #ports: PortServices;
  readonly #queue = new EventQueue<AerEvent>();
  readonly #channels = new Channels();
  #known: PciTopology | undefined;
  #sequence = 0;

  constructor(
    @inject(AER_TOKENS.port) port: AerHostPort,
    @inject(TOKENS.clock) clock: Clock,
    @inject(AER_TOKENS.options) @optional() options: AerPlatformOptions = {},
  ) {
    this.name = options.name ?? 'aer';
    this.#port = port;
    this.#clock = clock;
    this.#timings = options.timings ?? KERNEL_TIMINGS;
    this.#registers = new RegisterMap(port);
    this.#ports = new PortServices(port);
    const native: Capability = (port.nativeAer ?? true) || { absent: 'Firmware keeps control of AER (ACPI _OSC).' };
    this.capabilities = { native_aer: native, link_reset: true };
    this.#topology();
  }

  /** The channel of a function as its last recovery left it. */
  channelOf(bdf: Bdf): ChannelState {
    return this.#channels.of({ bdf, generation: this.#port.generationOf(bdf) });
  }

  events({ signal }: Stoppable): AsyncIterableIterator<AerEvent> {
    return new EventStream(this.#queue, signal, (until) => this.#takeInterrupts(until));
  }

  /**
   * Takes in an error that firmware hands over. Correctable ones are only counted, however many they are; others are
   * reported by {@link events} when an unmasked status bit is set. One of a function that is not there is reported as
   * informative.
   *
   * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_recover_queue, aer_recover_work_func.
   * @throws PciRecoveryError `ERR_PCI_BAD_FIRMWARE_RECORD`
   */
  firmwareError(error: FirmwareError): void {
    const record = decodeFirmwareError(error);
    if (!this.#topology().get(error.bdf)) {
      return this.#queue.push({ ...this.#event(error.bdf, record), severity: 'informative' });
    }
    this.counters.count(error.bdf, record);
    if (record.severity === 'correctable' || (record.status & ~record.mask) === 0) return;
    this.#queue.push(this.#event(error.bdf, record));
  }

  async survey(_: Stoppable): Promise<readonly AerEvent[]> {
    await Promise.resolve();
    const reported = [...this.#topology().functions()].filter(reports).flatMap((fn) => this.interrupted(fn.bdf));
    const known = new Set(reported.map((event) => event.device.bdf));
    return [
      ...reported,
      ...silentErrors(this.#port, this.#registers, known).map(([bdf, record]) => this.#event(bdf, record)),
    ];
  }

  /**
   * Handles one interrupt of a root port or event collector: reads and clears its status, finds the sources, and reports
   * what each has to say. All are read before the first is handled, so that no reset loses a record.
   *
   * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_irq, aer_isr_one_error, aer_process_err_devices.
   */
  interrupted(bdf: Bdf): AerEvent[] {
    const root = this.#topology().get(bdf);
    const status = this.#registers.aer(bdf, AER.ROOT_STATUS);
    if (!root || status === 0 || status === 0xffff_ffff) return [];
    const source = this.#registers.aer(bdf, AER.ERROR_SOURCE);
    this.#registers.writeAer(bdf, AER.ROOT_STATUS, status);
    return receivedErrors(root, status, source).flatMap((error) => this.#traced(error));
  }

  scopeOf(event: ErrorEvent): RecoveryScope {
    this.#topology();
    return recoveryScope(this.#port, event.device.bdf, this.#channels, this.capabilities);
  }

  perform(operation: Operation): Awaitable<OperationResult> {
    const bdf = operation['device'] as Bdf;
    switch (operation.name) {
      case 'confirm_source':
        return { ok: true, value: confirmSource(this.#registers, this.#port.topology.get(bdf), operation['severity']) };
      case 'reset_subordinates':
        return this.#reset(bdf);
      case 'clear_status':
        clearDeviceStatus(this.#registers, bdf);
        clearNonfatalStatus(this.#registers, bdf);
        return { ok: true };
      default:
        return { ok: false, why: 'unsupported', detail: `AER has no operation "${operation.name}".` };
    }
  }

  handlersOf(device: DeviceRef): PciErrorHandlers | undefined {
    return this.#ports.of(device);
  }

  /** The walk with `perm_failure` changes no state. Linux 7.3 drivers/pci/pcie/err.c:report_perm_failure_detected. */
  beforeCallback(device: DeviceRef, callback: Voting | Telling, channel: ChannelState): void {
    if (channel !== 'perm_failure' && callback !== 'mmioEnabled') this.#channels.set(device, channel);
  }

  /** Linux 7.3 drivers/pci/pcie/err.c:report_error_detected, report_perm_failure_detected, report_resume. */
  afterCallback(answer: Answer, callback: Voting | Telling, channel: ChannelState): void {
    if (!this.#port.uevent) return;
    if (callback === 'resume') return this.#port.uevent(answer.bdf, 'SUCCESSFUL_RECOVERY');
    if (callback !== 'errorDetected') return;
    const bridge = this.#port.topology.get(answer.bdf)?.bridge ?? false;
    const uevent = channel === 'perm_failure' ? 'FAILED_RECOVERY' : UEVENT_OF_VOTE[detectedVote(answer, { bridge })];
    if (uevent) this.#port.uevent(answer.bdf, uevent);
  }

  acknowledge(event: ErrorEvent, tell: () => Awaitable<void>): Awaitable<void> {
    const { bdf } = event.device;
    if (event.severity !== 'correctable') return;
    const native = this.capabilities['native_aer'] === true;
    return acknowledgeCorrectable(this.#registers, bdf, (event as AerEvent).record, native ? tell : undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** The functions as they are now. New ones are looked up at once: in the middle of an error they may not answer. */
  #topology(): PciTopology {
    const { topology } = this.#port;
    if (topology === this.#known) return topology;
    this.#known = topology;
    for (const fn of topology.functions()) {
      this.#registers.of(fn.bdf);
      this.#ports.meet(fn);
    }
    return topology;
  }

  async #takeInterrupts(signal: AbortSignal): Promise<void> {
    try {
      for await (const root of this.#port.interrupts({ signal })) {
        for (const event of this.interrupted(root)) this.#queue.push(event);
      }
    } catch (error) {
      this.#queue.fail(error);
    }
  }

  #reset(bdf: Bdf): Awaitable<OperationResult> {
    const bridge = recoveryBridge(this.#port, bdf);
    if (!bridge) return { ok: false, why: 'gone', detail: `${bdf} is not there any more.` };
    const around = { port: this.#port, registers: this.#registers, clock: this.#clock, timings: this.#timings };
    return resetSubordinates(around, bridge);
  }

  #traced(error: ReceivedError): AerEvent[] {
    this.counters.countReceived(error.root.bdf, error.severity);
    const sources = findSources(this.#registers, this.#port.topology, error);
    const records = sources.map((fn) => [fn.bdf, readError(this.#registers, fn, error)] as const);
    for (const [bdf, record] of records) if (record) this.counters.count(bdf, record);
    const events = records.flatMap(([bdf, record]) => (record ? [this.#event(bdf, record)] : []));
    return events.length > 0 ? events : [this.#untraced(error)];
  }

  /** Nobody admits to it: reported for the record, with the root as its device. The kernel only logs it. */
  #untraced(error: ReceivedError): AerEvent {
    const { root, severity, multiple, sourceId } = error;
    const record: AerRecord = {
      origin: 'message',
      root: root.bdf,
      severity,
      multiple,
      sourceId,
      status: 0,
      mask: 0,
      advisory: 0,
      accessible: false,
    };
    return { ...this.#event(root.bdf, record), severity: 'informative' };
  }

  #event(bdf: Bdf, record: AerRecord): AerEvent {
    return {
      platform: this.name,
      sequence: this.#sequence++,
      monotonic: this.#clock.monotonic(),
      wall: this.#clock.wall(),
      severity: record.severity,
      device: { bdf, generation: this.#port.generationOf(bdf) },
      record,
    };
  }
}
