import fc from 'fast-check';
import { encodePhbDiag, decodePhbDiag, explainPhbDiag, layoutOf, parsePhbDiagText } from '../../src/diag/index.js';

const PHB4 = `[ 7023.118423] EEH: Recovering PHB#30-PE#1fd
[ 7023.118561] PHB4 PHB#48 Diag-data (Version: 1)
[ 7023.118562] brdgCtl:    00000002
[ 7023.118564] RootSts:    00060040 00402000 e0820008 00100107 00000800
[ 7023.118565] RootErrSts: 00000020 00004000 00002000
[ 7023.118565] RootErrLog: 01000000 0f000002 00001080 00000000
[ 7023.118566] sourceId:   02000000
[ 7023.118567] nFir:       0000800000000000 0030001c00000000 0000800000000000
[ 7023.118568] PhbSts:     0000001c00000000 0000001c00000000
[ 7023.118569] Lem:        0000000100000080 0000000000000000 0000000000000080
[ 7023.118570] PhbErr:     0000028000000000 0000020000000000 2148000098000240 a008400000000000
[ 7023.118570] mlx5_core 0030:01:00.0: another thing altogether
[ 7023.118571] RxeTceErr:  2000000000000000 2000000000000000 c000000000000000 0000000000000000
[ 7023.118572] PcieDlp:    0000000000000000 0000000000000000 ffff000000000000
[ 7023.118573] RegbErr:    0040000000000000 0040000000000000 0000000000000000 0000000000000000
[ 7023.118574] PE[000] A/B: 8000000000000000 8000000000000000
[ 7023.118575] PE[..0ff] A/B: as above
[ 7023.118576] PE[1fd] A/B: 8300b03800000000 8000000001020304
`;

