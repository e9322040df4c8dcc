import { bdfParts, parseBdf } from '@pci-recovery/core';
import { decodeRecord, encodeRecord, RECORD_BYTES } from '../src/index.js';

const bdf = parseBdf('0001:02:1f.7');
const record = encodeRecord('fatal', bdfParts(bdf));

describe('a record of firmware', () => {
  it.each(['nonfatal', 'fatal', 'correctable', 'informative'] as const)('says "%s" and who', (severity) => {
    expect(decodeRecord(encodeRecord(severity, bdfParts(bdf)))).toEqual({ severity, record: { source: bdf } });
  });

  it.each([
    [record.slice(1), /has 12 bytes, this one 11/],
    [record.with(0, 0), /Bytes 0–3/],
    [record.with(4, 4), /no severity 4/],
    [record.with(9, 0x20), /no address/],
  ])('that makes no sense is informative, and says why: %s', (bytes, why) => {
    const decoded = decodeRecord(bytes);
    expect(decoded.severity).toBe('informative');
    expect(decoded.record.trouble).toMatch(why);
  });

  it('has a fixed length', () => {
    expect(record).toHaveLength(RECORD_BYTES);
  });
});
