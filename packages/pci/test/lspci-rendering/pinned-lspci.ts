import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** The pinned lspci (tools/lspci), or why it cannot be had. */
export type PinnedLspci = { readonly path: string } | { readonly absent: string };

/** Longest that the first use, which downloads and builds, may take. */
const PROVIDE_MS = 300_000;

/** Asks tools/lspci; builds it on first use. */
export function pinnedLspci(): PinnedLspci {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'tools', 'lspci', 'provide.mjs')], {
    encoding: 'utf8',
    timeout: PROVIDE_MS,
  });
  if (status === 0) return { path: stdout.trim() };
  return { absent: stderr.trim() || `tools/lspci/provide.mjs did not end within ${PROVIDE_MS / 1000} s` };
}

/** What `lspci -n -vvv -F file` prints. */
export function runLspci(path: string, file: string): string {
  const { status, stdout, stderr } = spawnSync(path, ['-n', '-vvv', '-F', file], {
    encoding: 'latin1',
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`lspci failed on ${file}: ${stderr}`);
  return stdout;
}

/** The same for the text of a dump. */
export function runLspciOnText(path: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'lspci-comparison-'));
  try {
    const file = join(folder, 'dump.txt');
    writeFileSync(file, text);
    return runLspci(path, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
