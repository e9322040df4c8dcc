// Runs other programs, and says plainly what is missing.
import { execFileSync } from 'node:child_process';

/** Standard output of a program. Throws with its last words when it fails, and with `hint` when it is not there. */
export function output(program, args, { hint = `install ${program}`, ...options } = {}) {
  try {
    return execFileSync(program, args, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...options,
    });
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`${program} is not there: ${hint}.`, { cause: error });
    const said = String(error.stderr ?? '')
      .trim()
      .split('\n')
      .slice(-3)
      .join('\n');
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} … failed: ${said || error.message}`, { cause: error });
  }
}
