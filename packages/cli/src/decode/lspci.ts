import { decodeFunction } from '@pci-recovery/pci';
import { type DumpFinding, type LspciDump } from '@pci-recovery/pci/lspci';
import { type Palette } from '../view/palette.js';
import { type Decoded } from './decoded.js';
import { deviceJson } from './device-json.js';
import { deviceView } from './device-view.js';

/** The devices of a dump, one at a time: a large machine has thousands. */
export function* lspciDecoded(dump: LspciDump, paint: Palette): Generator<Decoded> {
  for (const [index, device] of dump.devices.entries()) {
    const text = findingsOf(dump, index);
    const fn = decodeFunction(device.bytes, { bdf: device.bdf });
    yield { json: deviceJson(device, fn, text), view: deviceView(device, fn, text, paint) };
  }
}

/** What is wrong before the first device. */
export const findingsBefore = ({ devices, findings }: LspciDump): DumpFinding[] =>
  findings.filter((finding) => finding.line < devices[0]!.line);

/** What is wrong in the lines of one device. */
function findingsOf({ devices, findings }: LspciDump, index: number): DumpFinding[] {
  const from = devices[index]!.line;
  const to = devices[index + 1]?.line ?? Infinity;
  return findings.filter((finding) => finding.line >= from && finding.line < to);
}
