import { labError } from '../failure.js';
import { parseRelations, satisfies, type Alternatives, type Relation } from './relation.js';
import { compareVersions } from './version.js';

/** A package that an archive has. */
export interface ArchivePackage {
  readonly name: string;
  readonly version: string;
  /** Path below the archive's address. */
  readonly filename: string;
  /** Bytes. */
  readonly size: number;
  /** Of the file, in hexadecimal. */
  readonly sha256: string;
  /** Depends and Pre-Depends. */
  readonly depends: readonly Alternatives[];
  readonly provides: readonly Relation[];
}

const WANTED = ['Package', 'Version', 'Filename', 'Size', 'SHA256', 'Depends', 'Pre-Depends', 'Provides'] as const;
type Field = (typeof WANTED)[number];

/** The wanted fields of one stanza. Continuation lines belong to none of them. */
function fieldsOf(stanza: string): Partial<Record<Field, string>> {
  const fields: Partial<Record<Field, string>> = {};
  for (const line of stanza.split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon) as Field;
    if (WANTED.includes(name)) fields[name] = line.slice(colon + 1).trim();
  }
  return fields;
}

function packageOf(stanza: string): ArchivePackage {
  const fields = fieldsOf(stanza);
  const { Package: name, Version: version, Filename: filename, SHA256: sha256 } = fields;
  const size = Number(fields.Size);
  if (!name || !version || !filename || !/^[0-9a-f]{64}$/.test(sha256 ?? '') || !Number.isSafeInteger(size)) {
    throw labError('ARCHIVE', `The package index has an entry without name, version, file or checksum.`, {
      context: { entry: stanza.slice(0, 200) },
    });
  }
  const depends = [fields['Pre-Depends'], fields.Depends].filter((field) => field !== undefined).join(',');
  return {
    name,
    version,
    filename,
    size,
    sha256: sha256!,
    depends: parseRelations(depends),
    provides: parseRelations(fields.Provides ?? '').map(([first]) => first!),
  };
}

/**
 * What a `Packages` file says. Only its names are read at first, each entry when it is asked for: the file of a whole
 * suite has tens of thousands.
 */
export class PackagesIndex {
  readonly #stanzas = new Map<string, string[]>();
  /** Virtual name → the names of packages that may provide it. */
  readonly #providers = new Map<string, Set<string>>();

  constructor(text: string) {
    for (const stanza of text.split(/\n\n+/)) {
      const name = /^Package: (.*)$/m.exec(stanza)?.[1]?.trim();
      if (name === undefined) continue;
      const known = this.#stanzas.get(name);
      if (known) known.push(stanza);
      else this.#stanzas.set(name, [stanza]);
      this.#noteProvides(name, stanza);
    }
  }

  /** All versions of a package, the newest first. */
  named(name: string): readonly ArchivePackage[] {
    const found = (this.#stanzas.get(name) ?? []).map(packageOf);
    return found.sort((one, other) => compareVersions(other.version, one.version));
  }

  /** The names of all packages that match. */
  names(pattern: RegExp): readonly string[] {
    return [...this.#stanzas.keys()].filter((name) => pattern.test(name));
  }

  /** The packages that satisfy a relation: real ones first, then those that provide it. */
  satisfying(relation: Relation): readonly ArchivePackage[] {
    const real = this.named(relation.name).filter(({ version }) => satisfies(version, relation));
    const providers = [...(this.#providers.get(relation.name) ?? [])].flatMap((name) => this.named(name));
    return [...real, ...providers.filter(({ provides }) => provides.some((offer) => isOffered(relation, offer)))];
  }

  #noteProvides(name: string, stanza: string): void {
    const field = /^Provides: (.*)$/m.exec(stanza)?.[1];
    for (const [offer] of field === undefined ? [] : parseRelations(field)) {
      const known = this.#providers.get(offer!.name);
      if (known) known.add(name);
      else this.#providers.set(offer!.name, new Set([name]));
    }
  }
}

/** A versioned relation is satisfied by a versioned offer only (deb-control(5), Provides). */
function isOffered(relation: Relation, offer: Relation): boolean {
  if (offer.name !== relation.name) return false;
  if (relation.versions === undefined) return true;
  return offer.versions !== undefined && satisfies(offer.versions.version, relation);
}
