// A user-space driver with recovery, as its owner would write it: holds devices through VFIO and drives them. It prints what happens
// as JSON lines, and takes orders the same way.
import { createEngine, KernelPolicy, systemClock, type RecoveryEngine } from '@pci-recovery/core';
import { AerOwnerPlatform } from '@pci-recovery/aer/linux';
import { AerTrace, nativeSyscalls, openVfioDevice, Sysfs, UeventMonitor, VfioOwnership } from '@pci-recovery/vfio';
import { readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { VirtioRng } from '../virtio/virtio-rng.js';
import { driverOf, proof } from './driver.js';
import { engineReport } from './engine-report.js';
import { type OwnerInput, type Temper } from './owner-input.js';
import { resources } from './resources.js';

interface Order {
  readonly ask: number;
  readonly order: string;
  readonly bdf?: string;
  readonly temper?: Temper;
  /** Of a 16-bit register: byte offset and value. */
  readonly at?: number;
  readonly value?: number;
}

/** Each device sees its memory somewhere else: those of one group share a container. */
const IOVA_STEP = 0x10_0000n;

const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

class Owner {
  readonly #temper: Temper;
  readonly #rngs = new Map<string, VirtioRng>();
  readonly #holds = new Map<string, Disposable>();
  readonly #engine: RecoveryEngine;
  readonly #platform: AerOwnerPlatform;
  readonly #uevents = new UeventMonitor(nativeSyscalls());
  readonly #trace: AerTrace | undefined;
  readonly #ownership = new VfioOwnership();
  readonly #sysfs = new Sysfs();

  constructor({ trace, temper = {}, deadlineMs }: OwnerInput) {
    this.#temper = { ...temper };
    this.#trace = trace ? new AerTrace(nativeSyscalls()) : undefined;
    const ports = { sysfs: this.#sysfs, uevents: this.#uevents, ...(this.#trace && { trace: this.#trace }) };
    const trouble = (error: unknown): void => say({ event: 'trouble', where: 'aer-owner', error: String(error) });
    this.#platform = new AerOwnerPlatform(ports, systemClock, { trouble });
    const policy = new KernelPolicy(deadlineMs === undefined ? {} : { deadlineMs });
    this.#engine = createEngine({ platforms: [this.#platform], policy, clock: systemClock });
    this.#engine.observe((event) => {
      const report = engineReport(event);
      if (report) say(report);
    });
  }

  async hold(bdf: string): Promise<void> {
    const device = await openVfioDevice(bdf, { ownership: this.#ownership });
    const rng = await VirtioRng.open(device, IOVA_STEP * BigInt(this.#rngs.size + 1));
    this.#rngs.set(bdf, rng);
    await proof(rng);
    device.onError((signals) => say({ event: 'signal', bdf, signals }));
    device.onRequest(() => say({ event: 'request', bdf }));
    const tell = (callback: string, more?: object): void => say({ event: 'callback', callback, ...more });
    this.#engine.attach(device.bdf, driverOf(rng, this.#temper, tell));
    this.#holds.set(bdf, await this.#platform.hold(device));
  }

  async start(): Promise<void> {
    await this.#engine.start();
    say({
      event: 'held',
      devices: [...this.#rngs.keys()],
      by: [...this.#rngs.values()].map(({ device }) => device.heldBy),
    });
  }

  /** @throws Error when the order cannot be carried out. */
  async obey({ order, bdf = '', temper, at = 0, value = 0 }: Order): Promise<unknown> {
    const rng = this.#rngs.get(bdf);
    switch (order) {
      case 'request': {
        const bytes = await proof(rng!);
        return { bytes: Buffer.from(bytes).toString('hex'), interrupts: rng!.interrupts };
      }
      case 'temper':
        return Object.assign(this.#temper, temper);
      case 'host-write': {
        // By the host's own view; the answer is what VFIO shows then.
        const { device } = rng!;
        await this.#sysfs.writeBytes(device.bdf, 'config', at, Uint8Array.of(value & 0xff, value >> 8));
        const [low, high] = await device.readConfig(at, 2);
        return low! | (high! << 8);
      }
      case 'save':
        return this.#platform.save(rng!.device.bdf);
      case 'loopback':
        return rng!.device.loopbackError();
      case 'resources':
        return resources((path) => {
          try {
            return readlinkSync(path);
          } catch {
            return undefined;
          }
        });
      case 'release':
        this.#holds.get(bdf)![Symbol.dispose]();
        await rng![Symbol.asyncDispose]().catch(() => undefined);
        await rng!.device.close();
        return this.#rngs.delete(bdf);
      default:
        throw new Error(`There is no order "${order}".`);
    }
  }

  async close(): Promise<void> {
    await this.#engine.close();
    await this.#platform[Symbol.asyncDispose]();
    for (const rng of this.#rngs.values()) {
      await rng[Symbol.asyncDispose]();
      await rng.device.close();
    }
    await this.#uevents[Symbol.asyncDispose]();
    await this.#trace?.[Symbol.asyncDispose]();
  }
}

async function main(input: OwnerInput): Promise<void> {
  const owner = new Owner(input);
  for (const bdf of input.devices) await owner.hold(bdf);
  await owner.start();
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as Order;
    if (order.order === 'quit') {
      await owner.close();
      say({ event: 'answer', ask: order.ask, value: null });
      return;
    }
    // Orders do not wait for each other: one may be asked while another hangs.
    void owner.obey(order).then(
      (value) => say({ event: 'answer', ask: order.ask, value: value ?? null }),
      (error: unknown) => say({ event: 'answer', ask: order.ask, error: String(error) }),
    );
  }
}

await main(JSON.parse(process.argv[2]!) as OwnerInput);
process.exit(0);
