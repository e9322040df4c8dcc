// Runs the README's example against the built packages, as a user would.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const { outputText } = ts.transpileModule(readFileSync('src/ten-lines.ts', 'utf8'), {
  compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
});
// Inside this folder, so that the packages resolve.
const folder = mkdtempSync(join(process.cwd(), '.ten-lines-'));
try {
  const file = join(folder, 'ten-lines.mjs');
  writeFileSync(file, outputText);
  await import(pathToFileURL(file).href);
} finally {
  rmSync(folder, { recursive: true });
}
