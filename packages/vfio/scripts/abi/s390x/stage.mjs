// Puts the codecs and their tests, as plain JavaScript, into a folder where any node can run them: no jest, no TypeScript.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const WORKSPACE = fileURLToPath(new URL('../../../../../', import.meta.url));
const typescript = createRequire(import.meta.url)('typescript');

const { compilerOptions } = typescript.readConfigFile(
  join(WORKSPACE, 'tsconfig.base.json'),
  typescript.sys.readFile,
).config;
const esModules = { module: 'es2022', moduleResolution: 'bundler', sourceMap: false };
const OPTIONS = typescript.convertCompilerOptionsFromJson({ ...compilerOptions, ...esModules }, WORKSPACE).options;

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

/** Translates every TypeScript file of `from` into `to`. */
function translate(from, to) {
  for (const file of files(from)) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
    const { outputText } = typescript.transpileModule(readFileSync(file, 'utf8'), {
      compilerOptions: OPTIONS,
      fileName: file,
    });
    const target = join(to, relative(from, file)).replace(/\.ts$/, '.js');
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
}

/** Packages of others are taken from the workspace; core is staged. */
function provideModules(folder) {
  const modules = join(folder, 'node_modules');
  const core = join(modules, '@pci-recovery', 'core');
  translate(join(WORKSPACE, 'packages', 'core', 'src'), core);
  writeFileSync(join(core, 'package.json'), JSON.stringify({ type: 'module', exports: { '.': './index.js' } }));
  for (const name of readdirSync(join(WORKSPACE, 'node_modules'))) {
    if (name !== '@pci-recovery' && !name.startsWith('.')) {
      symlinkSync(join(WORKSPACE, 'node_modules', name), join(modules, name));
    }
  }
}

/**
 * Stages into an empty folder.
 * @returns the program to run, and the tests to give to it
 */
export function stage(folder) {
  const source = join(WORKSPACE, 'packages', 'vfio');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  provideModules(folder);
  translate(join(source, 'src', 'uapi'), join(folder, 'src', 'uapi'));
  translate(join(source, 'test', 'uapi'), join(folder, 'test', 'uapi'));
  cpSync(join(source, 'test', 'uapi', 'golden'), join(folder, 'test', 'uapi', 'golden'), { recursive: true });
  mkdirSync(join(folder, 'scripts'));
  cpSync(join(source, 'scripts', 'abi'), join(folder, 'scripts', 'abi'), { recursive: true });
  const program = join(folder, 'run-tests.mjs');
  copyFileSync(fileURLToPath(new URL('./run-tests.mjs', import.meta.url)), program);
  const tests = [...files(join(folder, 'test', 'uapi'))].filter((file) => file.endsWith('.test.js'));
  return { program, tests };
}
