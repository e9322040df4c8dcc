import { decodeFunction } from '@pci-recovery/pci';
import { hostOnlyRegisters, type HostOnlyRegister } from '../../src/linux/host-only-registers.js';
import { changedRegisters } from '../../src/linux/saved-registers.js';
import { Bench, type Votes } from './host/bench.js';
import { AT, IN_USE, POWER_ON, setUp } from './host/config-image.js';

const NIC = '02:00.0';
const PAYLOAD = 0x00e0;
/** What VFIO lets nobody write, in the order in which it is written back, and without what is not essential. */
const NAMES = [
  'Max Snoop and No-Snoop Latency',
  'Max_Payload_Size',
  'Link Control',
  'PASID Control',
  'Outstanding Page Request Allocation',
  'Page Request Control',
  'ATS Control',
  'Resizable BAR Control 0',
  'Resizable BAR Control 1',
  'ACS Control',
];
const LOST = NAMES.filter((name) => name !== 'Resizable BAR Control 1');

const image = (bench: Bench): Uint8Array => bench.machine.get(NIC).image;
const control = (bench: Bench): number => bench.machine.get(NIC).view.getUint16(AT.devctl, true);
const registers = (bytes: Uint8Array): readonly HostOnlyRegister[] => hostOnlyRegisters(decodeFunction(bytes), bytes);
const offsets = (bench: Bench): number[] =>
  bench.machine.written.filter(({ attribute }) => attribute === 'config').map(({ text }) => parseInt(text));
const troubles = (bench: Bench): string[] => bench.troubles.map((error) => (error as Error).message);

async function recovered(bench: Bench, severity: 'fatal' | 'nonfatal' = 'fatal', votes: Votes = {}) {
  await bench.start({ [NIC]: votes });
  await bench.drive(bench.kernel.error(NIC, severity));
  await bench.settle();
  return bench.outcomes.at(-1)!;
}

