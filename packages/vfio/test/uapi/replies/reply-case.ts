import { type ByteOrder, encodeStruct, sizeOf, type StructName, type StructValues } from '../../../src/uapi/index.js';
import { fromHex, MACHINES } from '../golden.js';

/** A value, and `struct.field` that is named where a rule about two fields blames the other one. */
export type BadValue = number | bigint | { readonly value: number | bigint; readonly named: string };

/** One structure within a reply of the kernel, and what may and may not stand in each of its fields. */
export interface ReplyCase {
  readonly struct: StructName;
  /** What is special about this reply. */
  readonly what?: string;
  /** A reply that is right. */
  readonly reply: (order: ByteOrder) => Uint8Array;
  /** Offset of the structure in the reply. */
  readonly at?: number;
  readonly read: (buffer: Uint8Array, order: ByteOrder) => unknown;
  /** Values that the kernel cannot mean, by field. */
  readonly bad: Readonly<Record<string, readonly BadValue[]>>;
  /** Fields that may hold anything: reserved ones are ignored, others have no rule. */
  readonly any: readonly string[];
  /** Fields that tests of the chain go through: see capability-chain.test.ts. */
  readonly chain?: readonly string[];
}

/** A message that a C program made. */
export const golden =
  (name: string) =>
  (order: ByteOrder): Uint8Array =>
    fromHex(MACHINES.find((machine) => machine.order === order)!.golden.messages[name]!);

/** A reply of one structure. */
export const one =
  <S extends StructName>(struct: S, values: Partial<StructValues<S>>) =>
  (order: ByteOrder): Uint8Array => {
    const length = struct.startsWith('iommu_') ? { size: sizeOf(struct) } : { argsz: sizeOf(struct) };
    return encodeStruct<StructName>(struct, { ...length, ...values }, { order });
  };

/** Fields of a capability's header. */
export const CHAIN = ['header.id', 'header.version', 'header.next'] as const;
/** All bits set. */
export const U32 = 0xffff_ffff;
export const U64 = (1n << 64n) - 1n;

/** Values that break a rule about two fields, which blames `named`. */
export const blaming = (named: string, ...values: readonly (number | bigint)[]): readonly BadValue[] =>
  values.map((value) => ({ value, named }));
