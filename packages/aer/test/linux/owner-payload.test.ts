import { Bench } from './host/bench.js';
import { AT, IN_USE, POWER_ON } from './host/config-image.js';

const NIC = '02:00.0';
const PAYLOAD = 0x00e0;
const control = (bench: Bench): number => bench.machine.get(NIC).view.getUint16(AT.devctl, true);
const wrote = (bench: Bench): string[] =>
  bench.machine.written.filter(({ attribute }) => attribute === 'config').map(({ text }) => text);

async function recovered(bench: Bench, severity: 'fatal' | 'nonfatal' = 'fatal') {
  await bench.start({ [NIC]: {} });
  await bench.drive(bench.kernel.error(NIC, severity));
  await bench.settle();
  return bench.outcomes.at(-1)!;
}

describe('Max_Payload_Size, of which VFIO only shows its holder a value', () => {
  it('is written back through sysfs after a reset, before the device works again', async () => {
    const bench = new Bench();
    const port = bench.port(NIC);
    const write = port.writeConfig.bind(port);
    const atCommand: number[] = [];
    port.writeConfig = (offset, bytes) => {
      if (offset === 4) atCommand.push(control(bench) & PAYLOAD);
      return write(offset, bytes);
    };
    expect((await recovered(bench)).result).toBe('recovered');
    expect(control(bench)).toBe(IN_USE.devctl);
    expect(atCommand).toEqual([IN_USE.devctl & PAYLOAD]);
    expect(wrote(bench)).toEqual([
      `${AT.devctl}: ${(POWER_ON.devctl & ~PAYLOAD & 0xff) | (IN_USE.devctl & PAYLOAD)} 40`,
    ]);
    expect(bench.troubles).toEqual([]);
  });

  it('is left alone where it is as it was', async () => {
    const bench = new Bench();
    expect((await recovered(bench, 'nonfatal')).result).toBe('recovered');
    expect(wrote(bench)).toEqual([]);
  });

  it('is the hardware’s that was saved, whatever the holder has written', async () => {
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
            throw new Error('EACCES');
          },
        }),
      /EACCES/,
    ],
  ])('that is lost, and cannot be written back since %s: the device is not handed back', async (_, prepare, why) => {
    const bench = new Bench();
    prepare(bench);
    const outcome = await recovered(bench);
    expect([outcome.result, outcome.usable]).toEqual(['disconnected', []]);
    const details = outcome.trace.flatMap((one) =>
      one.what === 'operated' && !one.result.ok ? one.result.detail : [],
    );
    expect(details.join()).toMatch(/02:00\.0 has lost its Max_Payload_Size of 256 bytes/);
    expect(details.join()).toMatch(why);
  });

  it.each([
    ['told', IN_USE.devctl, ['ERR_PCI_PAYLOAD_SIZE']],
    ['nothing to tell where it is what a reset leaves', IN_USE.devctl & ~PAYLOAD, []],
  ])('that cannot be seen, without privilege: %s, and the recovery goes on', async (_, before, codes) => {
    const bench = new Bench();
    bench.machine.configBytes = 64;
    bench.machine.get(NIC).view.setUint16(AT.devctl, before, true);
    expect((await recovered(bench)).result).toBe('recovered');
    expect(bench.troubles.map((error) => (error as { code: string }).code)).toEqual(codes);
  });

  it('that cannot be seen because the read hangs holds nothing up', async () => {
    const bench = new Bench();
    bench.machine.get(NIC).view.setUint16(AT.devctl, IN_USE.devctl & ~PAYLOAD, true);
    await bench.start({ [NIC]: {} });
    Object.assign(bench.machine.sysfs, { readBytes: () => new Promise(() => undefined) });
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.outcomes.at(-1)!.result).toBe('recovered');
  });
});

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
