/** The pinned lspci cannot be had here; the message says in one sentence why, and what would help. */
export class CannotProvide extends Error {
  name = 'CannotProvide';
}
