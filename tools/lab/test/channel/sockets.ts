import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Listener } from '../../src/channel/listener.js';

/** Both ends of a connection as the lab has them: ours, and that of the program which connects. */
export async function connection(): Promise<{ ours: Socket; theirs: Socket; end: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'lab-sockets-'));
  const path = join(folder, 'socket');
  using listener = await Listener.at(path);
  const theirs = createConnection(path);
  const [ours] = await Promise.all([listener.accept(new AbortController().signal), once(theirs, 'connect')]);
  const end = (): void => {
    ours.destroy();
    theirs.destroy();
    rmSync(folder, { recursive: true });
  };
  return { ours, theirs, end };
}
