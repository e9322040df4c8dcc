import { parseBdf } from '@pci-recovery/core';
import { AER } from '@pci-recovery/pci';
import { FIRMWARE_REGISTERS, type FirmwareError } from '../../src/index.js';
import { factsOf, host, operated, refusalOf, running, WORKING, type Machine } from './host.js';

const root = parseBdf('00:06.0');
const bdf = parseBdf('01:00.0');
const MACHINE: Machine = {
  nativeAer: false,
  rootPorts: [{ kind: 'root_port', bdf: root, below: [{ kind: 'endpoint', bdf }] }],
};

/** The AER capability as firmware hands it over. */
function registers(values: Partial<Record<keyof typeof AER, number>>): Uint8Array {
  const view = new DataView(new ArrayBuffer(FIRMWARE_REGISTERS));
  for (const [name, value] of Object.entries(values)) view.setUint32(AER[name as keyof typeof AER], value, true);
  return new Uint8Array(view.buffer);
}

const MALFORMED = 1 << 18;
const COMPLETION_TIMEOUT = 1 << 14;
const error = (severity: FirmwareError['severity'], more: Partial<FirmwareError> = {}): FirmwareError => ({
  bdf,
  severity,
  registers: registers({ UNCOR_STATUS: COMPLETION_TIMEOUT, COR_STATUS: 0x40 }),
  ...more,
});

describe('an error that firmware hands over (aer.c:aer_recover_work_func, ghes.c:ghes_handle_aer)', () => {
  it('is decoded, without asking the hardware', async () => {
    const here = host({ ...MACHINE, log: { configReads: true } });
    const engine = await running(here, { [bdf]: WORKING });
    here.hardware.clearLog();
    const raw = registers({ UNCOR_STATUS: MALFORMED, UNCOR_MASK: 1 << 20, CAP_CONTROL: 18, HEADER_LOG: 0x1234_5678 });
    here.platform.firmwareError({ bdf, severity: 'fatal', registers: raw });
    expect(factsOf(here.hardware, 'config_read')).toEqual([]);
    const [outcome] = await engine.ended(1);
    expect(outcome!.event).toMatchObject({
      severity: 'fatal',
      device: { bdf, generation: 0 },
      record: {
        origin: 'firmware',
        status: MALFORMED,
        mask: 1 << 20,
        firstError: 18,
        headerLog: [0x1234_5678, 0, 0, 0],
        advisory: 0,
        accessible: true,
      },
    });
    expect(outcome!.event.record).not.toHaveProperty('root');
  });

  it('is recovered without a second look, and without clearing status: firmware does that', async () => {
    const engine = await running(host(MACHINE), { [bdf]: WORKING });
    engine.platform.firmwareError(error('fatal'));
    const [outcome] = await engine.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(operated(outcome!)).toEqual(['reset_subordinates']);
    expect(factsOf(engine.hardware, 'status_cleared')).toEqual([]);
  });

  it.each(['correctable', 'nonfatal'] as const)(
    'a %s one with the reset flag is promoted to fatal',
    async (severity) => {
      const engine = await running(host(MACHINE), { [bdf]: WORKING });
      engine.platform.firmwareError(error(severity, { reset: true }));
      const [outcome] = await engine.ended(1);
      expect(outcome!.event).toMatchObject({ severity: 'fatal', record: { status: COMPLETION_TIMEOUT } });
    },
  );

  it('without an unmasked bit it is counted and nothing else', async () => {
    const masked = registers({ UNCOR_STATUS: MALFORMED, UNCOR_MASK: MALFORMED });
    const here = host(MACHINE);
    here.platform.firmwareError({ bdf, severity: 'fatal', registers: masked });
    expect(here.platform.counters.of(bdf)!.totals).toEqual({ correctable: 0, nonfatal: 0, fatal: 1 });
    const engine = await running(here, { [bdf]: WORKING });
    here.platform.firmwareError(error('nonfatal'));
    expect((await engine.ended(1)).map((outcome) => outcome.event.severity)).toEqual(['nonfatal']);
  });

  it('a correctable one is only counted, however many there are', async () => {
    const here = host(MACHINE);
    for (let n = 0; n < 1000; n++) here.platform.firmwareError(error('correctable'));
    const counters = here.platform.counters.of(bdf)!;
    expect(counters.totals).toEqual({ correctable: 1000, nonfatal: 0, fatal: 0 });
    expect(counters.correctable[6]).toBe(1000);
    const engine = await running(here, { [bdf]: WORKING });
    here.platform.firmwareError(error('nonfatal'));
    expect((await engine.ended(1)).map((outcome) => outcome.event.severity)).toEqual(['nonfatal']);
  });

  it('an advisory one counts as non-fatal too; firmware passes no Device Status (aer.c:__pci_print_aer)', () => {
    const { platform } = host(MACHINE);
    const raw = registers({ COR_STATUS: 0x2000, UNCOR_STATUS: (1 << 20) | (1 << 22), UNCOR_SEVERITY: 0 });
    platform.firmwareError({ bdf, severity: 'correctable', registers: raw });
    const counters = platform.counters.of(bdf)!;
    expect(counters.totals).toEqual({ correctable: 1, nonfatal: 1, fatal: 0 });
    expect([counters.nonfatal[20], counters.nonfatal[22]]).toEqual([1, 0]);
  });

  it('of a function that is not there is reported as informative and not counted; the kernel only logs it', async () => {
    const here = host(MACHINE);
    const nobody = parseBdf('7f:00.0');
    const engine = await running(here, {});
    here.platform.firmwareError(error('fatal', { bdf: nobody }));
    const [outcome] = await engine.ended(1);
    expect(outcome).toMatchObject({ recovery: 0, result: 'ignored', event: { severity: 'informative' } });
    expect(outcome!.event.record).toMatchObject({ severity: 'fatal', status: COMPLETION_TIMEOUT });
    expect(here.platform.counters.of(nobody)).toBeUndefined();
  });

  it.each([0, 1, FIRMWARE_REGISTERS - 1])('with %i bytes of registers is refused, saying what is needed', (length) => {
    const { platform } = host(MACHINE);
    const short = error('fatal', { registers: new Uint8Array(length) });
    const refusal = refusalOf(() => platform.firmwareError(short));
    expect(refusal.code).toBe('ERR_PCI_BAD_FIRMWARE_RECORD');
    expect(refusal.message).toContain(`${length} bytes of AER registers; ${FIRMWARE_REGISTERS} are needed`);
    expect(platform.counters.of(bdf)).toBeUndefined();
  });
});
