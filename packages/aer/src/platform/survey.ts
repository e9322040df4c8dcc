import { type Bdf } from '@pci-recovery/core';
import { AER } from '@pci-recovery/pci';
import { type TopologyFunction } from '@pci-recovery/pci/topology';
import { type AerHostPort } from '../port.js';
import { type AerRecord } from '../record.js';
import { type RegisterMap } from './registers.js';

const QUIET = { origin: 'survey', multiple: false, sourceId: 0, advisory: 0 } as const;

/** Functions that receive error messages. */
export const reports = (fn: TopologyFunction): boolean => fn.portType === 'root_port' || fn.portType === 'rcec';

/**
 * Functions that have an unmasked uncorrectable error that nobody reported, or that answer all ones (R1.6).
 * @param known functions that are reported already.
 */
export function silentErrors(
  port: AerHostPort,
  registers: RegisterMap,
  known: ReadonlySet<Bdf>,
): (readonly [Bdf, AerRecord])[] {
  const silent = [...port.topology.functions()].filter((fn) => !known.has(fn.bdf));
  return silent.flatMap((fn) => silentError(port, registers, fn));
}

function silentError(port: AerHostPort, registers: RegisterMap, fn: TopologyFunction): (readonly [Bdf, AerRecord])[] {
  const root = port.topology.rootPort(fn.bdf)?.bdf ?? fn.eventCollector;
  const base = { ...QUIET, ...(root ? { root } : {}), ...(fn.portType ? { portType: fn.portType } : {}) };
  if (!registers.answers(fn.bdf))
    return [[fn.bdf, { ...base, severity: 'fatal', status: 0, mask: 0, accessible: false }]];
  const status = registers.aer(fn.bdf, AER.UNCOR_STATUS);
  const mask = registers.aer(fn.bdf, AER.UNCOR_MASK);
  if ((status & ~mask) === 0) return [];
  const fatal = (status & ~mask & registers.aer(fn.bdf, AER.UNCOR_SEVERITY)) !== 0;
  return [[fn.bdf, { ...base, severity: fatal ? 'fatal' : 'nonfatal', status, mask, accessible: true }]];
}
