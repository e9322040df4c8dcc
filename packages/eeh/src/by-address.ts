/** So many are looked through; more are looked up, or walks over a whole host bridge would take as long as their square. */
const FEW = 8;

/** Finds things by the address that each has alone. Made for many questions. */
export function byAddress<T extends { readonly bdf: string }>(these: readonly T[]): (bdf: string) => T | undefined {
  if (these.length <= FEW) return (bdf) => these.find((one) => one.bdf === bdf);
  const all = new Map(these.map((one): [string, T] => [one.bdf, one]));
  return (bdf) => all.get(bdf);
}
