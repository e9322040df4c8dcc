import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { orphans } from '../../workspace/prune.mjs';
import { manifestOf, npm, pack, packageFolders } from '../packed.mjs';

const folders = packageFolders();
const names = folders.map((folder) => basename(folder));
const attw = join(
  dirname(createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')),
  'dist',
  'index.js',
);

let place;
let tarballs;

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'packed-'));
  tarballs = new Map(folders.map((folder) => [basename(folder), pack(folder, place)]));
}, 120_000);

afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Runs node in the empty project; standard output. */
const node = (...args) =>
  execFileSync(process.execPath, args, {
    cwd: join(place, 'empty'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

describe.each(names)('the package %s as it is published', (name) => {
  const folder = folders[names.indexOf(name)];

  it('passes publint', async () => {
    const { messages } = await publint({ pkgDir: folder, strict: true });
    expect(messages.map((message) => formatMessage(message, manifestOf(folder)))).toEqual([]);
  });

  it('has types that resolve (attw, esm-only)', () => {
    execFileSync(process.execPath, [attw, tarballs.get(name), '--profile', 'esm-only'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }, 120_000);

  it('holds nothing that was made of sources that are gone', () => {
    expect(orphans(folder)).toEqual([]);
  });

  it('holds no tests and a licence', () => {
    const [{ files }] = JSON.parse(npm(['pack', '--json', '--dry-run'], folder));
    const paths = files.map((file) => file.path);
    expect(paths).toContain('LICENSE');
    expect(paths.filter((path) => /(^|\/)test\//.test(path))).toEqual([]);
  });
});

describe('in an empty project', () => {
  beforeAll(() => {
    execFileSync('mkdir', [join(place, 'empty')]);
    writeFileSync(join(place, 'empty', 'package.json'), '{ "name": "empty", "private": true, "type": "module" }');
    npm(['install', '--prefer-offline', ...tarballs.values()], join(place, 'empty'));
  }, 300_000);

  const entries = folders.flatMap((folder) => {
    const manifest = manifestOf(folder);
    return Object.keys(manifest.exports).map((subpath) => manifest.name + subpath.slice(1));
  });

  it.each(entries)('%s can be imported', (entry) => {
    const count = node(
      '--input-type=module',
      '-e',
      `import * as all from '${entry}'; process.stdout.write(String(Object.keys(all).length));`,
    );
    expect(Number(count)).toBeGreaterThanOrEqual(0);
  });

  it('the installed command recovers a device', () => {
    const lines = node('node_modules/@pci-recovery/cli/bin/pci-recovery.js', 'simulate', '--platform', 'aer', '--json')
      .trim()
      .split('\n');
    const last = JSON.parse(lines.at(-1));
    expect([last.event, last.properties.result]).toEqual(['outcome', 'recovered']);
  });

  it('a reader that has seen enough ends the command in peace', () => {
    const pipe = 'node node_modules/@pci-recovery/cli/bin/pci-recovery.js conformance --platform aer | head -n 1';
    const shell = ['-o', 'pipefail', '-c', pipe];
    const output = execFileSync('bash', shell, {
      cwd: join(place, 'empty'),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(output).toBe('aer against the law "aer"\n');
  });
});
