// `node tools/lspci/provide.mjs` prints the path of the pinned lspci, building it first when it is not there.
// Where it cannot be had: a message on stderr, and status 1.
import { CannotProvide } from './cannot-provide.mjs';
import { providePinnedLspci } from './build.mjs';
import { VERSION } from './pinned.mjs';

try {
  console.log(providePinnedLspci());
} catch (error) {
  if (!(error instanceof CannotProvide) && error?.code === undefined) throw error;
  console.error(`lspci ${VERSION} cannot be had: ${error.message}`);
  process.exitCode = 1;
}
