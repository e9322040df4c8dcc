import { decodeCcdfError } from '../../src/index.js';
import { FEATURE, SimulatedVfio, type FeatureData, type HeldDevice, type SimulatedZpci } from '../../src/sim/index.js';
import { AT, codeOf, machine } from '../machine.js';
import { type VirtualClock } from '@pci-recovery/core/testing';

interface Lab {
  readonly clock: VirtualClock;
  readonly hardware: SimulatedZpci;
  readonly vfio: SimulatedVfio;
  readonly held: HeldDevice;
  readonly signals: number[];
  /** Lets everything happen that needs no time. */
  settled(this: void): Promise<void>;
}

function lab(): Lab {
  const { clock, hardware } = machine({ handles: 'keep' });
  const vfio = new SimulatedVfio(hardware);
  const held = vfio.open(1);
  const signals: number[] = [];
  held.onError(() => signals.push(clock.monotonic()));
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, hardware, vfio, held, signals, settled };
}

/** Errors one after the other, each with a reset after it. */
async function errors({ clock, hardware, held, settled }: Lab, ...pecs: number[]): Promise<void> {
  for (const pec of pecs) {
    hardware.detect(1, { pec });
    await settled();
    clock.advance(20);
    await settled();
    held.reset();
  }
}

const { GET, SET, PROBE, ZPCI_ERROR } = FEATURE;
const buffer = (): Uint8Array => new Uint8Array(64).fill(0xa5);

describe('VFIO_DEVICE_FEATURE_ZPCI_ERROR as a real kernel answers (R2.3, R2.4)', () => {
  const rows: [string, number, number, FeatureData, string | 0][] = [
    ['PROBE|GET', PROBE | GET, 16, 'null', 0],
    ['PROBE|SET', PROBE | SET, 16, 'null', 'EINVAL'],
    ['PROBE|GET|SET', PROBE | GET | SET, 16, 'null', 'EINVAL'],
    ['PROBE alone, a short argument', PROBE, 8, 'null', 0],
    ['GET, a short argument', GET, 8, buffer(), 'EINVAL'],
    ['GET, no buffer', GET, 16, 'null', 'EINVAL'],
    ['GET, a bad buffer, nothing queued', GET, 16, 'unmapped', 'ENOMSG'],
    ['SET', SET, 16, buffer(), 'EINVAL'],
    ['GET, nothing queued', GET, 16, buffer(), 'ENOMSG'],
    ['neither', 0, 16, buffer(), 'EINVAL'],
    ['GET and SET at once', GET | SET, 16, buffer(), 'EINVAL'],
    ['PROBE, an argument without its flags', PROBE, 7, 'null', 'EINVAL'],
    ['PROBE, a flag that nobody knows', PROBE | 0x8_0000, 16, 'null', 'EINVAL'],
    ['PROBE, the highest flag', PROBE + 0x8000_0000, 16, 'null', 'EINVAL'],
  ];

  it.each(rows)('%s', (_, flags, argsz, data, errno) => {
    expect(lab().held.feature(flags + ZPCI_ERROR, argsz, data)).toBe(errno);
  });

  it('gives exactly 32 bytes, once', async () => {
    const one = lab();
    one.hardware.detect(1, { pec: 4, faddr: 0x1_2000_0000n, rw: 1 });
    await one.settled();
    const data = buffer();
    expect(one.held.feature(GET | ZPCI_ERROR, 16, data)).toBe(0);
    expect(Buffer.from(data.subarray(0, 32)).toString('hex')).toBe(
      '0000000080020000000000010000000100000001200000000000000000000004',
    );
    expect(data.subarray(32).every((byte) => byte === 0xa5)).toBe(true);
    expect(one.held.feature(GET | ZPCI_ERROR, 16, data)).toBe('ENOMSG');
  });

  it('loses the record on a bad buffer', async () => {
    const one = lab();
    one.hardware.detect(1);
    await one.settled();
    expect(one.held.feature(GET | ZPCI_ERROR, 16, 'unmapped')).toBe('EFAULT');
    expect(one.held.feature(GET | ZPCI_ERROR, 16, buffer())).toBe('ENOMSG');
  });

  it('signals every error, keeps the oldest four, through resets, and counts the rest at close', async () => {
    const one = lab();
    await errors(one, 1, 2, 3, 4, 5, 6);
    expect(one.signals).toHaveLength(6);
    const first = one.held.nextError().record!;
    expect(decodeCcdfError(first).pec).toBe(1);
    expect(one.vfio.close(one.held)).toBe(3);
    expect(one.vfio.open(1).nextError()).toEqual({ errno: 'ENOMSG' });
  });

  it('has permanent events, and no measurement events', async () => {
    const one = lab();
    await errors(one, 0x2a, 0x3b);
    expect(one.signals).toHaveLength(1);
    expect(decodeCcdfError(one.held.nextError().record!).pec).toBe(0x3b);
  });

  it.each(['standby', 'reserved'] as const)('has nothing of a function that is %s now', async (state) => {
    const one = lab();
    one.hardware.takeAway(1, state);
    one.hardware.detect(1);
    await one.settled();
    expect(one.signals).toEqual([]);
    expect(one.held.nextError()).toEqual({ errno: 'ENOMSG' });
  });

  it('is absent in an older kernel, which looks at the flags all the same', () => {
    const { hardware } = machine();
    const held = new SimulatedVfio(hardware).open(1, { records: false });
    expect(held.feature(GET | SET | ZPCI_ERROR, 16, buffer())).toBe('EINVAL');
    expect(held.feature(PROBE | GET | (ZPCI_ERROR + 1), 16, 'null')).toBe('ENOTTY');
    expect(held.feature(PROBE | GET | ZPCI_ERROR, 16, 'null')).toBe('ENOTTY');
  });
});

