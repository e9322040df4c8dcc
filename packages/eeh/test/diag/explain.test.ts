import { decodePest, explainPhbDiag, type PhbModel } from '../../src/diag/index.js';
import { bitTableOf } from '../../src/diag/tables/index.js';
import { madeData, MODELS } from './made-diag.js';

const bit = (number: number): bigint => 1n << BigInt(63 - number);

describe('registers explained', () => {
  it('names the set bits of a 64-bit register, 0 being the most significant', () => {
    const { registers } = explainPhbDiag(madeData('phb4', { phbTxeErrorStatus: bit(0) | bit(17) | bit(63) }));
    expect(registers).toEqual([
      {
        name: 'phbTxeErrorStatus',
        value: bit(0) | bit(17) | bit(63),
        width: 8,
        bits: [
          { bit: 0, name: 'AIB command invalid' },
          { bit: 17, name: 'CFG write error CA or UR response' },
          { bit: 63 },
        ],
      },
    ]);
  });

  it.each([
    ['nFir', 26],
    ['lemFir', 60],
    ['phbErrorStatus', 31],
    ['phbTxeErrorStatus', 50],
    ['phbRxeArbErrorStatus', 57],
    ['phbRxeMrgErrorStatus', 48],
    ['phbRxeTceErrorStatus', 34],
    ['phbPblErrorStatus', 51],
    ['phbRegbErrorStatus', 42],
    ['phbPlssr', 3],
  ])('PHB4 %s: %i of 64 bits have a name, all are shown', (name, named) => {
    const { registers } = explainPhbDiag(madeData('phb4', { [name]: 2n ** 64n - 1n }));
    expect(registers[0]?.bits?.map(({ bit: number }) => number)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(registers[0]?.bits?.filter((entry) => entry.name !== undefined)).toHaveLength(named);
  });

  it('shows bits without a name where no public source gives one (PHB3 LEM)', () => {
    const { registers } = explainPhbDiag(madeData('phb3', { lemFir: bit(42) }));
    expect(registers).toMatchObject([{ name: 'lemFir', bits: [{ bit: 42 }] }]);
  });

  it('takes control and status of the root port apart: control 15:0, status 31:16', () => {
    const given = { deviceStatus: 0x0004_0020n, devCmdStatus: 0x4010_0107n, rootErrorStatus: 0x54n, brdgCtl: 0x40n };
    const { registers } = explainPhbDiag(madeData('phb4', given));
    const fields = Object.fromEntries(registers.map((register) => [register.name, register.fields]));
    expect(fields['deviceStatus']).toMatchObject({ fatalDetected: true, maxPayloadSize: 1 });
    expect(fields['devCmdStatus']).toMatchObject({
      ioSpace: true,
      busMaster: true,
      serrEnable: true,
      systemError: true,
    });
    expect(fields['devCmdStatus']).toMatchObject({ fastBackToBack: false, fastBackToBackStatus: false });
    expect(fields['rootErrorStatus']).toMatchObject({ uncorrectableReceived: true, fatalReceived: true });
    expect(fields['brdgCtl']).toMatchObject({ secondaryBusReset: true });
  });

  it('names AER errors as config space does, and decodes the logged header, whose bytes PHB4 reverses', () => {
    const header = { tlpHdr1: 0x01000000n, tlpHdr2: 0x0f000001n, tlpHdr3: 0x00001080n, tlpHdr4: 0n };
    const { registers, tlp } = explainPhbDiag(madeData('phb4', { uncorrErrorStatus: 0x0010_0000n, ...header }));
    expect(registers[0]?.errors?.map(({ short }) => short)).toEqual(['UnsupReq']);
    expect(tlp).toMatchObject({ kind: 'memory_read', length: 1, requester: 0x0100, address: 0x80100000n });
    expect(explainPhbDiag(madeData('phb4', header)).tlp).toBeUndefined();
    expect(explainPhbDiag(madeData('phb3', { uncorrErrorStatus: 1n, ...header })).tlp).toBeUndefined();
  });

  it('every register with a First Error or WOF has the names of its status register', () => {
    for (const model of MODELS) {
      for (const unit of ['phb', 'phbTxe', 'phbRxeArb', 'phbRxeMrg', 'phbRxeTce', 'phbPbl', 'phbRegb']) {
        expect(bitTableOf(model, `${unit}FirstErrorStatus`)).toBe(bitTableOf(model, `${unit}ErrorStatus`));
      }
      expect(bitTableOf(model, 'nFirWOF')).toBe(bitTableOf(model, 'nFir'));
      expect(bitTableOf(model, 'lemWOF')).toBe(bitTableOf(model, 'lemFir'));
    }
  });
});

describe('the first error explained', () => {
  it('follows the summary down to the unit that saw it', () => {
    const { firstError, firstErrors } = explainPhbDiag(
      madeData('phb4', {
        lemFir: bit(31) | bit(42),
        lemWOF: bit(31),
        phbErrorStatus: bit(20) | bit(24),
        phbFirstErrorStatus: bit(24),
        phbRegbErrorStatus: bit(8) | bit(35),
        phbRegbFirstErrorStatus: bit(28) | bit(35),
        phbRxeArbErrorStatus: bit(1) | bit(18),
        phbRxeArbFirstErrorStatus: bit(18),
      }),
    );
    expect(firstErrors.chain.map(({ register }) => register)).toEqual([
      'lemWOF',
      'phbFirstErrorStatus',
      'phbRegbFirstErrorStatus',
    ]);
    expect(firstErrors.others.map(({ register }) => register)).toEqual(['phbRxeArbFirstErrorStatus']);
    expect(firstError).toBe(
      'First error: lemWOF bit 31 (PCIE_MACRO_ERROR_ACTIVE_STATUS), from phbFirstErrorStatus bit 24' +
        ' (pcie_etu_regb_err_inf), from phbRegbFirstErrorStatus bit 28 (tldlpo_dl_mon_rxreceivererror(0)) and bit 35' +
        ' (DL_EC08_RECEIVERERROR).',
    );
  });

  it('starts at phbFirstErrorStatus where lemWOF is silent', () => {
    const { firstErrors } = explainPhbDiag(
      madeData('phb4', { phbFirstErrorStatus: bit(23), phbTxeFirstErrorStatus: bit(27) }),
    );
    expect(firstErrors.chain.map(({ register }) => register)).toEqual([
      'phbFirstErrorStatus',
      'phbTxeFirstErrorStatus',
    ]);
  });

  it('tells what stands alone, the nest in front, when the summary is silent', () => {
    const { firstErrors, firstError } = explainPhbDiag(
      madeData('phb3', { nFirWOF: bit(14), dma0FirstErrorStatus: bit(3) }),
    );
    expect(firstErrors.chain).toEqual([]);
    expect(firstErrors.others.map(({ register }) => register)).toEqual(['nFirWOF', 'dma0FirstErrorStatus']);
    expect(firstError).toBe('First error: nFirWOF bit 14 (PCI Hang Error), and dma0FirstErrorStatus bit 3.');
  });

  it('says nothing when nothing was latched', () => {
    expect(explainPhbDiag(madeData('phb4', { phbErrorStatus: bit(1) }))).not.toHaveProperty('firstError');
  });
});

describe('PEST entries', () => {
  const entry = (model: PhbModel, a: bigint, b: bigint) => decodePest({ pe: 0x1fd, a, b }, model);

  it('decodes the entry that skiboot quotes', () => {
    expect(entry('phb4', 0xa440002a05000000n, 0x8000000000000000n)).toEqual({
      pe: 0x1fd,
      a: 0xa440002a05000000n,
      b: 0x8000000000000000n,
      mmioFrozen: true,
      dmaFrozen: true,
      cause: {
        flags: ['mmio_cause', 'unsupported_request'],
        transaction: 'mmio_load',
        lem: { bit: 42, name: 'ARB_BLIF_COMPLETION_ERROR', leadsTo: 'phbRxeArb' },
        requester: 0x0500,
        msiData: 0,
        address: 0n,
      },
    });
  });

  it.each([
    [0n, 0n, false, false],
    [bit(0), 0n, true, false],
    [0n, bit(0), false, true],
    [bit(1), bit(1), false, false],
  ])('frozen is the most significant bit: A %# MMIO, B DMA', (a, b, mmioFrozen, dmaFrozen) => {
    for (const model of MODELS) expect(entry(model, a, b)).toMatchObject({ mmioFrozen, dmaFrozen });
  });

  it.each([
    ['dma_write', 0n],
    ['msi', 1n],
    ['dma_read', 2n],
    ['dma_read_response', 3n],
    ['mmio_load', 4n],
    ['mmio_store', 5n],
    ['unknown', 6n],
    ['other', 7n],
  ])('transaction %s is type %i in bits 5–7', (transaction, type) => {
    expect(entry('phb3', type << 56n, 0n).cause?.transaction).toBe(transaction);
  });

  it.each([
    [10, 'utl_nonfatal', 'pcie_nonfatal'],
    [11, 'utl_fatal', 'pcie_fatal'],
    [18, 'tce_page_fault', 'tce_page_fault'],
  ])('flag %i: %s on PHB3, %s on PHB4', (number, phb3, phb4) => {
    expect(entry('phb3', bit(number), 0n).cause?.flags).toEqual([phb3]);
    expect(entry('phb4', bit(number), 0n).cause?.flags).toEqual([phb4]);
  });

  it('keeps to the frozen bits on P7IOC, and the failing address without the top three bits of B', () => {
    expect(entry('p7ioc', bit(0), bit(0)).cause).toBeUndefined();
    expect(entry('phb4', 0n, 0xffff_ffff_ffff_ffffn).cause?.address).toBe(0x1fff_ffff_ffff_ffffn);
  });
});
