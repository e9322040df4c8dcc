import { type Bdf } from '@pci-recovery/core';
import { type TopologyFunction } from '@pci-recovery/pci/topology';
import { scanKernelLog, type KernelLogRecord } from '@pci-recovery/pci/kernel-log';
import { type StreamName } from '../channel/protocol.js';
import { type Probe } from '../machine/machine.js';
import { aerTraceEvents, type AerTraceEvent } from './aer-events.js';
import { type AerCounters } from './counters.js';
import { counted, errorRegisters, functionsOf, type ErrorRegisters, type GuestState } from './function-state.js';
import { kernelCalls, type KernelCall, type KernelReturn } from './kernel-calls.js';
import { recoveryUevents, type RecoveryUevent } from './uevents.js';

/** Everything that was seen of one step, by ways that do not depend on each other. */
export interface Evidence {
  /** What the machine was made of before the step, with drivers. */
  readonly functions: readonly TopologyFunction[];
  /** What the kernel's log says of recovery. */
  readonly log: readonly KernelLogRecord[];
  /** The kernel's own order: its functions as they were called. */
  readonly calls: readonly KernelCall[];
  readonly returns: readonly KernelReturn[];
  /** The trace event `ras:aer_event`. */
  readonly aerEvents: readonly AerTraceEvent[];
  readonly uevents: readonly RecoveryUevent[];
  /** What sysfs counted in this step, by function. */
  readonly counted: Readonly<Record<Bdf, AerCounters>>;
  /** Registers after the step, of the functions that have AER. */
  readonly registers: Readonly<Record<Bdf, ErrorRegisters>>;
}

/** What a step left. */
export interface StepMaterial {
  readonly lines: Readonly<Record<StreamName, readonly string[]>>;
  readonly before: GuestState;
  readonly after: GuestState;
  readonly probes: readonly Probe[];
}

/** Reads what a step left. */
export function readEvidence({ lines, before, after, probes }: StepMaterial): Evidence {
  const registers = [...after].map(([bdf, state]) => [bdf, errorRegisters(state)] as const);
  return {
    functions: functionsOf(before),
    log: scanKernelLog(lines.log.join('\n')).records,
    ...kernelCalls(lines.trace, probes),
    aerEvents: aerTraceEvents(lines.trace),
    uevents: recoveryUevents(lines.uevent),
    counted: counted(before, after),
    registers: Object.fromEntries(registers.filter(([, found]) => found !== undefined)) as Evidence['registers'],
  };
}
