// A callback throws and nobody catches it.
import { watched } from './addon.mjs';

watched(() => {
  throw new Error('nobody catches this');
}, 1);
