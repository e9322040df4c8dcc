import { execFileSync } from 'node:child_process';

/** Node has no call of its own for it. */
export const mkfifoSync = (path: string): void => void execFileSync('mkfifo', [path]);
