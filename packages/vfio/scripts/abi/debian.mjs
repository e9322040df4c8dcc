// Packages of Debian, downloaded and unpacked, never installed. Everything goes through apt, so that the mirror, proxies and
// signatures are those of this machine; its own lists and state stay untouched.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CannotRun } from './cannot-run.mjs';

const MINUTES = 60_000;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The folder of this project in the user's cache. */
export const cacheFolder = (environment = process.env) =>
  join(environment.XDG_CACHE_HOME || join(environment.HOME || homedir(), '.cache'), 'pci-recovery');

function output(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 5 * MINUTES,
    ...options,
  });
  if (error?.code === 'ENOENT') throw new CannotRun(`${command} is not installed`);
  if (error) throw new CannotRun(`${command}: ${error.message}`);
  return { status, stdout, stderr };
}

/** The mirrors in what `apt-get indextargets` printed as `origin URI`: those of Debian, each once. */
export const mirrorsOf = (text) => [
  ...new Set(
    text
      .split('\n')
      .map((line) => /^Debian (\S+:\S+)$/.exec(line.trim())?.[1])
      .filter((uri) => uri !== undefined),
  ),
];

function mirrors() {
  const { stdout } = output('apt-get', ['indextargets', '--format', '$(ORIGIN) $(REPO_URI)']);
  const found = mirrorsOf(stdout);
  if (found.length === 0) throw new CannotRun('apt knows no mirror of Debian (run "apt-get update")');
  return found;
}

/** A view of Debian for one architecture and some suites, with lists of its own. */
export class Debian {
  #options;

  /**
   * @param folder where lists and packages are kept
   * @param architecture Debian's name of it
   */
  constructor(folder, architecture) {
    for (const each of ['lists/partial', 'archives/partial', 'etc']) mkdirSync(join(folder, each), { recursive: true });
    this.folder = folder;
    writeFileSync(join(folder, 'status'), '');
    const settings = {
      'APT::Architecture': architecture,
      'APT::Architectures': architecture,
      'Dir::State': folder,
      'Dir::State::lists': join(folder, 'lists'),
      'Dir::State::status': join(folder, 'status'),
      'Dir::Cache': folder,
      'Dir::Cache::archives': join(folder, 'archives'),
      'Dir::Etc::sourcelist': join(folder, 'etc', 'sources.list'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '0',
      'Acquire::http::Timeout': '20',
      'Acquire::https::Timeout': '20',
      'APT::Sandbox::User': 'root',
    };
    this.#options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  }

  /** Reads the lists of the suites that a mirror of this machine has; the others are no error. */
  update(suites) {
    const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
    const lines = mirrors().flatMap((uri) => suites.map((suite) => `deb ${signed}${uri} ${suite} main\n`));
    writeFileSync(join(this.folder, 'etc', 'sources.list'), lines.join(''));
    output('apt-get', [...this.#options, 'update', '-qq']);
  }

  /** The newest version of a package. */
  newest(name) {
    const { stdout } = output('apt-cache', [...this.#options, 'madison', name]);
    const version = stdout.split('\n')[0]?.split('|')[1]?.trim();
    if (!version) throw new CannotRun(`no mirror of this machine has ${name} (offline?)`);
    return version;
  }

  /** Unpacks packages, with all that they depend on when `closure` is set, into `root`, all or nothing. */
  unpack(names, root, { closure = false } = {}) {
    const archives = join(this.folder, 'archives');
    const args = closure
      ? ['install', '--download-only', '--no-install-recommends', '-y', '-qq', ...names]
      : ['download', '-qq', ...names];
    const { status, stderr } = output('apt-get', [...this.#options, ...args], { cwd: archives });
    if (status !== 0)
      throw new CannotRun(`apt-get could not get ${names.join(', ')}: ${stderr.trim().split('\n').at(-1)}`);
    const partial = `${root}.partial-${process.pid}`;
    mkdirSync(partial, { recursive: true });
    try {
      for (const file of readdirSync(archives).filter((each) => each.endsWith('.deb'))) {
        const unpacked = output('dpkg-deb', ['-x', join(archives, file), partial]);
        if (unpacked.status !== 0) throw new CannotRun(`dpkg-deb could not unpack ${file}: ${unpacked.stderr.trim()}`);
      }
      if (!existsSync(root)) renameSync(partial, root);
    } finally {
      rmSync(partial, { recursive: true, force: true });
      rmSync(archives, { recursive: true, force: true });
    }
  }
}
