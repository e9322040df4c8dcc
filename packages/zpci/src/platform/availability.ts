import { AVAILABILITY, type CcdfAvailability } from '../ccdf/index.js';
import { CLP } from '../firmware-codes.js';
import { type ZpciHostPort } from '../port.js';
import { type Firmware } from './firmware.js';
import { type FunctionTable } from './function-table.js';
import { type ZpciHappening } from './happening.js';
import { type FunctionState, type ZpciFunction } from './zpci-function.js';

/** What availability events need. */
export interface AvailabilitySurroundings {
  readonly port: ZpciHostPort;
  readonly firmware: Firmware;
  readonly table: FunctionTable;
  readonly happened: (happening: ZpciHappening) => void;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** Does something to a function while nobody else does. */
export type Undisturbed = (fn: ZpciFunction, work: () => Promise<void>) => Promise<void>;

/**
 * Changes the states of functions as availability events say (R2.12).
 *
 * Source: Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_availability and what it calls in pci.c, pci_bus.c.
 */
export class Availability {
  readonly #around: AvailabilitySurroundings;

  constructor(around: AvailabilitySurroundings) {
    this.#around = around;
  }

  /** A function that is known. Linux: zpci_event_avail_existing_device. */
  async existing(fn: ZpciFunction, { pec, fh }: CcdfAvailability): Promise<void> {
    switch (pec) {
      case AVAILABILITY.CONFIGURED:
        // A request to configure what is configured already is stale.
        if (fn.state === 'configured') return;
        if (fn.state === 'reserved') this.#become(fn, 'standby');
        this.#become(fn, 'configured');
        this.#updateHandle(fn, fh);
        return this.#scan(fn);
      case AVAILABILITY.STANDBY:
        if (fn.state === 'reserved') this.#become(fn, 'standby');
        this.#updateHandle(fn, fh);
        return;
      case AVAILABILITY.DECONFIGURATION_REQUESTED:
        if (fn.state !== 'configured') return;
        this.#updateHandle(fn, fh);
        return this.#deconfigure(fn);
      case AVAILABILITY.HARD_DECONFIGURED:
        if (fn.state === 'configured') await this.#hardDeconfigured(fn, fh);
        if (this.#around.firmware.stateOf(fn.fid) === 'reserved') this.#reserved(fn);
        return;
      case AVAILABILITY.RESERVED:
        return this.#reserved(fn);
      default:
        return;
    }
  }

  /** A function that nobody knew. Linux: zpci_event_avail_new_device. */
  async fresh({ pec, fh, fid }: CcdfAvailability): Promise<void> {
    if (pec !== AVAILABILITY.CONFIGURED && pec !== AVAILABILITY.STANDBY) return;
    const fn = this.create(fid, fh, pec === AVAILABILITY.CONFIGURED ? 'configured' : 'standby');
    if (fn && pec === AVAILABILITY.CONFIGURED) await this.#scan(fn);
  }

  /** Anything may have changed. `undisturbed` does what concerns one function. Linux: zpci_event_avail_any_device. */
  async any(undisturbed: Undisturbed): Promise<void> {
    this.#comeAndGone();
    for (const fn of [...this.#around.table.all()]) {
      if (fn.state === 'configured') await undisturbed(fn, () => this.#scan(fn));
    }
  }

  /** The same for a survey, which enables nobody that drivers see: it may be disabled by an error that is to be recovered. */
  async look(): Promise<void> {
    this.#comeAndGone();
    for (const fn of [...this.#around.table.all()]) {
      if (fn.state === 'configured' && !fn.present) await fn.alone(() => this.#scan(fn));
    }
  }

  #comeAndGone(): void {
    const { firmware, table } = this.#around;
    for (const fn of [...table.all()]) {
      if (fn.state === 'standby' && firmware.stateOf(fn.fid) === 'reserved') this.#reserved(fn);
    }
    this.discover();
  }

  /** Takes in every function that firmware lists and nobody knows yet; none of them is enabled by that. */
  discover(): void {
    const { port, table } = this.#around;
    const { response, functions } = port.list();
    if (response !== CLP.OK) return;
    for (const { fid, fh, vendor, configured } of functions) {
      if (vendor !== 0 && !table.get(fid)) this.create(fid, fh, configured ? 'configured' : 'standby');
    }
  }

  /**
   * Undefined when firmware does not describe it, or another function is known at its address.
   * Linux 7.3 pci.c:zpci_create_device, pci_bus.c:zpci_bus_add_device.
   */
  create(fid: number, fh: number, state: FunctionState): ZpciFunction | undefined {
    const { port, table, happened } = this.#around;
    const refused = (why: string): undefined => void happened({ what: 'refused', fid, why });
    const { response, properties } = port.query(fh);
    if (response !== CLP.OK || !properties) return refused(`Query PCI Function gave response ${hex(response)}.`);
    if (properties.fid !== fid) return refused(`Its handle is that of function ${hex(properties.fid)}.`);
    const other = table.knownAt(properties.bdf);
    if (other) return refused(`Function ${hex(other.fid)} has its address, ${properties.bdf}.`);
    const fn = table.create(properties, fh, state);
    happened({ what: 'state', fid, bdf: fn.bdf, to: state });
    return fn;
  }

  /**
   * Makes a PCI function of a configured one: it is enabled for that, and its translation is registered. Where that fails
   * its DMA stays blocked. Linux 7.3 pci_bus.c:zpci_bus_scan_device, drivers/iommu/s390-iommu.c:s390_iommu_attach_device.
   */
  async #scan(fn: ZpciFunction): Promise<void> {
    const { firmware, table, happened } = this.#around;
    // Whoever had the function before may have given it back.
    if (fn.state !== 'configured' || table.get(fn.fid) !== fn) return;
    const refused = (why: string): void => happened({ what: 'refused', fid: fn.fid, why: `${why}.` });
    const fresh = !fn.enabled;
    if (fresh) {
      const enabled = await firmware.enable(fn);
      if (!enabled.ok) return refused(enabled.detail);
    }
    if (fn.present) return;
    const registered = fresh ? await firmware.modify(fn, 'register_translation') : { ok: true as const };
    if (!registered.ok) refused(registered.detail);
    table.appear(fn);
    happened({ what: 'appeared', fid: fn.fid, bdf: fn.bdf, generation: fn.generation });
  }

  /** What fails leaves it as it is. Linux 7.3 pci.c:zpci_deconfigure_device. */
  async #deconfigure(fn: ZpciFunction): Promise<void> {
    const { port, firmware, happened } = this.#around;
    const refused = (why: string): void => happened({ what: 'refused', fid: fn.fid, why });
    this.#remove(fn);
    const disabled = await firmware.disable(fn);
    if (!disabled.ok) return refused(`${disabled.detail}.`);
    if (disabled.already) return refused('It was disabled before.');
    if (!port.deconfigure(fn.fid)) return refused('It could not be deconfigured.');
    this.#become(fn, 'standby');
  }

  /** Linux 7.3 pci_event.c:zpci_event_hard_deconfigured. */
  async #hardDeconfigured(fn: ZpciFunction, fh: number): Promise<void> {
    this.#updateHandle(fn, fh);
    if (fn.present) fn.channel = 'perm_failure';
    this.#remove(fn);
    await this.#around.firmware.disable(fn);
    this.#become(fn, 'standby');
  }

  /** One that is still a PCI function lingers. Linux 7.3 pci.c:zpci_device_reserved. */
  #reserved(fn: ZpciFunction): void {
    this.#become(fn, 'reserved');
    if (fn.present) return;
    this.#around.table.forget(fn);
    this.#around.happened({ what: 'state', fid: fn.fid, bdf: fn.bdf, from: 'reserved' });
  }

  /**
   * Firmware's own word counts, where it gives one: an event that waited for a recovery has the handle from before the
   * reset. (The kernel takes the event's.)
   */
  #updateHandle(fn: ZpciFunction, fh: number): void {
    const now = this.#around.firmware.handleOf(fn.fid);
    fn.updateHandle(now.fh ?? fh);
  }

  /** Its holder has to let go of it. */
  #remove(fn: ZpciFunction): void {
    if (!fn.present) return;
    fn.present = false;
    this.#around.happened({ what: 'removed', fid: fn.fid, bdf: fn.bdf, generation: fn.generation });
    const unread = fn.pending.stop();
    if (unread > 0) this.#around.happened({ what: 'unread', fid: fn.fid, count: unread });
  }

  #become(fn: ZpciFunction, to: FunctionState): void {
    const from = fn.state;
    if (from === to) return;
    fn.state = to;
    this.#around.happened({ what: 'state', fid: fn.fid, bdf: fn.bdf, from, to });
  }
}
