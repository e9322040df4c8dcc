import { labError } from '../failure.js';

/** A file that a suite's Release file lists. */
export interface ReleaseFile {
  /** In hexadecimal. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Path below the suite's folder. */
  readonly path: string;
}

/**
 * The files of a Release file's SHA256 section, by path.
 * @throws PciRecoveryError `ERR_PCI_LAB_ARCHIVE` when it has none.
 */
export function releaseFiles(text: string): ReadonlyMap<string, ReleaseFile> {
  const section = /^SHA256:\s*\n((?: .*\n?)+)/m.exec(text)?.[1];
  if (section === undefined) throw labError('ARCHIVE', 'The Release file of the suite has no section "SHA256:".');
  const files = [...section.matchAll(/^ ([0-9a-f]{64})\s+(\d+)\s+(\S+)$/gm)].map(([, sha256, size, path]) => ({
    sha256: sha256!,
    size: Number(size),
    path: path!,
  }));
  return new Map(files.map((file) => [file.path, file]));
}

/** The text between the armour of a clear-signed file, for when no signature can be verified. */
export const withoutArmour = (text: string): string =>
  text
    .replace(/^-----BEGIN PGP SIGNED MESSAGE-----\n(?:.+\n)*\n/, '')
    .replace(/\n-----BEGIN PGP SIGNATURE-----[^]*$/, '\n');

/** What `gpgv --status-fd` says: at least one good signature of a key that is valid, and no bad one. */
export function isWellSigned(status: string): boolean {
  const words = [...status.matchAll(/^\[GNUPG:\] (\w+)/gm)].map(([, word]) => word);
  return words.includes('GOODSIG') && !words.includes('BADSIG');
}