describe('dumps that Linux prints', () => {
  it('reads that of a PHB4, whatever stands before and between its lines', () => {
    const { dumps, findings } = parsePhbDiagText(PHB4);
    expect(findings).toEqual([]);
    expect(dumps).toHaveLength(1);
    const [data] = dumps;
    expect(data).toMatchObject({ model: 'phb4', version: 1, phb: 48, length: 8576 });
    expect(data?.registers).toMatchObject({
      brdgCtl: 2n,
      deviceStatus: 0x00060040n,
      devSecStatus: 0x800n,
      uncorrErrorStatus: 0x4000n,
      tlpHdr2: 0x0f000002n,
      sourceId: 0x02000000n,
      nFirWOF: 0x0000800000000000n,
      phbCsr: 0x0000001c00000000n,
      lemWOF: 0x80n,
      phbErrorLog1: 0xa008400000000000n,
      phbPcieDlpErrorStatus: 0xffff000000000000n,
      phbRegbFirstErrorStatus: 0x0040000000000000n,
    });
    expect(data?.registers).not.toHaveProperty('phbTxeErrorStatus');
  });

  it.each([
    ['nothing', ''],
    ['the time of printk', '[ 7023.118562] '],
    ['the level of printk', '<6>'],
    ['level and time', '<6>[ 7023.118562] '],
    ['/dev/kmsg', '6,1234,7023118562,-;'],
    ['syslog', 'Nov 25 18:00:00 host kernel: '],
  ])('reads the same with %s in front of every line', (_, prefix) => {
    const bare = PHB4.replaceAll(/^\[[^\]]*\] /gm, '');
    const text = bare.replaceAll(/^(?=.)/gm, prefix);
    expect(parsePhbDiagText(text)).toEqual(parsePhbDiagText(PHB4));
  });

  it('fills in the PEs that are "as above"', () => {
    const pest = parsePhbDiagText(PHB4).dumps[0]!.pest;
    expect(pest).toHaveLength(0x101);
    expect(pest[0xff]).toEqual({ pe: 0xff, a: 1n << 63n, b: 1n << 63n });
    expect(pest[0x100]).toEqual({ pe: 0x1fd, a: 0x8300b03800000000n, b: 0x8000000001020304n });
  });

  it('explains it like the blob that it was printed from', () => {
    const [data] = parsePhbDiagText(PHB4).dumps;
    const explained = explainPhbDiag(data!);
    expect(explained.firstError).toBe(
      'First error: lemWOF bit 56 (TCE_IODA_PAGE_ACCESS_ERROR), from phbRxeTceFirstErrorStatus bit 2' +
        ' (TCE response page access error).',
    );
    expect(explained.tlp).toMatchObject({ kind: 'memory_read', address: 0x80100000n });
    expect(explained.pest.at(-1)?.cause).toMatchObject({
      transaction: 'dma_read_response',
      lem: { bit: 56, name: 'TCE_IODA_PAGE_ACCESS_ERROR' },
      flags: ['mmio_translation_or_ioda', 'tce_page_fault', 'tce_access_fault'],
      address: 0x01020304n,
    });
    const { length: _, trailing: __, phb: ___, registers, ...rest } = data!;
    const again = decodePhbDiag(encodePhbDiag(data!)).data!;
    expect(again).toMatchObject({ ...rest, registers });
  });

  it.each([
    ['PE[  5]', 5],
    ['PE[ 25]', 25],
    ['PE[125]', 125],
    ['PE[  0]', 0],
    ['PE[025]', 0x25],
    ['PE[0fd]', 0xfd],
  ])('PHB3: %s is PE#%i, decimal in older kernels, hexadecimal with zeros in front in newer ones', (printed, pe) => {
    const text = `PHB3 PHB#2 Diag-data (Version: 1)\n${printed} A/B: 8000000000000001 8000000000000000\n`;
    expect(parsePhbDiagText(text).dumps[0]?.pest).toEqual([{ pe, a: (1n << 63n) | 1n, b: 1n << 63n }]);
  });

  it('reads that of a PHB3: labels of its own, and a hexadecimal PHB number', () => {
    const { dumps, findings } = parsePhbDiagText(`[Mon Jan 22 11:23:31 2018] PHB3 PHB#1a Diag-data (Version: 1)
[Mon Jan 22 11:23:31 2018] brdgCtl:     0000ffff
[Mon Jan 22 11:23:31 2018] UtlSts:      00200000 00000000 00000001
[Mon Jan 22 11:23:31 2018] RootErrLog1: 00000100 0000000000000001 0000000000000002
[Mon Jan 22 11:23:31 2018] OutErr:      0000000000000001 0000000000000002 0000000000000003 0000000000000004
[Mon Jan 22 11:23:31 2018] InBErr:      0000000000000005 0000000000000006 0000000000000007 0000000000000008
`);
    expect(findings).toEqual([]);
    expect(dumps).toMatchObject([
      {
        model: 'phb3',
        phb: 0x1a,
        registers: {
          portStatusReg: 0x200000n,
          busAgentStatus: 1n,
          correlator: 2n,
          mmioErrorLog1: 4n,
          dma1ErrorLog0: 7n,
        },
      },
    ]);
  });

  it('reads those of a P7IOC, also with a line for each register', () => {
    const { dumps, findings } = parsePhbDiagText(`P7IOC PHB#0 Diag-data (Version: 1)
PhbSts:      0000000000000001 0000000000000002
P7IOC PHB#1 Diag-data (Version: 1)

  brdgCtl:              00000002
  p7iocPlssr:           0000001c00000000
  lemFir:               0000000000000009
  PE[ 12] PESTA:        8000000000000000
          PESTB:        8000000000000003
`);
    expect(findings).toEqual([]);
    expect(dumps).toMatchObject([
      { phb: 0, registers: { p7iocPlssr: 1n, p7iocCsr: 2n } },
      {
        phb: 1,
        registers: { brdgCtl: 2n, p7iocPlssr: 0x1c00000000n, lemFir: 9n },
        pest: [{ pe: 12, b: (1n << 63n) | 3n }],
      },
    ]);
  });

  it.each([
    ['line_without_header', 'Lem:        0000000000000001 0000000000000000 0000000000000000', 1],
    ['line_without_header', 'PE[001] A/B: 8000000000000000 8000000000000000', 1],
    ['bad_line', 'PHB3 PHB#0 Diag-data (Version: 1)\nRegbErr:    0000000000000001 0000000000000000 0 0', undefined],
    ['bad_line', 'PHB3 PHB#0 Diag-data (Version: 1)\nPblErr:     0000000000000001 0000000000000001', 2],
    ['bad_line', 'PHB4 PHB#0 Diag-data (Version: 1)\nLem:        00000001 00000000 00000000', 2],
    ['bad_line', 'PHB4 PHB#0 Diag-data (Version: 1)\nPE[..003] A/B: as above', 2],
    ['bad_line', 'PHB4 PHB#a Diag-data (Version: 1)', 1],
    ['bad_line', 'PHB4 PHB#1a Diag-data (Version: 1)', 1],
    ['duplicate_line', 'PHB4 PHB#0 Diag-data (Version: 1)\nbrdgCtl:    00000001\nbrdgCtl:    00000002', 3],
    ['pe_out_of_range', 'PHB3 PHB#0 Diag-data (Version: 1)\nPE[256] A/B: 8000000000000000 8000000000000000', 2],
  ])('%s: reported with the number of the line, the rest is kept', (code, text, at) => {
    const { findings } = parsePhbDiagText(text);
    expect(findings).toMatchObject(at === undefined ? [] : [{ code, at }]);
  });
});

