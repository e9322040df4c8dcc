/** What was thrown, as words. Never throws itself, whatever was thrown. */
export function describeError(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'something that cannot be described';
  }
}
