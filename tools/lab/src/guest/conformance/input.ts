/** What the conformance program in the guest is started with. */
export interface ConformanceInput {
  /** Layout of the suite → function's name → QEMU's name and the address in the guest. */
  readonly layouts: Readonly<Record<string, Readonly<Record<string, { readonly id: string; readonly bdf: string }>>>>;
  /** Incident of the law → the error that the driver of the lab injects. */
  readonly errors: Readonly<Record<string, string>>;
  /** Milliseconds that one case may take. */
  readonly caseLimitMs: number;
  /** Ids of cases, or beginnings of ids that end in `*`. Default: all of level 4. */
  readonly only?: readonly string[];
}