describe('registers that VFIO lets no holder write', () => {
  it('are those that the kernel restores after a reset of its own, in its order', () => {
    expect(registers(image(new Bench())).map(({ name }) => name)).toEqual(NAMES);
    const optional = registers(image(new Bench())).filter(({ essential }) => !essential);
    expect(optional.map(({ name }) => name)).toEqual(['Max Snoop and No-Snoop Latency', 'Link Control']);
  });

  it('are lost where a bit that counts is another one: other bits, and other registers, do not matter', () => {
    const saved = image(new Bench());
    for (const { name, offset, width, mask } of registers(saved)) {
      for (let bit = 0; bit < 8 * width; bit++) {
        const now = saved.slice();
        now[offset + (bit >> 3)]! ^= 1 << (bit & 7);
        const counts = (mask & (1 << bit)) !== 0;
        expect(changedRegisters(registers(saved), now).map((one) => one.name)).toEqual(counts ? [name] : []);
      }
    }
  });

  it('are only those of capabilities that there are', () => {
    const bytes = image(new Bench()).slice(0, 256);
    expect(registers(bytes).map(({ name }) => name)).toEqual(['Max_Payload_Size', 'Link Control']);
    expect(registers(bytes.slice(0, 64))).toEqual([]);
    expect(registers(new Uint8Array(4096).fill(0xff))).toEqual([]);
  });

  it('are written back through sysfs after the host’s reset, in that order, before the device works again', async () => {
    const bench = new Bench();
    const before = image(bench).slice();
    const port = bench.port(NIC);
    const write = port.writeConfig.bind(port);
    const lostAtCommand: string[] = [];
    port.writeConfig = (offset, bytes) => {
      if (offset === 4)
        lostAtCommand.push(...changedRegisters(registers(before), image(bench)).map(({ name }) => name));
      return write(offset, bytes);
    };
    expect((await recovered(bench)).result).toBe('recovered');
    expect([...image(bench)]).toEqual([...before]);
    expect(lostAtCommand).toEqual([]);
    expect(offsets(bench)).toEqual(
      registers(before)
        .filter(({ name }) => LOST.includes(name))
        .map(({ offset }) => offset),
    );
    expect(bench.troubles).toEqual([]);
  });

  it.each<[string, Votes, number]>([
    ['nothing was reset', {}, 4096],
    ['the kernel did its own reset, and restored them', { errorDetected: 'need_reset' }, 4096],
    ['the same, and they cannot be seen', { errorDetected: 'need_reset' }, 64],
  ])('are left alone where %s', async (_, votes, configBytes) => {
    const bench = new Bench();
    bench.machine.configBytes = configBytes;
    expect((await recovered(bench, 'nonfatal', votes)).result).toBe('recovered');
    expect(offsets(bench)).toEqual([]);
    expect(control(bench)).toBe(IN_USE.devctl);
    expect(bench.troubles).toEqual([]);
  });

  it('are the hardware’s as they were when it was saved, whatever its holder has written', async () => {
    const bench = new Bench();
    await bench.drive(bench.port(NIC).writeConfig(AT.devctl, Uint8Array.of(0x5f, 0x58)));
    await recovered(bench);
    expect(control(bench)).toBe(IN_USE.devctl);
  });

  it.each<[string, (bench: Bench) => void, RegExp]>([
    ['the host has no way to', ({ machine }) => Object.assign(machine.sysfs, { writeBytes: undefined }), /no way/],
    ['the device does not take it', ({ machine }) => void machine.readOnly.add(AT.devctl), /does not take it/],
    [
      'it is not allowed to',
      ({ machine }) =>
        Object.assign(machine.sysfs, {
          writeBytes: () => {
            throw new Error('EPERM');
          },
        }),
      /EPERM/,
    ],
  ])('that are lost, and cannot be written back since %s: the device is not handed back', async (_, prepare, why) => {
    const bench = new Bench();
    prepare(bench);
    const outcome = await recovered(bench);
    expect([outcome.result, outcome.usable]).toEqual(['disconnected', []]);
    const details = outcome.trace.flatMap((one) =>
      one.what === 'operated' && !one.result.ok ? one.result.detail : [],
    );
    expect(details.join()).toMatch(/taken from 0000:02:00\.0.*Max_Payload_Size \(256 bytes\)/);
    expect(details.join()).toMatch(why);
  });

  it('that the device works without are told, and the recovery goes on', async () => {
    const bench = new Bench();
    for (const at of [AT.linkControl, AT.latency]) bench.machine.readOnly.add(at);
    expect((await recovered(bench)).result).toBe('recovered');
    expect(troubles(bench)).toEqual([expect.stringMatching(/: Max Snoop and No-Snoop Latency, Link Control\.$/)]);
  });

  it('that cannot be seen without privilege: what VFIO shows of them is told, and the recovery goes on', async () => {
    const bench = new Bench();
    bench.machine.configBytes = 64;
    expect((await recovered(bench)).result).toBe('recovered');
    expect(offsets(bench)).toEqual([]);
    expect(troubles(bench)).toEqual([
      expect.stringMatching(/CAP_SYS_ADMIN.*: Max Snoop.*Max_Payload_Size \(256 bytes\).*ACS/),
    ]);
  });

  it('of which nothing was set: nothing is told without privilege', async () => {
    const bench = new Bench();
    bench.machine.configBytes = 64;
    const { view } = bench.machine.get(NIC);
    setUp(view, { ...IN_USE, ...LEFT_BY_RESET });
    expect((await recovered(bench)).result).toBe('recovered');
    expect(bench.troubles).toEqual([]);
  });

  it('that could be seen when they were saved, and no more: as without privilege', async () => {
    const bench = new Bench();
    await bench.start({ [NIC]: {} });
    bench.machine.configBytes = 64;
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.outcomes.at(-1)!.result).toBe('recovered');
    expect(troubles(bench)).toEqual([expect.stringContaining('CAP_SYS_ADMIN')]);
  });

  it('that hang are waited for no longer than any access', async () => {
    const bench = new Bench();
    await bench.start({ [NIC]: {} });
    Object.assign(bench.machine.sysfs, { readBytes: () => new Promise(() => undefined) });
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.outcomes.at(-1)!.result).toBe('recovered');
  });
});

const { linkControl, ats, acs, resizable, latency, pageRequests, pageRequest, pasid } = POWER_ON;
const LEFT_BY_RESET = {
  linkControl,
  ats,
  acs,
  resizable,
  latency,
  pageRequests,
  pageRequest,
  pasid,
  devctl: IN_USE.devctl & ~PAYLOAD,
};

it.each([0, 1, 2, 3, 4, 5])(
  'Max_Read_Request_Size %d reaches the hardware again, although VFIO passes on only what changes',
  async (code) => {
    const bench = new Bench();
    const before = (IN_USE.devctl & ~(PAYLOAD | 0x7000)) | (code << 12);
    bench.machine.get(NIC).view.setUint16(AT.devctl, before, true);
    expect((await recovered(bench)).result).toBe('recovered');
    expect(control(bench)).toBe(before);
  },
);
