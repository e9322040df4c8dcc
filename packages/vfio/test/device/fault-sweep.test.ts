import { isPciRecoveryError } from '@pci-recovery/core';
import { DmaMemory, openEehPe, type VfioDevice } from '../../src/index.js';
import { EEH_PE_OP, PCI_REGION } from '../../src/uapi/index.js';
import { type LoggedCall, type MachineDescription, type Script } from '../../src/testing/index.js';
import { A, go, Lab, ONE, TWO_GROUPS } from './lab.js';

/** Everything that a holder does with a device, one after the other; a step that fails does not keep the others. */
const STEPS: readonly ((device: VfioDevice, lab: Lab) => unknown)[] = [
  (device) => device.info(),
  (device) => device.onError(() => undefined),
  (device) => device.onRequest(() => undefined),
  (device) => device.onInterrupt('msix', 0, () => undefined),
  (device) => device.onInterrupt('msix', 2, () => undefined),
  (device) => device.writeConfig(4, Uint8Array.of(2, 0)),
  (device) => device.mapMsixTable(),
  (device) => device.region(PCI_REGION.bar0).map(),
  (device) => device.region(PCI_REGION.bar0).read(0, 8),
  async (device, lab) => {
    using memory = DmaMemory.allocate(lab.kernel, 4096);
    const iova = await device.mapDma({ address: memory.address, size: memory.size, iova: 0x10_0000n });
    await device.unmapDma(iova);
  },
  (device) => device.hotResetScope(),
  (device) => device.reset(go),
  (device) => device.hotReset(go),
  (device) => device.rearmInterrupts(),
  (device) => device.features.probe(1),
  (device) => device.readConfig(0, 64),
  (device) => device.loopbackError(),
];

/** What was thrown must be ours, and say what was tried. */
function mustBeOurs(error: unknown): void {
  if (!isPciRecoveryError(error)) throw error;
  expect(error.message.length).toBeGreaterThan(20);
}

async function drill(lab: Lab): Promise<void> {
  const device = await lab.open(A).catch(mustBeOurs);
  for (const step of device ? STEPS : []) {
    try {
      await lab.clock.drive(Promise.resolve(step(device!, lab)));
    } catch (error) {
      mustBeOurs(error);
    }
  }
  await lab.turn();
  await device?.close().catch(mustBeOurs);
  await lab.turn();
}

async function eehDrill(lab: Lab): Promise<void> {
  const pe = await lab.clock.drive(openEehPe(A, lab.options)).catch(mustBeOurs);
  for (const operation of pe ? Object.values(EEH_PE_OP) : []) {
    expect(Number.isInteger(await lab.clock.drive(pe!.operate(operation)))).toBe(true);
  }
  void pe?.resetAllowed;
  await pe?.close().catch(mustBeOurs);
  await lab.turn();
}

/** Calls that do not fail like that. */
const EXCEPT = new Set(['close', 'closeAsync', 'takeEventfd', 'addressOf', 'munmap']);

/** A script that lets just this call fail. */
function failing(calls: readonly LoggedCall[], at: number, errno: string): Script {
  const { call, request } = calls[at]!;
  const name = { ioctlAsync: 'ioctl', preadAsync: 'pread', pwriteAsync: 'pwrite' }[call as string] ?? call;
  const same = calls
    .slice(0, at + 1)
    .filter((each) => each.request === request && each.call.replace('Async', '') === name);
  const only = request === undefined ? {} : { request: request as NonNullable<Script['request']> };
  return { call: name as Script['call'], ...only, nth: same.length, result: errno };
}

const POWER: MachineDescription = { ...ONE, arch: 'ppc64' };

describe.each([
  ['by group', ONE, drill],
  ['by its own node', { ...ONE, cdev: true }, drill],
  ['with a sibling that is not held', TWO_GROUPS, drill],
  ['as a PE', POWER, eehDrill],
] as const)('a device that is held %s', (_, machine, run) => {
  it.each(['EIO', 'EBUSY'])(
    'leaves nothing open, watched or mapped, whichever call fails with %s',
    async (errno) => {
      const sound = new Lab(machine);
      await run(sound);
      expect([sound.left, sound.kernel.watched]).toEqual([[], []]);
      const calls = sound.calls.filter(({ call }) => !EXCEPT.has(call));
      expect(calls.length).toBeGreaterThan(15);
      for (const at of calls.keys()) {
        const lab = new Lab(machine);
        const script = failing(calls, at, errno);
        const scripted = lab.kernel.script(script);
        await run(lab);
        expect({ script, hits: scripted.hits, left: lab.left, watched: lab.kernel.watched }).toEqual({
          script,
          hits: 1,
          left: [],
          watched: [],
        });
      }
    },
    60_000,
  );
});