describe('a held function in the error state', () => {
  it('has no registers but the kernel’s copy of its ids', async () => {
    const one = lab();
    one.hardware.detect(1);
    await one.settled();
    expect(one.held.readConfig(0x00, 2)).toBe(0x1af4);
    expect(one.held.readConfig(0x04, 2)).toBeUndefined();
    expect(one.held.writeConfig(0x04, 2, 6)).toBe(false);
    expect(one.hardware.readMemory(AT[1], 0)).toBe(0xffff_ffff);
  });

  it('answers EAGAIN while the host’s handler is not done, then resets', async () => {
    const one = lab();
    one.hardware.detect(1);
    await one.settled();
    expect(one.held.reset()).toBe('EAGAIN');
    one.clock.advance(1.9);
    await one.settled();
    expect(one.held.reset()).toBe('EAGAIN');
    one.clock.advance(0.2);
    await one.settled();
    expect(one.held.reset()).toBe(0);
    expect(one.held.readConfig(0x04, 2)).toBe(2);
  });

  it('answers EINVAL where the kernel has no way to reset it', () => {
    const { hardware } = machine();
    const held = new SimulatedVfio(hardware).open(1, { resettable: false, canHotReset: { absent: 'not owned' } });
    expect(held.reset()).toBe('EINVAL');
    expect(held.hotReset()).toBe('EINVAL');
  });

  it('waits for firmware that is busy, within the kernel’s limit', () => {
    for (const [call, answer] of [
      ['disable', 0x108],
      ['enable', 0x108],
      ['register_translation', 2],
    ] as const) {
      for (const [times, errno] of [
        [100, 0],
        [101, call === 'register_translation' ? 0 : 'EIO'],
      ] as const) {
        const one = lab();
        one.hardware.script({ fault: 'call_fails', call, answer, times });
        expect([call, times, one.held.reset()]).toEqual([call, times, errno]);
      }
    }
  });

  it('gets its memory mappings back where it has some', () => {
    const { hardware } = machine({ functions: [{ fid: 1, bdf: AT[1], mio: true }] });
    const held = new SimulatedVfio(hardware).open(1);
    expect(held.reset()).toBe(0);
    const calls = hardware.log.flatMap((fact) => (fact.kind === 'firmware_call' ? [fact.call] : []));
    expect(calls).toEqual(['disable', 'enable', 'enable_mio', 'register_interrupts', 'register_translation']);
    hardware.script({ fault: 'call_fails', call: 'enable_mio' });
    expect(held.reset()).toBe('EIO');
  });

  it('is disabled again when its translation cannot be registered', () => {
    const one = lab();
    one.hardware.script({ fault: 'call_fails', call: 'register_translation' });
    expect(one.held.reset()).toBe('EIO');
    expect(one.hardware.inspect(1)!.enabled).toBe(false);
  });

  it('is reset without disabling where its error has disabled it', async () => {
    const one = lab();
    one.hardware.detect(1, { disables: 'openly' });
    await one.settled();
    one.clock.advance(20);
    await one.settled();
    one.hardware.script({ fault: 'call_fails', call: 'disable' });
    expect(one.held.reset()).toBe(0);
  });

  it('answers EIO where it is not configured, or firmware refuses', () => {
    for (const call of ['disable', 'enable', 'register_interrupts', 'register_translation'] as const) {
      const one = lab();
      one.hardware.script({ fault: 'call_fails', call });
      expect(one.held.reset()).toBe('EIO');
    }
    const one = lab();
    one.hardware.takeAway(1);
    expect(one.held.reset()).toBe('EIO');
  });

  it('can be held once', () => {
    const one = lab();
    expect(codeOf(() => one.vfio.open(1))).toBe('ERR_PCI_SIM_HELD');
    expect(codeOf(() => one.vfio.open(99))).toBe('ERR_PCI_SIM_NO_FUNCTION');
  });

  it('leaves another open one undisturbed', async () => {
    const one = lab();
    const other = one.vfio.open(2);
    one.hardware.detect(1);
    await one.settled();
    expect(other.nextError().errno).toBe('ENOMSG');
    expect(other.readConfig(0x04, 2)).toBeDefined();
    expect(other.reset()).toBe(0);
  });
});
