import { type PciFunction } from '../machine/pci-function.js';
import { boot } from '../machine/boot.js';
import { type Host } from './host.js';

/** Functions come and go. */
export class HotPlug {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Takes a function away as the kernel does by `remove`: its holder is asked (REQ eventfd), and it goes when that one has closed it
   * (drivers/vfio/vfio_main.c:vfio_unregister_group_dev). Settles then.
   */
  remove(subject: PciFunction): Promise<void> {
    const device = this.#host.vfio.deviceOf(subject);
    device.interrupts.request?.signal();
    return new Promise((resolve) => {
      device.use.whenOpen(() => {
        this.#gone(subject);
        resolve();
      });
    });
  }

  /** Pulls a function out without asking: it is open still, and does not answer. */
  pull(subject: PciFunction): void {
    this.#host.vfio.deviceOf(subject).interrupts.request?.signal();
    this.#gone(subject);
  }

  /** Puts it back, as after power-on, with the driver that it had. */
  add(subject: PciFunction): void {
    if (subject.silence !== 'gone') return;
    subject.silence = undefined;
    subject.reset();
    boot(subject);
    const { driver } = subject.description;
    subject.driver = driver === undefined ? 'vfio-pci' : (driver ?? undefined);
    this.#host.uevents.device(subject, 'add');
    if (subject.driver !== undefined) this.#host.uevents.device(subject, 'bind');
  }

  /** Finds everything again that was removed. */
  rescan(): void {
    for (const subject of this.#host.machine.functions) this.add(subject);
  }

  #gone(subject: PciFunction): void {
    if (subject.silence === 'gone') return;
    if (subject.driver !== undefined) this.#host.uevents.device(subject, 'unbind');
    this.#host.uevents.device(subject, 'remove');
    this.#host.counters.forget(subject.bdf);
    subject.silence = 'gone';
    subject.driver = undefined;
  }
}
