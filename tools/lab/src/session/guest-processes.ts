import { labError } from '../failure.js';
import { reasonText } from '../host/limit.js';
import { type ProcessMessage } from '../channel/protocol.js';

/** How a program ended. */
export interface ProcessEnd {
  readonly status: number | null;
  readonly signal: string | null;
}

/** What a program that runs in the guest has printed so far. */
interface Printed {
  readonly stdout: string[];
  readonly stderr: string[];
  end: ProcessEnd | undefined;
  readonly watchers: Set<() => void>;
}

/** Programs that run on in the guest, by number: what they print, and their ends. */
export class GuestProcesses {
  readonly #printed = new Map<number, Printed>();

  take(message: ProcessMessage): void {
    const printed = this.of(message.process);
    if (message.event === 'exited') printed.end = { status: message.status, signal: message.signal };
    else printed[message.to].push(message.line);
    for (const watcher of [...printed.watchers]) watcher();
  }

  /** A program may print before its number is known. */
  of(process: number): Printed {
    let printed = this.#printed.get(process);
    if (!printed) {
      printed = { stdout: [], stderr: [], end: undefined, watchers: new Set() };
      this.#printed.set(process, printed);
    }
    return printed;
  }

  /**
   * What `look` finds, as soon as it finds something.
   * @throws PciRecoveryError `ERR_PCI_LAB_TIMEOUT` when `signal` aborts before, `ERR_PCI_LAB_GUEST` when the program has ended
   * and there is nothing to find.
   */
  until<T>(process: number, what: string, look: (printed: Printed) => T | undefined, signal: AbortSignal): Promise<T> {
    const printed = this.of(process);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        printed.watchers.delete(watcher);
        signal.removeEventListener('abort', aborted);
      };
      const fail = (code: 'TIMEOUT' | 'GUEST', why: string): void => {
        end();
        const said = printed.stderr.slice(-5).join(' ');
        reject(labError(code, `${what} did not come: ${why}.${said && ` It said: ${said}`}`, { cause: signal.reason }));
      };
      const aborted = (): void => fail('TIMEOUT', reasonText(signal));
      const watcher = (): void => {
        const found = look(printed);
        if (found !== undefined) return (end(), resolve(found));
        if (printed.end) fail('GUEST', `the program ended with ${printed.end.signal ?? printed.end.status}`);
      };
      printed.watchers.add(watcher);
      signal.addEventListener('abort', aborted, { once: true });
      if (signal.aborted) aborted();
      else watcher();
    });
  }
}
