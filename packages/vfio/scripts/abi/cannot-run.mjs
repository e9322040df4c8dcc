/** Something that a check needs is not here; the message says what, and what would help. Never means that a check failed. */
export class CannotRun extends Error {
  name = 'CannotRun';
}
