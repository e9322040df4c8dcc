import { type DumpedDevice, type DumpFinding, type LspciDump } from './dump.js';
import { DumpScanner } from './scanner.js';

/**
 * Reads what `lspci -x`, `-xxx` or `-xxxx` printed, with any amount of `-v`. Never throws, whatever the text is: what is
 * wrong with it is in `findings`, and what could be read is in `devices`. Bytes are taken as UTF-8.
 */
export function parseLspciDump(text: string | Uint8Array): LspciDump {
  const devices: DumpedDevice[] = [];
  const findings: DumpFinding[] = [];
  const scanner = new DumpScanner({
    device: (device) => devices.push(device),
    finding: (finding) => findings.push(finding),
  });
  scanner.feed(text);
  scanner.end();
  return { devices, findings };
}

/**
 * The same for a text that arrives in pieces (of UTF-8 or strings), one function at a time: memory stays small however
 * long the text is. `report` gets the findings as they are made; those about a function come before the function.
 */
export async function* streamLspciDump(
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  report?: (finding: DumpFinding) => void,
): AsyncGenerator<DumpedDevice, void, undefined> {
  let ready: DumpedDevice[] = [];
  const take = (): DumpedDevice[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  const scanner = new DumpScanner({
    device: (device) => ready.push(device),
    finding: (finding) => report?.(finding),
  });
  for await (const chunk of chunks) {
    scanner.feed(chunk);
    yield* take();
  }
  scanner.end();
  yield* take();
}
