import { scanKernelLog } from '../../src/kernel-log/index.js';

const one = (text: string) => {
  const { records, findings } = scanKernelLog(`[  100.000001] ${text}\n`);
  expect(findings).toEqual([]);
  expect(records).toHaveLength(1);
  return records[0]!;
};

describe('lines of EEH', () => {
  it.each([
    ['EEH: Frozen PHB#0-PE#1fd detected', { kind: 'frozen', phb: 0, pe: 0x1fd }],
    ['EEH: Frozen PHB#28-PE#10000 detected', { kind: 'frozen', phb: 0x28, pe: 0x10000 }],
    ['EEH: Frozen PE#5 on PHB#2 detected', { kind: 'frozen', phb: 2, pe: 5 }],
    ['EEH: Frozen PHB#1-PE#0 is empty!', { kind: 'frozen_empty', phb: 1, pe: 0 }],
    ['EEH: Fenced PHB#2 detected, location: N/A', { kind: 'phb_event', event: 'fenced', phb: 2, location: 'N/A' }],
    ['EEH: dead PHB#a detected, location: U78', { kind: 'phb_event', event: 'dead', phb: 10 }],
    ['EEH: PHB#3 informative error detected, location: N/A', { kind: 'phb_event', event: 'informative', phb: 3 }],
    ['EEH: dead IOC detected', { kind: 'ioc_event', event: 'dead' }],
    ['EEH: IOC informative error detected', { kind: 'ioc_event', event: 'informative' }],
    ['EEH: Recovering PHB#30-PE#1fd', { kind: 'recovering', phb: 0x30, pe: 0x1fd }],
    [
      'EEH: Recovering PHB#30, location: UOPWR.1234-Node0-Slot1',
      { kind: 'recovering', phb: 0x30, location: 'UOPWR.1234-Node0-Slot1' },
    ],
    [
      'EEH: PE location: U78D3.ND1.X-P0-C1, PHB location: N/A',
      { kind: 'location', peLocation: 'U78D3.ND1.X-P0-C1', phbLocation: 'N/A' },
    ],
    [
      'EEH: Failure of PHB#1-PE#2 will be handled at parent PHB#1-PE#0.',
      { kind: 'handled_at_parent', pe: 2, parent: { phb: 1, pe: 0 } },
    ],
    ['EEH: Call Trace:', { kind: 'call_trace' }],
    [
      'EEH: [00000000f4e2a5b1] __eeh_send_failure_event+0x78/0x150',
      { kind: 'call_trace_entry', address: '00000000f4e2a5b1' },
    ],
    [
      'EEH: [(____ptrval____)] eeh_dev_check_failure+0x2d8/0x6b0',
      { kind: 'call_trace_entry', address: '(____ptrval____)' },
    ],
    ['EEH: This PCI device has failed 3 times in the last hour', { kind: 'failure_count', times: 3 }],
    [
      'EEH: This PCI device has failed 1 times in the last hour and will be permanently disabled after 5 failures.',
      { kind: 'failure_count', times: 1, most: 5 },
    ],
    [
      'EEH: PHB#0-PE#fd has failed 6 times in the last hour and has been permanently disabled.',
      { kind: 'permanently_disabled', phb: 0, pe: 0xfd, times: 6 },
    ],
    ['EEH: PHB#0-PE#fd has failed 6 times in the', { kind: 'permanently_disabled', times: 6 }],
    ['EEH: Notify device drivers to shutdown', { kind: 'notify', request: 'shutdown' }],
    ['EEH: Notify device drivers to resume I/O', { kind: 'notify', request: 'resume I/O' }],
    ['EEH: Notify device driver to resume', { kind: 'notify', request: 'resume' }],
    ["EEH: Beginning: 'error_detected(IO frozen)'", { kind: 'callback_begin', callback: 'error_detected(IO frozen)' }],
    [
      "EEH: Finished:'error_detected(IO frozen)' with aggregate recovery state:'need reset'",
      { kind: 'callback_end', callback: 'error_detected(IO frozen)', state: 'need reset' },
    ],
    ["EEH: Finished:'resume'", { kind: 'callback_end', callback: 'resume' }],
    ['EEH: Collect temporary log', { kind: 'collect_log' }],
    ['EEH: Reset without hotplug activity', { kind: 'reset', hotplug: false }],
    ['EEH: Reset with hotplug activity', { kind: 'reset', hotplug: true }],
    ['EEH: Enable I/O for affected devices', { kind: 'enable_io' }],
    ['EEH: Enabled DMA for affected devices', { kind: 'dma_enabled' }],
    ['EEH: PHB#0-PE#1: Successful reset (attempt 2)', { kind: 'reset_succeeded', attempt: 2 }],
    ['EEH: Failure -5 resetting PHB#0-PE#1 (attempt 1)', { kind: 'reset_failed', error: -5, attempt: 1 }],
    ['EEH: PHB#0-PE#1: Slot inactive after reset: 0x2 (attempt 3)', { kind: 'slot_inactive', state: 2 }],
    ['EEH: Unrecoverable slot failure on PHB#0-PE#1', { kind: 'slot_unrecoverable', pe: 1 }],
    ['EEH: Recovery successful.', { kind: 'recovered' }],
    ['EEH: Permanent failure', { kind: 'permanent_failure' }],
    ['EEH: Unable to recover from failure from PHB#0-PE#1.', { kind: 'unable_to_recover', phb: 0, pe: 1 }],
    ['EEH: Note: Leaving passthrough PHB#0-PE#1 frozen.', { kind: 'passthrough_frozen', pe: 1 }],
    [
      'EEH: Passed-through PE PHB#0-PE#1 was thawed by reset, re-freezing for safety.',
      { kind: 'passthrough_refrozen' },
    ],
    ['EEH: Removing 0000:01:00.0 without EEH sensitive driver', { kind: 'removing', removed: '0000:01:00.0' }],
    ['EEH: Event dropped due to no_recover setting', { kind: 'event_dropped' }],
    ['EEH: of node=0030:01:00.0', { kind: 'device_log', of: '0030:01:00.0' }],
    ['EEH: PCI device/vendor: 101715b3', { kind: 'device_register', register: 'PCI device/vendor', value: 0x101715b3 }],
    ['EEH: PCI cmd/status register: 00100142', { kind: 'device_register', value: 0x00100142 }],
    [
      'EEH: PCI-E 00: 00020010 112c8e02 00002910 00457104',
      { kind: 'device_dump', capability: 'pcie', offset: 0, words: [0x20010, 0x112c8e02, 0x2910, 0x457104] },
    ],
    ['EEH: PCI-E AER 10: 00000000', { kind: 'device_dump', capability: 'aer', offset: 0x10, words: [0] }],
    ['EEH: a sentence of tomorrow', { kind: 'other', text: 'a sentence of tomorrow' }],
    [
      "PCI 0030:01:00.0#01fd: EEH: mlx5_core driver reports: 'need reset'",
      { kind: 'driver_report', bdf: '0030:01:00.0', devicePe: 0x1fd, driver: 'mlx5_core', vote: 'need reset' },
    ],
    [
      'PCI 0030:01:00.0#01fd: EEH: Invoking mlx5_core->error_detected(IO frozen)',
      { kind: 'invoking', callback: 'error_detected', state: 'IO frozen' },
    ],
    ['PCI 0030:01:00.0#01fd: EEH: Invoking mlx5_core->slot_reset()', { kind: 'invoking', callback: 'slot_reset' }],
    ['PCI 0030:01:00.0#01fd: EEH: driver not EEH aware', { kind: 'not_asked', why: 'driver not EEH aware' }],
    [
      'PCI 0030:01:00.0#01fd: EEH: not actionable (1,0,1)',
      { kind: 'not_actionable', device: true, present: false, ownedByHost: true },
    ],
    ['PCI 0030:01:00.0#01fd: EEH: Device changed during processing!', { kind: 'device_changed' }],
    ['PHB4 PHB#48 Diag-data (Version: 1)', { kind: 'diag_data', model: 'phb4', phb: 48, version: 1 }],
    ['PHB3 PHB#1a Diag-data (Version: 1)', { kind: 'diag_data', model: 'phb3', phb: 0x1a }],
  ])('%s', (text, expected) => {
    expect(one(text)).toMatchObject({ platform: 'eeh', line: 1, time: { seconds: 100.000001 }, ...expected });
  });
});

