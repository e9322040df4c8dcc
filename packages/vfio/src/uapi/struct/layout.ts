/** Where a field lies and what it is. Offset and size in bytes; `array`: it fills the end, `size` is that of one element. */
export interface FieldLayout {
  readonly offset: number;
  readonly size: number;
  readonly kind: 'unsigned' | 'signed' | 'array';
}

/** A structure: its size in bytes without the array at its end, and its fields in the order of the header. */
export interface StructLayout {
  readonly size: number;
  readonly fields: Readonly<Record<string, FieldLayout>>;
}

/** Structures by name. */
export type StructTable = Readonly<Record<string, StructLayout>>;
