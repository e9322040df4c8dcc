import { labError } from '../failure.js';
import { compareVersions } from './version.js';

/** A wish for a package, as a Depends field has it (deb-control(5)). */
export interface Relation {
  readonly name: string;
  readonly versions?: { readonly operator: RelationOperator; readonly version: string };
}

/** Strictly earlier, earlier or equal, equal, later or equal, strictly later. */
export type RelationOperator = '<<' | '<=' | '=' | '>=' | '>>';

/** Any of these will do; the first is preferred. */
export type Alternatives = readonly Relation[];

const RELATION = /^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^\s()]+)\s*\))?$/;

function parseRelation(text: string): Relation {
  const [, name, operator, version] = RELATION.exec(text) ?? [];
  if (name === undefined) {
    throw labError('ARCHIVE', `"${text}" is not a package relation: expected "name (>= version)".`, {
      context: { text },
    });
  }
  return { name, ...(operator && version && { versions: { operator: operator as RelationOperator, version } }) };
}

/**
 * Reads a field such as Depends or Provides: all of the list, of each any alternative. Architecture qualifiers
 * (`name:any`) are passed over: an index is of one architecture.
 * @throws PciRecoveryError `ERR_PCI_LAB_ARCHIVE` when a part is no relation.
 */
export const parseRelations = (field: string): readonly Alternatives[] =>
  field
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => part.split('|').map((one) => parseRelation(one.trim())));

const HOLDS: Readonly<Record<RelationOperator, (order: number) => boolean>> = {
  '<<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '=': (order) => order === 0,
  '>=': (order) => order >= 0,
  '>>': (order) => order > 0,
};

/** Whether `version` is one that the relation asks for. */
export const satisfies = (version: string, { versions }: Relation): boolean =>
  versions === undefined || HOLDS[versions.operator](compareVersions(version, versions.version));
