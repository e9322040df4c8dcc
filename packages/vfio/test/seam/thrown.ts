/** What a call throws; fails when it throws nothing. Errors of the addon are of another realm: no `instanceof`. */
export function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}
