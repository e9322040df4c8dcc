import { PciRecoveryError } from '@pci-recovery/core';

/** A word of a description. */
export interface Token {
  readonly kind: 'word' | 'number' | 'address';
  readonly text: string;
  /** Line number, from 1. */
  readonly line: number;
}

/** The error of everything that is no description: it names line and token. */
export const badDescription = (message: string, line: number, token: string): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_BAD_AER_INJECT', `Line ${line}, "${token}": ${message}`, { context: { line, token } });

/** White space and comments; an address; a number; a keyword or name; anything else, one character. */
const TOKEN =
  /([ \t\r\n]+|#[^\n]*)|((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f])(?![0-9a-z_])|(0x[0-9a-f]+|[0-9]+)(?![0-9a-z_])|([a-z_][a-z0-9_]*)|(.)/giy;

/**
 * Takes a description apart. Line ends are white space.
 * @throws PciRecoveryError `ERR_PCI_BAD_AER_INJECT` at a character that belongs to nothing.
 */
export function* tokens(text: string): IterableIterator<Token> {
  let line = 1;
  const pattern = new RegExp(TOKEN);
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const [all, blank, address, number, word] = found;
    if (blank !== undefined) for (const character of blank) line += character === '\n' ? 1 : 0;
    else if (address !== undefined) yield { kind: 'address', text: all, line };
    else if (number !== undefined) yield { kind: 'number', text: all, line };
    else if (word !== undefined) yield { kind: 'word', text: all, line };
    else throw badDescription('this is neither keyword, name, number nor PCI address.', line, all);
  }
}
