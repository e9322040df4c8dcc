import { parseBdf, type Bdf } from '@pci-recovery/core';
import { EXIT } from '../exit-code.js';
import { CommandFailure } from '../failure.js';

/**
 * An address as people write it.
 * @throws CommandFailure with the usage's exit code for what is none
 */
export function addressOf(text: string): Bdf {
  try {
    return parseBdf(text);
  } catch (error) {
    const message = `"${text}" is no address of a function: give it as 0000:01:00.0 or 01:00.0.`;
    throw new CommandFailure(EXIT.usage, message, error);
  }
}
