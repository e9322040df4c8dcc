import { parseArgs } from 'node:util';
import { labError } from './failure.js';

/** What the command was asked. */
export interface LabRequest {
  readonly machine: string;
  /** Empty: all of the machine's. */
  readonly scenarios: readonly string[];
  readonly list: boolean;
  readonly refresh: boolean;
  /** Series of the kernel. */
  readonly kernel: string;
  /** Folder for what scenarios leave; default: `.cache/lab/<machine>` of the workspace. */
  readonly artefacts?: string;
  /** Seconds that one scenario may take after its boot. */
  readonly timeout: number;
}

export const USAGE = `usage: lab <machine> [scenario …]
  --list             the scenarios of the machine
  --kernel <series>  default 7.3
  --artefacts <dir>  where each scenario leaves its evidence
  --timeout <s>      for one scenario, after its boot; default 120
  --refresh          look for newer packages in the archive
The cache is $PCI_RECOVERY_LAB_CACHE, or pci-recovery-lab in $XDG_CACHE_HOME or ~/.cache.`;

const OPTIONS = {
  list: { type: 'boolean', default: false },
  refresh: { type: 'boolean', default: false },
  kernel: { type: 'string', default: '7.3' },
  artefacts: { type: 'string' },
  timeout: { type: 'string', default: '120' },
} as const;

/** @throws PciRecoveryError `ERR_PCI_LAB_USAGE` with what is wrong. */
export function parseCommandLine(args: readonly string[]): LabRequest {
  const { values, positionals } = readArguments(args);
  const [machine, ...scenarios] = positionals;
  if (machine === undefined) throw labError('USAGE', 'Which machine? For example: lab x86 boot.');
  const timeout = Number(values.timeout);
  if (!(timeout > 0)) throw labError('USAGE', `--timeout ${values.timeout} is not a number of seconds.`);
  if (!/^\d+\.\d+$/.test(values.kernel)) {
    throw labError('USAGE', `--kernel ${values.kernel} is not a series of kernels: write 7.3.`);
  }
  const { list, refresh, kernel, artefacts } = values;
  return { machine, scenarios, list, refresh, kernel, timeout, ...(artefacts !== undefined && { artefacts }) };
}

function readArguments(args: readonly string[]): ReturnType<typeof parse> {
  try {
    return parse(args);
  } catch (error) {
    throw labError('USAGE', (error as Error).message, { cause: error });
  }
}

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });

/** The folder that parts are kept in, outside of the workspace. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return env['PCI_RECOVERY_LAB_CACHE'] || `${env['XDG_CACHE_HOME'] || `${home}/.cache`}/pci-recovery-lab`;
}
