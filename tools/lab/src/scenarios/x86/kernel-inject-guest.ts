// Runs in the guest: hands an error to the kernel's own injector.
import { closeSync, openSync, writeSync } from 'node:fs';
import { type GuestProgram } from '../../channel/protocol.js';

/** `bytes`: one error in base64. */
const inject: GuestProgram<{ readonly bytes: string }, null> = ({ bytes }) => {
  const fd = openSync('/dev/aer_inject', 'w');
  try {
    writeSync(fd, Buffer.from(bytes, 'base64'));
  } finally {
    closeSync(fd);
  }
  return null;
};
export default inject;
