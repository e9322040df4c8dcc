import {
  AVAILABILITY,
  CCDF_ERROR_LENGTH,
  decodeCcdfAvailability,
  decodeCcdfError,
  errorClass,
  errorCode,
} from '@pci-recovery/zpci';
import { type Palette } from '../view/palette.js';
import { type Decoded } from './decoded.js';
import { hex } from './hex.js';

const EVENTS: ReadonlyMap<number, string> = new Map(
  Object.entries(AVAILABILITY).map(([name, pec]) => [pec, name.toLowerCase()]),
);

const address = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

/** Records that follow each other, one at a time. */
export function* ccdfsDecoded(bytes: Uint8Array, paint: Palette): Generator<Decoded> {
  for (let at = 0; at < bytes.length; at += CCDF_ERROR_LENGTH)
    yield ccdfDecoded(bytes.subarray(at, at + CCDF_ERROR_LENGTH), paint);
}

/** A CCDF record: its event code says whether it reports an error or availability. */
function ccdfDecoded(bytes: Uint8Array, paint: Palette): Decoded {
  const { pec } = decodeCcdfError(bytes);
  const event = EVENTS.get(pec);
  return event === undefined ? errorDecoded(bytes, paint) : availabilityDecoded(bytes, event, paint);
}

function errorDecoded(bytes: Uint8Array, paint: Palette): Decoded {
  const { pec, fh, fid, ett, mvn, dmaas, q, rw, faddr } = decodeCcdfError(bytes);
  const known = errorCode(pec);
  const meaning = known?.meaning ?? 'not publicly known';
  const json = {
    kind: 'ccdf_error',
    pec: hex(pec, 2),
    name: known?.name ?? null,
    meaning,
    class: errorClass(pec),
    fh: hex(fh),
    fid: hex(fid),
    faddr: address(faddr),
    ett,
    mvn,
    dmaas,
    q,
    rw,
    raw: Buffer.from(bytes).toString('hex'),
  };
  return {
    json,
    view: [
      paint('bold', `zPCI error event ${hex(pec, 2)}: ${meaning} (${errorClass(pec)})`),
      `  Function ${hex(fid)}, handle ${hex(fh)}`,
      `  Failing address ${address(faddr)}, ${rw ? 'write' : 'read'}, address space ${dmaas}`,
    ],
  };
}

function availabilityDecoded(bytes: Uint8Array, event: string, paint: Palette): Decoded {
  const { pec, fh, fid } = decodeCcdfAvailability(bytes);
  const raw = Buffer.from(bytes).toString('hex');
  return {
    json: { kind: 'ccdf_availability', pec: hex(pec, 2), event, fh: hex(fh), fid: hex(fid), raw },
    view: [
      paint('bold', `zPCI availability event ${hex(pec, 2)}: ${event.replaceAll('_', ' ')}`),
      `  Function ${hex(fid)}, handle ${hex(fh)}`,
    ],
  };
}
