import { patternOf } from '../../scripts/abi/program.mjs';
import { STRUCTS } from '../../src/uapi/abi/structs.js';
import { type FieldLayout, type StructName } from '../../src/uapi/index.js';

/** The fields of a structure that hold one number. */
export const numbersOf = (name: StructName): [string, FieldLayout][] =>
  Object.entries<FieldLayout>(STRUCTS[name].fields).filter(([, { kind }]) => kind !== 'array');

/** The values that the C program put into a structure's fields. */
export function patternsOf(name: StructName): Record<string, number | bigint> {
  return Object.fromEntries(
    numbersOf(name).map(([field, { size, kind }], index) => {
      const bits = size * 8;
      const cut = kind === 'signed' ? BigInt.asIntN(bits, patternOf(index)) : BigInt.asUintN(bits, patternOf(index));
      return [field, size === 8 ? cut : Number(cut)];
    }),
  );
}
