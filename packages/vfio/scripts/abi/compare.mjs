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

/**
 * What an older header can be held against: without what it does not know. A structure that has grown since keeps the fields
 * that it had, but neither its size nor its golden bytes.
 * @param absent names of requests, constants and structures, `struct.field`, `golden struct`
 */
export function without({ requests, constants, structs, golden }, absent) {
  const gone = new Set(absent);
  const kept = (table, prefix = '') =>
    Object.fromEntries(Object.entries(table).filter(([name]) => !gone.has(`${prefix}${name}`)));
  const known = Object.entries(kept(structs)).map(([name, { size, fields }]) => {
    const same = !absent.some((each) => each.startsWith(`${name}.`));
    return [name, { ...(same && { size }), fields: kept(fields, `${name}.`) }];
  });
  return {
    requests: kept(requests),
    constants: kept(constants),
    structs: Object.fromEntries(known),
    golden: kept(golden, 'golden '),
  };
}
