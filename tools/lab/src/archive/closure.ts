import { labError } from '../failure.js';
import { type ArchivePackage, type PackagesIndex } from './packages-index.js';
import { satisfies, type Alternatives, type Relation } from './relation.js';

const written = ({ name, versions }: Relation): string =>
  versions ? `${name} (${versions.operator} ${versions.version})` : name;

/** Whether a package that was chosen already is what the relation asks for. */
const isMet = (relation: Relation, chosen: ReadonlyMap<string, ArchivePackage>): boolean => {
  const one = chosen.get(relation.name);
  if (one !== undefined) return satisfies(one.version, relation);
  return [...chosen.values()].some(({ provides }) =>
    provides.some(
      ({ name, versions }) => name === relation.name && (!relation.versions || isVersion(versions, relation)),
    ),
  );
};

const isVersion = (offered: Relation['versions'], relation: Relation): boolean =>
  offered !== undefined && satisfies(offered.version, relation);

/** The first package of the first index that satisfies an alternative, and clashes with no choice made before. */
function choose(
  alternatives: Alternatives,
  indexes: readonly PackagesIndex[],
  chosen: ReadonlyMap<string, ArchivePackage>,
): ArchivePackage | undefined {
  for (const relation of alternatives) {
    for (const index of indexes) {
      const found = index.satisfying(relation).find(({ name }) => !chosen.has(name));
      if (found) return found;
    }
  }
  return undefined;
}

/**
 * The packages that are wanted and everything that they depend on, in the order in which they were found. An earlier
 * index is preferred, as apt prefers a release to its backports; recommended packages are left out.
 *
 * Choices are never taken back: it is enough for archives that are consistent, and it says so when one is not.
 * @throws PciRecoveryError `ERR_PCI_LAB_ARCHIVE` when a relation cannot be satisfied.
 */
export function dependencyClosure(
  wanted: readonly Alternatives[],
  indexes: readonly PackagesIndex[],
): readonly ArchivePackage[] {
  const chosen = new Map<string, ArchivePackage>();
  const open = wanted.map((alternatives) => ({ alternatives, by: 'the lab' }));
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const { alternatives, by } = next;
    if (alternatives.some((relation) => isMet(relation, chosen))) continue;
    const found = choose(alternatives, indexes, chosen);
    if (found === undefined) {
      const wish = alternatives.map(written).join(' | ');
      throw labError('ARCHIVE', `The package archive has no "${wish}", which ${by} needs.`, { context: { wish, by } });
    }
    chosen.set(found.name, found);
    open.push(...found.depends.map((depends) => ({ alternatives: depends, by: found.name })));
  }
  return [...chosen.values()];
}
