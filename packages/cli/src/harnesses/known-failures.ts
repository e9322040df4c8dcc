/** What is known to fail, by harness and case, and why. It is run all the same, and must be taken off here when it passes. */
export const KNOWN_FAILURES: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
