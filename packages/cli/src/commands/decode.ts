import { parseLspciDump } from '@pci-recovery/pci/lspci';
import { Command } from 'commander';
import { ccdfsDecoded } from '../decode/ccdf.js';
import { type Decoded } from '../decode/decoded.js';
import { nameOf, readInput } from '../decode/input.js';
import { kernelLogDecoded } from '../decode/kernel-log.js';
import { findingsBefore, lspciDecoded } from '../decode/lspci.js';
import { phbBlobDecoded } from '../decode/phb-diag.js';
import { printable } from '../decode/printable.js';
import { recognise, whyNoRecord } from '../decode/recognise.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { CommandFailure } from '../failure.js';
import { writeLine, type Io } from '../io.js';
import { paletteFor, type Palette } from '../view/palette.js';

const EXAMPLES = `
Examples:
  lspci -xxxx | pci-recovery decode -          all devices of this machine (as root: all registers)
  pci-recovery decode dump.txt --json          one JSON object per device
  dmesg | pci-recovery decode -                what the kernel said about AER, EEH and zPCI
  pci-recovery decode record.bin               a CCDF record, or diagnostic data of a PHB (also as hexadecimal text)

What the input is, is recognised by what is in it.
Exit codes: 0 something was decoded, 1 the input cannot be read or is none of this, 2 wrong arguments.`;

/** `pci-recovery decode FILE|-`. */
export const decodeCommand = (io: Io, finish: (code: ExitCode) => void): Command =>
  new Command('decode')
    .description('Decodes dumps of lspci, kernel logs, CCDF records and PHB diagnostic data.')
    .argument('<file>', 'what to decode; - for standard input')
    .option('--json', 'one JSON object per device or record')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, { json }: { json?: boolean }) => finish(await decode(file, json ?? false, io)));

async function decode(file: string, json: boolean, io: Io): Promise<ExitCode> {
  const input = await readInput(file, io.stdin);
  const { found, remarks } = decodeBytes(input, nameOf(file), paletteFor(io));
  for (const remark of remarks) await writeLine(io.stderr, printable(`${nameOf(file)}: ${remark}`));
  for (const one of found) {
    if (json) await writeLine(io.stdout, JSON.stringify(one.json));
    else for (const line of one.view) await writeLine(io.stdout, line);
  }
  return EXIT.done;
}

interface Answer {
  readonly found: Iterable<Decoded>;
  /** What is said about the input as a whole. */
  readonly remarks: readonly string[];
}

function decodeBytes(input: Uint8Array, name: string, paint: Palette): Answer {
  const { kind, bytes } = recognise(input);
  if (kind === 'ccdf') return { found: ccdfsDecoded(bytes, paint), remarks: [] };
  if (kind === 'phb_diag') return { found: [phbBlobDecoded(bytes, paint)], remarks: [] };
  return decodeText(bytes, name, paint);
}

function* both(first: Iterable<Decoded>, then: Iterable<Decoded>): Generator<Decoded> {
  yield* first;
  yield* then;
}

/** A dump of lspci has devices with bytes; a log has records; one text may have both. */
function decodeText(bytes: Uint8Array, name: string, paint: Palette): Answer {
  const dump = parseLspciDump(bytes);
  const log = kernelLogDecoded(bytes, paint);
  if (dump.devices.some((device) => device.bytes.length > 0)) {
    const found = lspciDecoded(dump, paint);
    if (log.found.length > 0) return { found: both(found, log.found), remarks: log.remarks };
    return { found, remarks: findingsBefore(dump).map(({ line, message }) => `line ${line}: ${message}`) };
  }
  if (log.found.length > 0) return log;
  const why = whyNoRecord(bytes);
  throw new CommandFailure(
    EXIT.failure,
    `${name} is not a dump of lspci -x, a kernel log that speaks of AER, EEH or zPCI, a CCDF record or PHB diagnostic data${why === undefined ? '' : `: ${why}`}. Make a dump with: lspci -xxxx`,
  );
}
