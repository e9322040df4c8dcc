import { scanKernelLog, type AerLogError } from '../../src/kernel-log/index.js';

const one = (text: string) => {
  const { records, findings } = scanKernelLog(text);
  expect(findings).toEqual([]);
  expect(records).toHaveLength(1);
  return records[0]!;
};
const names = ({ errors }: AerLogError): string[] => errors.map(({ short }) => short);

describe('an AER error from its lines', () => {
  it('before Linux 7.3: type, agent, bits, header', () => {
    const { records } =
      scanKernelLog(`[   58.239000] pcieport 0000:00:01.1: AER: Uncorrectable (Non-Fatal) error message received from 0000:01:00.0
[   58.239010] nvme 0000:01:00.0: PCIe Bus Error: severity=Uncorrectable (Non-Fatal), type=Transaction Layer, (Requester ID)
[   58.239011] nvme 0000:01:00.0:   device [144d:a808] error status/mask=00104000/00400000
[   58.239012] nvme 0000:01:00.0:    [14] CmpltTO
[   58.239013] nvme 0000:01:00.0:    [20] UnsupReq               (First)
[   58.239014] nvme 0000:01:00.0: AER:   TLP Header: 40000001 0000000f fe800040 00000000
[   58.239300] nvme 0000:01:00.0: AER: can't recover (no error_detected callback)
`);
    expect(records.map(({ kind, line }) => [kind, line])).toEqual([
      ['error_message', 1],
      ['error', 2],
      ['cannot_recover', 7],
    ]);
    const error = records[1] as AerLogError;
    expect(error).toMatchObject({
      platform: 'aer',
      bdf: '0000:01:00.0',
      boundDriver: 'nvme',
      line: 2,
      lastLine: 6,
      time: { seconds: 58.23901 },
      severity: 'nonfatal',
      bus: 'PCIe',
      accessible: true,
      layer: 'Transaction Layer',
      agent: 'Requester ID',
      vendor: 0x144d,
      device: 0xa808,
      status: 0x00104000,
      mask: 0x00400000,
      header: [0x40000001, 0x0000000f, 0xfe800040, 0],
      flit: false,
      prefixes: [],
    });
    expect(names(error)).toEqual(['CmpltTO', 'UnsupReq']);
    expect(error.bits.map(({ bit, printed, first, meaning }) => [bit, printed, first, meaning?.short])).toEqual([
      [14, 'CmpltTO', false, 'CmpltTO'],
      [20, 'UnsupReq', true, 'UnsupReq'],
    ]);
  });

  it('Linux 7.3: agent and layer of each bit, prefixes of the TLP', () => {
    const error = one(`pcieport 0000:3a:00.0: PCIe Bus Error: severity=Uncorrectable (Fatal)
pcieport 0000:3a:00.0:   device [8086:2030] error status/mask=00040020/00000020
pcieport 0000:3a:00.0:   [18] MalfTLP           | Receiver    | Transaction Layer (First)
pcieport 0000:3a:00.0: AER:   TLP Header: 0x60000001 0x0100000f 0x000000ff 0xffffe000 E-E Prefixes: 0x91000001 0x92000002
`) as AerLogError;
    expect(error).toMatchObject({
      severity: 'fatal',
      bits: [{ bit: 18, printed: 'MalfTLP', agent: 'Receiver', layer: 'Transaction Layer', first: true }],
      header: [0x60000001, 0x0100000f, 0xff, 0xffffe000],
      prefixes: [0x91000001, 0x92000002],
    });
    expect(names(error)).toEqual(['MalfTLP']);
    expect(error).not.toHaveProperty('agent');
  });

  it('old kernels: requester id, long names of bits, no "AER:"', () => {
    const error =
      one(`Mar  3 12:00:01 box kernel: pcieport 0000:00:1c.5: PCIe Bus Error: severity=Corrected, type=Physical Layer, id=00e5(Receiver ID)
Mar  3 12:00:01 box kernel: pcieport 0000:00:1c.5:   device [8086:9d15] error status/mask=00000001/00002000
Mar  3 12:00:01 box kernel: pcieport 0000:00:1c.5:    [ 0] Receiver Error         (First)
Mar  3 12:00:01 box kernel: pcieport 0000:00:1c.5:   Error of this Agent(00e5) is reported first
`) as AerLogError;
    expect(error).toMatchObject({
      severity: 'correctable',
      sourceId: 0x00e5,
      layer: 'Physical Layer',
      agent: 'Receiver ID',
      bits: [{ bit: 0, printed: 'Receiver Error', first: true, meaning: { short: 'RxErr' } }],
      reportedFirst: true,
      time: { printed: 'Mar  3 12:00:01' },
    });
  });

  it.each([
    ['aer_cor_status: 0x00000081, aer_cor_mask: 0x00000080', '', 'correctable', ['RxErr']],
    [
      'aer_uncor_status: 0x00100000, aer_uncor_mask: 0x00000000',
      'aer_uncor_severity: 0x00462030',
      'nonfatal',
      ['UnsupReq'],
    ],
    [
      'aer_uncor_status: 0x00040000, aer_uncor_mask: 0x00000000',
      'aer_uncor_severity: 0x00462030',
      'fatal',
      ['MalfTLP'],
    ],
    ['aer_status: 0x00001000, aer_mask: 0x00002000', '', 'correctable', ['Timeout']],
    ['aer_status: 0x00004000, aer_mask: 0x00000000', 'aer_uncor_severity: 0x00462030', 'nonfatal', ['CmpltTO']],
    ['aer_uncor_status: 0x00100000, aer_uncor_mask: 0x00000000', '', undefined, ['UnsupReq']],
  ])('told by firmware (APEI): %s %s', (first, second, severity, errors) => {
    const lines = [first, 'aer_layer=Transaction Layer, aer_agent=Requester ID', second].filter(Boolean);
    const error = one(lines.map((line) => `[ 9.0] pcieport 0000:80:02.0: AER: ${line}\n`).join('')) as AerLogError;
    expect(error).toMatchObject({ kind: 'error', layer: 'Transaction Layer', agent: 'Requester ID' });
    expect(error.severity).toBe(severity);
    expect(names(error)).toEqual(errors);
  });

  it.each([
    'PCIe Bus Error: severity=Uncorrectable (Fatal) (Inaccessible)',
    'PCIe Bus Error: severity=Uncorrected (Fatal), type=Inaccessible, (Unregistered Agent ID)',
    'PCIe Bus Error: severity=Uncorrected (Fatal), type=Unaccessible, id=0018(Unregistered Agent ID)',
  ])('a device that does not answer: %s', (text) => {
    expect(one(`pcieport 0000:00:03.0: AER: ${text}`)).toMatchObject({
      kind: 'error',
      severity: 'fatal',
      accessible: false,
    });
  });

  it('an error of CXL, and a header in Flit Mode', () => {
    const header = Array.from({ length: 6 }, (_, i) => `0x0000000${i}`).join(' ');
    const error = one(`cxl_port 0000:0c:00.0: CXL Bus Error: severity=Correctable
cxl_port 0000:0c:00.0: AER:   TLP Header (Flit): ${header}`);
    expect(error).toMatchObject({ bus: 'CXL', flit: true, header: [0, 1, 2, 3, 4, 5] });
  });

  it('a reserved bit has no meaning, and a printed bit counts where the status is missing', () => {
    const error = one(
      `pcieport 0000:00:1c.0: AER: PCIe Bus Error: severity=Corrected, type=, (Receiver ID)
pcieport 0000:00:1c.0: AER: PCIe Bus Error: severity=Corrected, type=Data Link Layer, (Receiver ID)
pcieport 0000:00:1c.0: AER:    [ 6] BadTLP
pcieport 0000:00:1c.0: AER:    [ 9] Unknown Error Bit`
        .split('\n')
        .slice(1)
        .join('\n'),
    ) as AerLogError;
    expect(error.bits.map(({ bit, meaning }) => [bit, meaning?.short])).toEqual([
      [6, 'BadTLP'],
      [9, undefined],
    ]);
    expect(names(error)).toEqual(['BadTLP']);
  });

  it('keeps interleaved errors of two devices apart', () => {
    const { records } =
      scanKernelLog(`pcieport 0000:00:1c.0: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)
igb 0000:02:00.0: PCIe Bus Error: severity=Corrected, type=Data Link Layer, (Transmitter ID)
pcieport 0000:00:1c.0:   device [8086:a110] error status/mask=00000001/00002000
igb 0000:02:00.0:   device [8086:1533] error status/mask=00001000/00002000
usb 1-1: new high-speed USB device
igb 0000:02:00.0:    [12] Timeout
pcieport 0000:00:1c.0:    [ 0] RxErr                  (First)
`);
    expect((records as AerLogError[]).map((error) => [error.bdf, error.line, error.lastLine, names(error)])).toEqual([
      ['0000:00:1c.0', 1, 7, ['RxErr']],
      ['0000:02:00.0', 2, 6, ['Timeout']],
    ]);
  });

  it('begins a new error at each first line, and at a second line of the same kind', () => {
    const error = `pcieport 0000:00:1c.0: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)
pcieport 0000:00:1c.0:   device [8086:a110] error status/mask=00000001/00002000
`;
    expect(scanKernelLog(error.repeat(3)).records).toHaveLength(3);
    expect(scanKernelLog(error.split('\n')[1]!.concat('\n').repeat(2)).records).toHaveLength(2);
  });

  it('leaves the numbered lines of other drivers alone', () => {
    expect(scanKernelLog('foo 0000:02:00.0: [12] queues\nfoo 0000:02:00.0: has been reset\n').records).toEqual([]);
  });
});

