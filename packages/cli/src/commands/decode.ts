import { decodeFunction } from '@pci-recovery/pci';
import { parseLspciDump, type DumpFinding, type LspciDump } from '@pci-recovery/pci/lspci';
import { Command } from 'commander';
import { deviceJson } from '../decode/device-json.js';
import { deviceView } from '../decode/device-view.js';
import { nameOf, readInput } from '../decode/input.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { CommandFailure } from '../failure.js';
import { writeLine, type Io } from '../io.js';
import { paletteFor } from '../view/palette.js';

const EXAMPLES = `
Examples:
  lspci -xxxx | pci-recovery decode -          all devices of this machine (as root: all registers)
  pci-recovery decode dump.txt --json          one JSON object per device`;

/** `pci-recovery decode FILE|-`. */
export const decodeCommand = (io: Io, finish: (code: ExitCode) => void): Command =>
  new Command('decode')
    .description('Decodes the error registers in a dump of lspci -x, -xxx or -xxxx.')
    .argument('<file>', 'the dump; - for standard input')
    .option('--json', 'one JSON object per device')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, { json }: { json?: boolean }) => finish(await decode(file, json ?? false, io)));

async function decode(file: string, json: boolean, io: Io): Promise<ExitCode> {
  const dump = parseLspciDump(await readInput(file, io.stdin));
  if (dump.devices.length === 0) throw new CommandFailure(EXIT.failure, notADump(file, dump));
  const paint = paletteFor(io);
  for (const finding of findingsBefore(dump))
    await writeLine(io.stderr, `${nameOf(file)}:${finding.line}: ${finding.message}`);
  for (const [index, device] of dump.devices.entries()) {
    const text = findingsOf(dump, index);
    const fn = decodeFunction(device.bytes, { bdf: device.bdf });
    if (json) await writeLine(io.stdout, JSON.stringify(deviceJson(device, fn, text)));
    else for (const line of deviceView(device, fn, text, paint)) await writeLine(io.stdout, line);
  }
  return EXIT.done;
}

function notADump(file: string, { findings }: LspciDump): string {
  const first = findings[0];
  const where = first ? ` Line ${first.line}: ${first.message}` : '';
  return `${nameOf(file)} is not a dump of lspci -x: it names no device.${where} Make one with: lspci -xxxx`;
}

/** What is wrong before the first device. */
const findingsBefore = ({ devices, findings }: LspciDump): DumpFinding[] =>
  findings.filter((finding) => finding.line < devices[0]!.line);

/** What is wrong in the lines of one device. */
function findingsOf({ devices, findings }: LspciDump, index: number): DumpFinding[] {
  const from = devices[index]!.line;
  const to = devices[index + 1]?.line ?? Infinity;
  return findings.filter((finding) => finding.line >= from && finding.line < to);
}
