import { type AerOwnerPlatform } from '@pci-recovery/aer/linux';
import { type VfioDevice } from '@pci-recovery/vfio';
import { type LiveDriver, type LiveFunction, type LiveMachine } from './live-machine.js';

/** A function that is held and driven. It is let go when the host wants it back, or when nobody needs it any more. */
export class Holding {
  readonly device: VfioDevice;
  readonly driver: LiveDriver;
  /** The host wants it back. */
  readonly wanted: Promise<void>;
  #hold: Disposable | undefined;
  #released: Promise<void> | undefined;

  private constructor(device: VfioDevice, driver: LiveDriver) {
    this.device = device;
    this.driver = driver;
    this.wanted = new Promise((resolve) => {
      device.onRequest(() => {
        resolve();
        // Who disposes of it later is told of a failure.
        this.release().catch(() => undefined);
      });
    });
  }

  /** Takes a function, and has its driver set it up. */
  static async take(machine: LiveMachine, { bdf }: LiveFunction, place: number): Promise<Holding> {
    const device = await machine.open(bdf);
    try {
      return new Holding(device, await machine.drive(device, place));
    } catch (error) {
      await device.close();
      throw error;
    }
  }

  /** Gives it into the care of a platform, and takes it from the one that had it. */
  async entrust(platform: AerOwnerPlatform): Promise<void> {
    this.#hold?.[Symbol.dispose]();
    this.#hold = await platform.hold(this.device);
  }

  release(): Promise<void> {
    return (this.#released ??= this.#release());
  }

  async #release(): Promise<void> {
    this.#hold?.[Symbol.dispose]();
    try {
      await this.driver[Symbol.asyncDispose]();
    } finally {
      await this.device.close();
    }
  }
}