describe('other lines of AER', () => {
  it.each([
    [
      'Corrected error received: id=00e0',
      { severity: 'correctable', multiple: false, sourceId: 0xe0, detailsFound: true },
    ],
    [
      'Multiple Corrected error received: 0000:00:1c.5',
      { severity: 'correctable', multiple: true, source: '0000:00:1c.5' },
    ],
    ['Uncorrected (Non-Fatal) error received: 0000:00:00.0', { severity: 'nonfatal', source: '0000:00:00.0' }],
    ['Multiple Uncorrected (Fatal) error received: 0000:00:03.0', { severity: 'fatal', multiple: true }],
    ['Multiple Correctable error message received from 0000:06:00.0', { severity: 'correctable', multiple: true }],
    ['Correctable Error message received from 10000:e1:00.0', { severity: 'correctable', source: '10000:e1:00.0' }],
    [
      'Multiple Uncorrectable (Fatal) Error messages received, first one from 0000:3b:00.0 (no details found)',
      { severity: 'fatal', multiple: true, source: '0000:3b:00.0', detailsFound: false },
    ],
  ])('error_message: %s', (text, fields) => {
    expect(one(`<4>[  1.5] pcieport 0000:00:1c.0: AER: ${text}`)).toMatchObject({
      platform: 'aer',
      kind: 'error_message',
      bdf: '0000:00:1c.0',
      level: 4,
      ...fields,
    });
  });

  it.each([
    ["pcieport 0000:00:1c.0: can't find device of ID00e0", { kind: 'source_not_found', sourceId: 0xe0 }],
    [
      "ahci 0000:01:00.0: AER: can't recover (no error_detected callback)",
      { kind: 'cannot_recover', reason: 'no error_detected callback' },
    ],
    ["foo 0000:01:00.0: AER: can't recover (state transition 2 -> 1 invalid)", { kind: 'cannot_recover' }],
    ['pcieport 0000:00:03.0: AER: broadcast mmio_enabled message', { kind: 'broadcast', callback: 'mmio_enabled' }],
    ['pcieport 0000:00:03.0: AER: Root Port link has been reset (0)', { kind: 'link_reset', port: 'root', result: 0 }],
    [
      'pcieport 0000:00:03.0: AER: Downstream Port link has been reset (-25)',
      { kind: 'link_reset', port: 'downstream', result: -25 },
    ],
    ['pcieport 0000:00:03.0: AER: Root Port link has been reset', { kind: 'link_reset', port: 'root' }],
    ['pcieport 0000:00:03.0: Root Port link has been reset', { kind: 'link_reset', port: 'root' }],
    [
      'dpc 0000:00:10.0:pcie010: DPC containment event, status:0x1f01 source:0x0000',
      { kind: 'containment', bdf: '0000:00:10.0' },
    ],
    ['aer 0000:00:1c.0:pcie002: AER enabled with IRQ 122', { kind: 'enabled', boundDriver: 'aer', irq: 122 }],
    ['pci 0000:00:18.0: AER: has been reset', { kind: 'function_reset' }],
    ['pci 0000:00:18.0: AER: not reset (no FLR support: -25)', { kind: 'function_not_reset', result: -25 }],
    ['pcieport 0000:00:03.0: AER: subordinate device reset failed', { kind: 'subordinate_reset_failed' }],
    ['pcieport 0000:00:03.0: AER: device recovery successful', { kind: 'recovery_succeeded' }],
    ['pcieport 0000:00:03.0: AER: Device recovery failed', { kind: 'recovery_failed' }],
    [
      'pcieport 0000:00:03.0: AER: Exceeded max supported (5) devices with errors logged',
      { kind: 'too_many_devices', most: 5 },
    ],
    ['pcieport 0000:00:03.0: AER: enabled with IRQ 26', { kind: 'enabled', irq: 26 }],
    ['AER: buffer overflow in recovery for 0000:81:00.1', { kind: 'recovery_overflow', source: '0000:81:00.1' }],
    ['AER: 0000:81:00.1: no pci_dev found', { kind: 'device_not_found', source: '0000:81:00.1' }],
    ['AER: AER recover: Can not find pci_dev for 0000:81:00:1', { kind: 'device_not_found', source: '0000:81:00.1' }],
    ['pcieport 0000:00:03.0: AER: a sentence of tomorrow', { kind: 'other', text: 'a sentence of tomorrow' }],
    [
      'pcieport 0000:00:03.0: DPC: containment event, status:0x1f01 source:0x0000',
      { kind: 'containment', status: 0x1f01, sourceId: 0 },
    ],
    [
      'pcieport 0000:00:03.0: DPC: containment event, status:0x1f03, ERR_NONFATAL received from 0000:02:00.0',
      { kind: 'containment', message: 'ERR_NONFATAL', source: '0000:02:00.0' },
    ],
    [
      'pcieport 0000:00:03.0: DPC: containment event, status:0x1f01: unmasked uncorrectable error detected',
      { kind: 'containment', cause: 'unmasked uncorrectable error' },
    ],
    [
      'pcieport 0000:00:03.0: DPC: unmasked uncorrectable error detected',
      { kind: 'containment_cause', cause: 'unmasked uncorrectable error' },
    ],
    [
      'pcieport 0000:00:03.0: DPC: rp_pio_status: 0x00010000, rp_pio_mask: 0x00070707',
      { kind: 'rp_pio_status', status: 0x10000 },
    ],
    [
      'pcieport 0000:00:03.0: DPC: [16] Memory Request received UR Completion (First)',
      { kind: 'rp_pio_error', bit: 16, name: 'Memory Request received UR Completion', first: true },
    ],
    [
      'pcieport 0000:00:03.0: DPC: TLP Header: 0x00000001 0x0000000f 0xfe000000 00000000',
      { kind: 'rp_pio_header', header: [1, 15, 0xfe000000, 0] },
    ],
  ])('%s', (text, expected) => {
    expect(one(`[   10.000001] ${text}`)).toMatchObject({ platform: 'aer', ...expected });
  });
});
