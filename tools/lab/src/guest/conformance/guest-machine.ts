import { parseBdf, systemClock, wait, type Bdf } from '@pci-recovery/core';
import { AerTrace, nativeSyscalls, openVfioDevice, Sysfs, UeventMonitor, VfioOwnership } from '@pci-recovery/vfio';
import { readdirSync } from 'node:fs';
import { VirtioRng } from '../virtio/virtio-rng.js';
import { type HostChannel } from './host-channel.js';
import { type ConformanceInput } from './input.js';
import { KernelLogFile } from './kernel-log-file.js';
import { type LiveDriver, type LiveFunction, type LiveMachine } from './live-machine.js';
import { bindToVfio, remove, unbind } from './pci-functions.js';

const REQUEST_MS = 5_000;
const POLL_MS = 5;
/** Each device sees its memory somewhere else: those of one group share a container. */
const IOVA_STEP = 0x10_0000n;

/** Turns of the event loop in which everything arrives that the kernel has sent before. */
const TURNS = 5;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function heard(): Promise<void> {
  for (let count = 0; count < TURNS; count++) await turn();
}

const functionsOf = (layouts: ConformanceInput['layouts']): LiveMachine['layouts'] =>
  Object.fromEntries(
    Object.entries(layouts).map(([layout, functions]) => [
      layout,
      Object.fromEntries(
        Object.entries(functions).map(([name, { id, bdf }]): [string, LiveFunction] => [
          name,
          { id, bdf: parseBdf(bdf) },
        ]),
      ),
    ]),
  );

/** An interrupt came since then. A request that is completed at once is seen before its interrupt. */
async function interrupted(rng: VirtioRng, since: number): Promise<boolean> {
  for (let waited = 0; waited < REQUEST_MS && rng.interrupts === since; waited += POLL_MS)
    await wait(systemClock, POLL_MS);
  return rng.interrupts > since;
}

/** A random number generator that is driven from here. */
const driverOf = (rng: VirtioRng): LiveDriver => ({
  setUp: () => rng.start(),
  async request() {
    const before = rng.interrupts;
    try {
      await rng.request(AbortSignal.timeout(REQUEST_MS));
    } catch {
      return false;
    }
    return interrupted(rng, before);
  },
  [Symbol.asyncDispose]: () => rng[Symbol.asyncDispose](),
});

/** The guest that this program runs in. It lives as long as the program. */
export function guestMachine({ layouts, errors }: ConformanceInput, channel: HostChannel): LiveMachine {
  const ownership = new VfioOwnership();
  const log = new KernelLogFile();
  const syscalls = nativeSyscalls();
  return {
    clock: { ...systemClock, pending: 0, drive: (promise) => promise },
    layouts: functionsOf(layouts),
    errors,
    ports: { sysfs: new Sysfs(), uevents: new UeventMonitor(syscalls), trace: new AerTrace(syscalls) },
    open: (bdf: Bdf) => openVfioDevice(bdf, { ownership }),
    drive: async (device, place) => driverOf(await VirtioRng.open(device, IOVA_STEP * BigInt(place + 1))),
    bind: bindToVfio,
    unbind,
    remove,
    heard,
    log: () => log.read(),
    inject: (id, error) => channel.inject(id, error),
    // Without the one with which they are listed.
    descriptors: () => readdirSync('/proc/self/fd').length - 1,
  };
}
