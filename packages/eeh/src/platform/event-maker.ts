import { type Bdf } from '@pci-recovery/core';
import { PE_STATE, type Pe } from '../pe/pe.js';
import { mark, walkDevices } from '../pe/tree.js';
import { type EehEvent, type EehOrigin, type EehRecord } from '../record.js';
import { type FoundFrozen } from './detection.js';
import { type ReportedError } from './next-error.js';
import { HUB } from './scope.js';
import { type Surroundings } from './surroundings.js';

/** What is known of an error besides its kind. */
interface Details {
  /** The function that saw it. Default: the first one of the PE. */
  readonly bdf?: Bdf | undefined;
  readonly state?: number;
  readonly raw?: Uint8Array | undefined;
}

/** Makes events of what was found or reported, in order. */
export class EventMaker {
  readonly #platform: string;
  readonly #around: Pick<Surroundings, 'clock' | 'port'>;
  #sequence = 0;

  constructor(platform: string, around: Pick<Surroundings, 'clock' | 'port'>) {
    this.#platform = platform;
    this.#around = around;
  }

  /** A freeze that a read or a survey found. */
  found({ pe, state }: FoundFrozen, bdf: Bdf | undefined, origin: EehOrigin): EehEvent {
    return this.#make(pe, kindOf(pe), origin, { bdf, state, raw: pe.diag });
  }

  /** What firmware reported by itself. */
  reported({ kind, pe, blob }: ReportedError, origin: EehOrigin): EehEvent {
    return this.#make(pe, kind, origin, { raw: blob ?? pe.diag });
  }

  /** A recovery that somebody wants. A PE that is not frozen has no log of this error. */
  forced(pe: Pe): EehEvent {
    if ((pe.state & PE_STATE.ISOLATED) === 0) pe.diag = undefined;
    return this.#make(pe, kindOf(pe), 'forced', { raw: pe.diag });
  }

  /** From here on the PE is being recovered: nobody may take it out of the tree (eeh_event.c:__eeh_send_failure_event). */
  #make(pe: Pe, kind: EehRecord['kind'], origin: EehOrigin, { bdf, state, raw }: Details): EehEvent {
    const { clock, port } = this.#around;
    if (kind === 'frozen_pe' || kind === 'fenced_phb') mark(pe, PE_STATE.RECOVERING);
    const device = bdf ?? firstDevice(pe) ?? (`${pe.phb.toString(16).padStart(4, '0')}:00:00.0` as Bdf);
    return {
      platform: this.#platform,
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

const kindOf = ({ number }: Pe): 'fenced_phb' | 'frozen_pe' => (number === null ? 'fenced_phb' : 'frozen_pe');

/** The first function of a PE, for errors that no function saw. */
function firstDevice(pe: Pe): Bdf | undefined {
  for (const { bdf, present } of walkDevices(pe)) if (present) return bdf;
  return undefined;
}