describe('lines of zPCI', () => {
  it.each([
    [
      '0001:00:00.0: Event 0x3a reports an error for PCI function 0x1',
      { kind: 'event', bdf: '0001:00:00.0', pec: 0x3a, fid: 1 },
    ],
    ['0001:00:00.0: Event 0x4 reports an error for PCI function 0x1c8', { kind: 'event', pec: 4, fid: 0x1c8 }],
    ['0001:00:00.0: Event 0x301 reconfigured PCI function 0x1', { kind: 'availability', pec: 0x301 }],
    ['0001:00:00.0: Cannot be recovered because no driver is bound to the device', { kind: 'no_driver' }],
    [
      '0001:00:00.0: The ism driver bound to the device does not support error recovery',
      { kind: 'driver_unable', driver: 'ism' },
    ],
    ['0001:00:00.0: Leaving recovery of pass-through device to user-space', { kind: 'handed_over' }],
    ['0001:00:00.0: Driver needs reset to recover', { kind: 'driver_needs_reset' }],
    ['0001:00:00.0: Unblocking device access for examination', { kind: 'unblocking', what: 'access' }],
    ['0001:00:00.0: Unblocking device access failed', { kind: 'unblocking_failed', what: 'access' }],
    ['0001:00:00.0: Unblocking DMA', { kind: 'unblocking', what: 'dma' }],
    ['0001:00:00.0: Unblocking DMA failed', { kind: 'unblocking_failed', what: 'dma' }],
    ['0001:00:00.0: Initiating reset', { kind: 'reset' }],
    ['0001:00:00.0: The reset request failed', { kind: 'reset_failed' }],
    ['0001:00:00.0: The device is ready to resume operations', { kind: 'ready' }],
    [
      '0001:00:00.0: Automatic recovery failed after initial reporting',
      { kind: 'recovery_failed', after: 'initial reporting' },
    ],
    [
      '0001:00:00.0: Automatic recovery failed after MMIO re-enable',
      { kind: 'recovery_failed', after: 'MMIO re-enable' },
    ],
    ['0001:00:00.0: Automatic recovery failed after slot reset', { kind: 'recovery_failed', after: 'slot reset' }],
    [
      '0001:00:00.0: Automatic recovery failed; operator intervention is required',
      { kind: 'recovery_failed', after: 'all' },
    ],
    ['Unhandled PCI error events count=3 for PCI function 0x1c8', { kind: 'unhandled_events', count: 3, fid: 0x1c8 }],
    ['Reported PCI device status', { kind: 'status_reported' }],
    ['Reporting PCI status failed with code -5', { kind: 'status_not_reported', code: -5 }],
    ['0001:00:00.0: a sentence of tomorrow', { kind: 'other', text: 'a sentence of tomorrow' }],
  ])('zpci: %s', (text, expected) => {
    expect(one(`zpci: ${text}`)).toMatchObject({ platform: 'zpci', ...expected });
  });

  it('an event of a function without a device has no address', () => {
    const record = one('zpci: n/a: Event 0x2a reports an error for PCI function 0x1');
    expect(record).toMatchObject({ kind: 'event', pec: 0x2a });
    expect(record).not.toHaveProperty('bdf');
  });

  it('a full queue is told in the words of the driver', () => {
    expect(
      one('vfio-pci 0001:00:00.0: 0001:00:00.0: Maximum number (16) of pending error events queued'),
    ).toMatchObject({
      platform: 'zpci',
      kind: 'events_dropped',
      bdf: '0001:00:00.0',
      boundDriver: 'vfio-pci',
      most: 16,
    });
  });
});
