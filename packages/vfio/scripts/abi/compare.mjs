// Compares what was measured with what the tables say: each difference is a sentence that names its field.

const isTree = (value) => typeof value === 'object' && value !== null;

/** `a.b.c`, without the words that only group. */
const nameOf = (path) => path.filter((word) => word !== 'fields').join('.');

function* differences(expected, measured, path) {
  if (!isTree(expected) || !isTree(measured)) {
    if (expected !== measured) {
      yield `${nameOf(path)} is ${measured ?? 'unknown to the headers'}, the table says ${expected ?? 'nothing'}`;
    }
    return;
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(measured)])) {
    yield* differences(expected[key], measured[key], [...path, key]);
  }
}

/**
 * Every difference between a table and a measurement, as sentences.
 */
export const compare = (expected, measured) => [...differences(expected, measured, [])];

/** A copy of `expected` without what an older header does not know: names of constants, structures, or `struct.field`. */
export function without(expected, absent) {
  const gone = new Set(absent);
  const kept = (entries) => Object.fromEntries(Object.entries(entries).filter(([name]) => !gone.has(name)));
  const structs = Object.entries(kept(expected.structs)).map(([name, { size, fields }]) => {
    const known = Object.entries(fields).filter(([field]) => !gone.has(`${name}.${field}`));
    return [name, { size, fields: Object.fromEntries(known) }];
  });
  return {
    requests: kept(expected.requests),
    constants: kept(expected.constants),
    structs: Object.fromEntries(structs),
  };
}
