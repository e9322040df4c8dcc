import { STRUCTS } from '../abi/structs.js';
import { type FieldLayout, type StructLayout } from './layout.js';

/** Name of a structure of the uAPI. */
export type StructName = keyof typeof STRUCTS;

type Fields<S extends StructName> = (typeof STRUCTS)[S]['fields'];

/** The fields of a structure that hold one number. */
export type FieldName<S extends StructName> = {
  [F in keyof Fields<S>]: Fields<S>[F] extends { readonly kind: 'array' } ? never : F;
}[keyof Fields<S>] &
  string;

/** The arrays that fill the end of a structure (at most one). */
export type ArrayName<S extends StructName> = Exclude<keyof Fields<S>, FieldName<S>> & string;

/** A field's value: 64-bit fields are bigints, all others numbers. */
export type FieldValue<S extends StructName, F extends keyof Fields<S>> = Fields<S>[F] extends { readonly size: 8 }
  ? bigint
  : number;

/** All values of a structure. */
export type StructValues<S extends StructName> = { readonly [F in FieldName<S>]: FieldValue<S, F> };

/** Bytes of a structure, without the array at its end. */
export const sizeOf = (struct: StructName): number => STRUCTS[struct].size;

/** The layout of a structure. */
export const layoutOf = (struct: StructName): StructLayout => STRUCTS[struct];

/** The layout of one field. */
export const fieldOf = <S extends StructName>(struct: S, field: FieldName<S> | ArrayName<S>): FieldLayout =>
  layoutOf(struct).fields[field]!;

/** The first byte behind a field: how long memory must be to hold it. */
export function endOf<S extends StructName>(struct: S, field: FieldName<S>): number {
  const { offset, size } = fieldOf(struct, field);
  return offset + size;
}

/** Where the array at a structure's end begins. */
export const arrayOffset = <S extends StructName>(struct: S, field: ArrayName<S>): number =>
  fieldOf(struct, field).offset;
