import { bdfParts } from '@pci-recovery/core';
import { decodeFunction } from '../../src/index.js';
import { type DumpedDevice } from '../../src/lspci/index.js';
import { renderFunction, type RenderedFunction } from './function.js';
import { hasNoCodec } from './header.js';

/** lspci's output for one function: the lines before the first capability, then the lines of each. */
interface PrintedFunction {
  readonly header: readonly string[];
  readonly capabilities: readonly (readonly string[])[];
}

/** Takes the output of `lspci -n -vvv` apart: functions are separated by empty lines. */
export function printedFunctions(output: string): PrintedFunction[] {
  return output
    .split('\n\n')
    .filter((text) => text.trim() !== '')
    .map((text) => {
      const lines = text.replace(/^\n+|\n+$/g, '').split('\n');
      const starts = lines.flatMap((line, at) => (line.startsWith('\tCapabilities: ') ? [at] : []));
      return {
        header: lines.slice(0, starts[0] ?? lines.length),
        capabilities: starts.map((start, i) => lines.slice(start, starts[i + 1] ?? lines.length)),
      };
    });
}

/** lspci orders by address, and prints one of equal addresses after the other. */
const inOrder = (devices: readonly DumpedDevice[]): DumpedDevice[] =>
  [...devices].sort((a, b) => (a.bdf < b.bdf ? -1 : 1));

/** What we expect lspci to print for the functions of a dump. */
export function renderedFunctions(devices: readonly DumpedDevice[]): RenderedFunction[] {
  const withDomain = devices.some(({ bdf }) => bdfParts(bdf).domain !== 0);
  return inOrder(devices).map(({ bdf, bytes }) => renderFunction(decodeFunction(bytes, { bdf }), bytes, withDomain));
}

/** lspci names programming interfaces of IDE controllers even when it is asked for numbers. */
const withoutInterfaceName = (line: string): string => line.replace(/( \(prog-if [0-9a-f]{2}) \[[^\]]*\]\)$/, '$1)');

/**
 * lspci's output, reduced to what has a codec here: of other capabilities only place (and version) is left, so that the
 * walks are compared as well.
 */
export function printedAsRendered(output: string, devices: readonly DumpedDevice[]): RenderedFunction[] {
  const rendered = renderedFunctions(devices);
  const sorted = inOrder(devices);
  return printedFunctions(output).map((printed, i) => {
    const header = decodeFunction(sorted[i]!.bytes).header!;
    return {
      header: printed.header.filter((line) => !hasNoCodec(line, header)).map(withoutInterfaceName),
      capabilities: printed.capabilities.map((lines, k) => {
        const whole = rendered[i]?.capabilities[k]?.whole ?? true;
        return whole ? { lines, whole } : { lines: [/^.*?\] /.exec(lines[0]!)?.[0] ?? lines[0]!], whole };
      }),
    };
  });
}
