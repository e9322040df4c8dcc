/** One form of message: a row of a table. */
export interface Row<Kind extends string, Fields extends object> {
  readonly kind: Kind;
  /** Matches the whole message, in time linear in its length. */
  readonly pattern: RegExp;
  /** What the message says. */
  readonly read: (found: RegExpExecArray) => Fields;
}

/** What a row, or any row of a union, makes of its message. */
export type RowRecord<R> = R extends Row<infer Kind, infer Fields> ? { readonly kind: Kind } & Readonly<Fields> : never;

/** A message without anything to read from it. */
export function row<Kind extends string>(kind: Kind, pattern: RegExp): Row<Kind, {}>;
/** A message, and what is read from it. */
export function row<Kind extends string, Fields extends object>(
  kind: Kind,
  pattern: RegExp,
  read: (found: RegExpExecArray) => Fields,
): Row<Kind, Fields>;
export function row<Kind extends string>(
  kind: Kind,
  pattern: RegExp,
  read: (found: RegExpExecArray) => object = () => ({}),
): Row<Kind, object> {
  return { kind, pattern, read };
}

/** What the first row that fits makes of `message`; undefined when none fits. */
export function matchRow<R extends Row<string, object>>(rows: readonly R[], message: string): RowRecord<R> | undefined {
  for (const { kind, pattern, read } of rows) {
    const found = pattern.exec(message);
    if (found) return { kind, ...read(found) } as RowRecord<R>;
  }
  return undefined;
}

/** The number that hexadecimal digits make, at most 13 of them. */
export const hexNumber = (digits: string | undefined): number => parseInt(digits!, 16);

/** `{ [name]: value }`, or nothing when there is no value. */
export const maybe = <Name extends string, T>(name: Name, value: T | undefined): { [N in Name]?: T } =>
  (value === undefined ? {} : { [name]: value }) as { [N in Name]?: T };
