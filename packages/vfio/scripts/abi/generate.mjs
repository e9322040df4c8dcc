// `node scripts/abi/generate.mjs` writes the tables anew from the newest kernel headers. Needs all four compilers.
import { ARCHITECTURES } from './architectures.mjs';
import { newestHeaders, sourceOf } from './headers.mjs';
import { measure } from './measure.mjs';
import { writeTables } from './tables.mjs';

const { root, version } = newestHeaders();
const names = Object.keys(ARCHITECTURES);
await writeTables(Object.fromEntries(names.map((name) => [name, measure(name, { headers: root })])), sourceOf(version));
console.log(`Wrote the tables for ${names.join(', ')} from ${sourceOf(version)}.`);