it('a dump of a kind that nobody knows is said to be one, and its lines are nobody else’s', () => {
  const text = [
    'PHB4 PHB#0 Diag-data (Version: 1)',
    'brdgCtl:    00000001',
    'PHB6 PHB#1 Diag-data (Version: 1)',
    'nFir:       0000000000000001 0000000000000000 0000000000000000',
    'PE[003] A/B: 8000000000000000 8000000000000000',
    'PHB3 PHB#2 Diag-data (Version: 1)',
    'brdgCtl:    00000002',
  ].join('\n');
  expect(parsePhbDiagText(text)).toMatchObject({
    dumps: [
      { model: 'phb4', phb: 0, registers: { brdgCtl: 1n }, pest: [] },
      { model: 'phb3', phb: 2, registers: { brdgCtl: 2n } },
    ],
    findings: [{ code: 'unknown_io_type', at: 3, message: expect.stringContaining('PHB6') as string }],
  });
  expect(parsePhbDiagText(text).dumps[0]!.registers).toEqual({ brdgCtl: 1n });
});

describe('dumps that skiboot writes', () => {
  const line = (phb: string, name: string, value: string): string =>
    `[  611.405318920,3] PHB#${phb}[0:3]: ${name.padStart(24)} = ${value}`;

  it('reads interleaved dumps, tells the models by their registers, and reverses the header log of a PHB4', () => {
    const { dumps, findings } = parsePhbDiagText(
      [
        '[  611.405312007,3] PHB#0033[8:3]: PHB Freeze/Fence detected !',
        '[  611.405316201,3] PHB#0033[8:3]:             PCI FIR=0000000000000000',
        line('0033', 'brdgCtl', '00000002'),
        line('0004', 'mmioErrorStatus', '0000000000000001'),
        line('0033', 'devctl', '00000040'),
        line('0033', 'tlpHdr1', '00000001'),
        line('0033', 'phbRxeArbFrstErrorStatus', '2000000000000000'),
        line('0033', 'PEST[1fd]', '3740002a01000000 0000000000000000'),
        line('0033', 'brdgCtl', '00000003'),
        line('0033', 'phbPblErrorStatus', '0000000000000001'),
      ].join('\n'),
    );
    expect(findings).toEqual([]);
    expect(dumps).toMatchObject([
      {
        model: 'phb4',
        phb: 0x33,
        registers: { brdgCtl: 2n, tlpHdr1: 0x01000000n, phbRxeArbFirstErrorStatus: 1n << 61n },
        pest: [{ pe: 0x1fd, a: 0x3740002a01000000n, b: 0n }],
      },
      { model: 'phb3', phb: 4, registers: { mmioErrorStatus: 1n } },
      { model: 'phb4', registers: { brdgCtl: 3n } },
    ]);
  });

  it('reports PEs beyond the table of the model, and keeps the others', () => {
    const text = [
      line('0004', 'PEST[0ff]', '8000000000000000 8000000000000000'),
      line('0004', 'PEST[1fd]', '8000000000000000 8000000000000000'),
      line('0004', 'mmioErrorStatus', '0000000000000001'),
    ].join('\n');
    expect(parsePhbDiagText(text)).toMatchObject({
      dumps: [{ model: 'phb3', pest: [{ pe: 0xff }] }],
      findings: [{ code: 'pe_out_of_range', message: expect.stringContaining('PE#1fd') as string }],
    });
  });

  it('says when the registers do not tell the model', () => {
    expect(parsePhbDiagText(line('0001', 'brdgCtl', '00000000'))).toMatchObject({
      dumps: [],
      findings: [{ code: 'bad_line' }],
    });
  });
});

describe('any text', () => {
  const token = fc.constantFrom(
    'PHB4 PHB#48 Diag-data (Version: 1)',
    'PHB3 PHB#0 Diag-data (Version: 1)',
    'P7IOC PHB#0 Diag-data (Version: 1)',
    'PE[1fd] A/B: 8000000000000000 8000000000000000',
    'PE[..1ff] A/B: as above',
    'PHB#0001[0:0]: brdgCtl = 00000001',
    'Lem: ',
    '0000000000000001',
    '00000001',
    ' ',
    '\n',
  );

  it('never throws, gives data that encodes, and numbers findings by line', () => {
    const text = fc.array(fc.oneof({ weight: 5, arbitrary: token }, fc.string())).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (given) => {
        const { dumps, findings } = parsePhbDiagText(given);
        for (const data of dumps) expect(encodePhbDiag(data)).toHaveLength(layoutOf(data.model).length);
        const lines = given.split('\n').length;
        for (const { at } of findings) expect(at >= 1 && at <= lines).toBe(true);
      }),
    );
  });

  it('keeps a bounded number of dumps and findings, and counts the rest', () => {
    const text = 'PHB4 PHB#0 Diag-data (Version: 1)\nPE[..003] A/B: as above\n'.repeat(5);
    const { dumps, findings } = parsePhbDiagText(text, { most: 2 });
    expect(dumps).toHaveLength(2);
    expect(findings.map(({ code }) => code)).toEqual(['bad_line', 'bad_line', 'overflow']);
    expect(findings[2]?.message).toContain('3 dumps and 3 findings');
  });

  it('takes a line of a million blanks', () => {
    expect(parsePhbDiagText(`Lem:${' '.repeat(1_000_000)}x`)).toEqual({ dumps: [], findings: [] });
  });
});
