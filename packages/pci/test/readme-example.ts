import { decodeFunction, decodeTlp } from '@pci-recovery/pci';
import { parseLspciDump } from '@pci-recovery/pci/lspci';

/** One line per function that has detected an uncorrectable error. */
export function brokenFunctions(lspciOutput: string, warn: (text: string) => void): string[] {
  return parseLspciDump(lspciOutput).devices.flatMap(({ bdf, bytes }) => {
    const { aer, findings } = decodeFunction(bytes, { bdf });
    for (const { code, offset, message } of findings) warn(`${bdf}: ${code} at ${offset}: ${message}`);
    if (!aer?.firstError) return [];
    const request = decodeTlp(aer.log.header);
    return [
      `${bdf}: ${aer.firstError.name}, ${request?.kind ?? 'no TLP'} at 0x${(request?.address ?? 0n).toString(16)}`,
    ];
  });
}
