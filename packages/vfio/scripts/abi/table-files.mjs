// Reads the tables back from the files that `generate.mjs` wrote, without a compiler: they are object literals.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { GOLDEN, TABLES } from './tables.mjs';

const typescript = createRequire(import.meta.url)('typescript');

async function exported(file, name) {
  const { outputText } = typescript.transpileModule(readFileSync(join(TABLES, file), 'utf8'), {
    compilerOptions: { target: 'es2022', module: 'esnext' },
  });
  return (await import(`data:text/javascript,${encodeURIComponent(outputText)}`))[name];
}

/** What the tables say about one architecture, in the shape of a measurement. */
export async function tablesOf(architecture) {
  const requests = await exported('requests.ts', 'REQUESTS');
  const { structs: golden, messages } = JSON.parse(readFileSync(join(GOLDEN, `${architecture}.json`), 'utf8'));
  return {
    requests: requests[architecture],
    constants: await exported('constants.ts', 'UAPI'),
    structs: await exported('structs.ts', 'STRUCTS'),
    golden,
    messages,
  };
}

/** The headers that the tables were made from. */
export const tableSource = () => exported('source.ts', 'ABI_SOURCE');
