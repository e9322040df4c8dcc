import { parseBdf } from '@pci-recovery/core';
import { countersSince, parseCounters } from '../../src/evidence/counters.js';
import { readEvidence } from '../../src/evidence/evidence.js';
import { errorRegisters, functionsOf, guestState } from '../../src/evidence/function-state.js';
import { recoveryUevents } from '../../src/evidence/uevents.js';
import { type FunctionSnapshot } from '../../src/guest/snapshot.js';

const BDF = parseBdf('0000:01:00.0');

/** A function with PCI Express at 40 and AER at 100: Command 0103, Device Control 000f, one uncorrectable status bit. */
function configSpace(uncorrectableStatus: number): Buffer {
  const bytes = Buffer.alloc(4096);
  bytes.writeUInt32LE(0x10411af4, 0);
  bytes.writeUInt16LE(0x0103, 4);
  bytes.writeUInt16LE(0x0010, 6);
  bytes.writeUInt8(0x40, 0x34);
  bytes.writeUInt32LE(0x00020010, 0x40);
  bytes.writeUInt16LE(0x000f, 0x48);
  bytes.writeUInt32LE(0x00020001, 0x100);
  bytes.writeUInt32LE(uncorrectableStatus, 0x104);
  return bytes;
}

const snapshot = (status: number, counters: Record<string, string> = {}): FunctionSnapshot => ({
  bdf: BDF,
  config: configSpace(status).toString('base64'),
  driver: 'vfio-pci',
  iommuGroup: '6',
  counters,
});

describe('AER counters in sysfs', () => {
  it('are names with numbers, or one number named by its file; zeros are left out', () => {
    expect(parseCounters('aer_dev_correctable', 'RxErr 0\nBadTLP 2\nTOTAL_ERR_COR 2\n')).toEqual({
      BadTLP: 2,
      TOTAL_ERR_COR: 2,
    });
    expect(parseCounters('aer_rootport_total_err_cor', '7\n')).toEqual({ aer_rootport_total_err_cor: 7 });
    expect(parseCounters('aer_rootport_total_err_cor', '0\n')).toEqual({});
  });

  it('are compared', () => {
    expect(countersSince({ a: 1, b: 2 }, { a: 4, b: 2, c: 1 })).toEqual({ a: 3, c: 1 });
  });
});

describe('functions as the guest shows them', () => {
  it('are decoded, with the registers that tell whether they work', () => {
    const state = guestState([snapshot(1 << 18)]).get(BDF);
    expect([state?.driver, state?.iommuGroup]).toEqual(['vfio-pci', '6']);
    expect(errorRegisters(state)).toEqual({
      command: 0x0103,
      deviceControl: 0x000f,
      deviceStatus: 0,
      uncorrectableStatus: 1 << 18,
      correctableStatus: 0,
    });
  });

  it('are placed in the tree of buses, with their drivers', () => {
    const { driver: _, ...undriven } = snapshot(0);
    expect(functionsOf(guestState([snapshot(0), { ...undriven, bdf: '0000:01:00.1' }]))).toEqual([
      { bdf: BDF, bridge: false, portType: 'endpoint', driver: 'vfio-pci' },
      { bdf: '0000:01:00.1', bridge: false, portType: 'endpoint' },
    ]);
  });

  it('have no such registers when they have no AER, or are not there', () => {
    const plain = { ...snapshot(0), config: configSpace(0).subarray(0, 256).toString('base64') };
    expect(errorRegisters(guestState([plain]).get(BDF))).toBeUndefined();
    expect(errorRegisters(undefined)).toBeUndefined();
  });
});

describe('uevents', () => {
  it('are those about recovery', () => {
    const lines = [
      '836\tchange\t/devices/pci0000:00\t0000:00:00.0\t\t\tlab5\t',
      `837\tchange\t/devices/x\t${BDF}\tBEGIN_RECOVERY\t0\t\t`,
      `838\tchange\t/devices/x\t${BDF}\tSUCCESSFUL_RECOVERY\t1\t\t`,
      `839\tchange\t/devices/x\t${BDF}\tFAILED_RECOVERY\t\t\t`,
      '',
    ];
    expect(recoveryUevents(lines)).toEqual([
      { sequence: 837, bdf: BDF, event: 'BEGIN_RECOVERY', online: false },
      { sequence: 838, bdf: BDF, event: 'SUCCESSFUL_RECOVERY', online: true },
      { sequence: 839, bdf: BDF, event: 'FAILED_RECOVERY' },
    ]);
  });
});

describe('the evidence of a step', () => {
  it('is read from all that it left', () => {
    const evidence = readEvidence({
      before: guestState([snapshot(0, { aer_dev_fatal: 'TOTAL_ERR_FATAL 1' })]),
      after: guestState([snapshot(1 << 18, { aer_dev_fatal: 'TOTAL_ERR_FATAL 2' })]),
      probes: [{ function: 'report_resume', fields: {} }],
      lines: {
        log: ['6,487,10916474,-;pcieport 0000:00:04.0: AER: device recovery successful', ' SUBSYSTEM=pci'],
        trace: [
          ` x-1 [000] ..... 1.5: report_resume: (report_resume+0x4/0x80) bdf="${BDF}"`,
          ' x-1 [000] ..... 1.6: other: x',
        ],
        uevent: [`838\tchange\t/devices/x\t${BDF}\tSUCCESSFUL_RECOVERY\t1\t\t`],
      },
    });
    expect(evidence).toMatchObject({
      log: [{ kind: 'recovery_succeeded', bdf: '0000:00:04.0' }],
      calls: [{ function: 'report_resume', bdf: BDF }],
      returns: [],
      aerEvents: [],
      uevents: [{ event: 'SUCCESSFUL_RECOVERY' }],
      counted: { [BDF]: { TOTAL_ERR_FATAL: 1 } },
      registers: { [BDF]: { uncorrectableStatus: 1 << 18 } },
    });
  });
});
