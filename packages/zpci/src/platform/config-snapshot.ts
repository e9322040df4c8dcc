import { COMMAND, PCI_HEADER } from '@pci-recovery/pci';
import { type ConfigWidth } from '../port.js';

/** Configuration space of one function. */
export interface FunctionConfig {
  /** All ones, or undefined, when it does not answer. */
  readConfig(offset: number, width: ConfigWidth): number | undefined;
  /** Anything but false: it was written. */
  writeConfig(offset: number, width: ConfigWidth, value: number): unknown;
}

/** The configuration of a function as it was while it could be read: what a reset takes away. */
export interface ZpciConfigSnapshot {
  /** The Command register, 16 bits. */
  readonly command: number;
  /** In the order in which they have to be written. */
  readonly registers: readonly { readonly offset: number; readonly width: ConfigWidth; readonly value: number }[];
}

/** Base addresses before the Command register lets them decode. */
const SAVED: readonly (readonly [offset: number, width: ConfigWidth])[] = [
  ...Array.from({ length: 6 }, (_, index) => [PCI_HEADER.BASE_ADDRESS_0 + 4 * (5 - index), 4] as const),
  [PCI_HEADER.CACHE_LINE_SIZE, 1],
  [PCI_HEADER.LATENCY_TIMER, 1],
  [PCI_HEADER.INTERRUPT_LINE, 1],
];

/** A function that can be read: Command is not all ones. */
const commandOf = (config: FunctionConfig): number | undefined => {
  const command = config.readConfig(PCI_HEADER.COMMAND, 2);
  return command === 0xffff ? undefined : command;
};

/**
 * Reads what has to be restored after a reset. Undefined when the function cannot be read, from the start or from some
 * register on: such a state is never saved (R2.8).
 */
export function saveZpciConfig(config: FunctionConfig): ZpciConfigSnapshot | undefined {
  const command = commandOf(config);
  if (command === undefined) return undefined;
  const registers = SAVED.flatMap(([offset, width]) => {
    const value = config.readConfig(offset, width);
    return value === undefined ? [] : [{ offset, width, value }];
  });
  // What has stopped answering meanwhile has given all ones.
  if (registers.length < SAVED.length || commandOf(config) === undefined) return undefined;
  return { command, registers };
}

/**
 * Writes a saved configuration back, Command last and without the right to do DMA (R2.7).
 * @returns false when a write was lost, or the function does not answer after the last one.
 */
export function restoreZpciConfig(config: FunctionConfig, { command, registers }: ZpciConfigSnapshot): boolean {
  for (const { offset, width, value } of registers) {
    if (config.writeConfig(offset, width, value) === false) return false;
  }
  const quiet = command & ~COMMAND.busMaster.mask;
  return config.writeConfig(PCI_HEADER.COMMAND, 2, quiet) !== false && commandOf(config) !== undefined;
}

/** Lets the function do DMA: sets bus master in Command. @returns false when the function does not answer, or not take it. */
export function enableBusMaster(config: FunctionConfig): boolean {
  const command = commandOf(config);
  if (command === undefined) return false;
  config.writeConfig(PCI_HEADER.COMMAND, 2, command | COMMAND.busMaster.mask);
  return ((commandOf(config) ?? 0) & COMMAND.busMaster.mask) !== 0;
}
