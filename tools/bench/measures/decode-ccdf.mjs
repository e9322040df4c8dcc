// Decoding CCDF error records: every bit field, and what the event code means.
import { CCDF_ERROR_LENGTH, decodeCcdfError, errorClass } from '@pci-recovery/zpci';
import { moreIsBetter, rates } from '../rounds.mjs';

const RECORDS = 1_000_000;
/** As many different ones, so that no answer can be remembered. */
const DIFFERENT = 4096;
const CODES = [0x01, 0x02, 0x04, 0x2a, 0x3a, 0x3b, 0x40];

function records() {
  const bytes = new Uint8Array(DIFFERENT * CCDF_ERROR_LENGTH);
  const view = new DataView(bytes.buffer);
  for (let n = 0; n < DIFFERENT; n++) {
    const at = n * CCDF_ERROR_LENGTH;
    view.setUint32(at + 4, 0x8002_0000 + n);
    view.setUint32(at + 8, n);
    view.setUint32(at + 12, Math.imul(n, 0x9e37_79b1) >>> 0);
    view.setBigUint64(at + 16, BigInt(n) << 12n);
    view.setUint16(at + 30, CODES[n % CODES.length]);
  }
  return Array.from({ length: DIFFERENT }, (_, n) =>
    bytes.subarray(n * CCDF_ERROR_LENGTH, (n + 1) * CCDF_ERROR_LENGTH),
  );
}

export async function measure() {
  const all = records();
  let sink = 0;
  const work = () => {
    for (let n = 0; n < RECORDS; n++) {
      const { fh, fid, faddr, pec } = decodeCcdfError(all[n % DIFFERENT]);
      if (errorClass(pec) !== 'measurement') sink += fh + fid + Number(faddr & 1n);
    }
  };
  const found = moreIsBetter(await rates({ count: RECORDS, work }));
  if (!(sink > 0)) throw new Error('Nothing was decoded.');
  const conditions = { 'different records': DIFFERENT, 'bytes each': CCDF_ERROR_LENGTH };
  return [
    { name: 'decode CCDF error records', unit: 'per second', target: { atLeast: 1_000_000 }, conditions, ...found },
  ];
}
