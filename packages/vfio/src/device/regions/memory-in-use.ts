import { type Meanings } from '../../seam/refused-call.js';

/** What munmap says of memory that a call in a thread uses. */
export const MEMORY_IN_USE: Meanings = {
  EBUSY: { advice: 'a call in a thread uses the memory: dispose of it when the call is over.' },
};
