import { labError } from '../failure.js';
import { reasonText } from '../host/limit.js';
import { type StreamName } from '../channel/protocol.js';

/** How far each stream had come. */
export type StreamPosition = Readonly<Record<StreamName, number>>;

/** Whatever the guest printed line by line, since it booted. */
export class Streams {
  readonly #lines: Record<StreamName, string[]> = { log: [], trace: [], uevent: [] };
  readonly #watchers = new Set<() => void>();

  /** A line has come. */
  add(stream: StreamName, line: string): void {
    this.#lines[stream].push(line);
    for (const watcher of [...this.#watchers]) watcher();
  }

  get position(): StreamPosition {
    return { log: this.#lines.log.length, trace: this.#lines.trace.length, uevent: this.#lines.uevent.length };
  }

  /** The lines of a stream from a position on. */
  since(stream: StreamName, from = 0, to?: number): readonly string[] {
    return this.#lines[stream].slice(from, to);
  }

  /**
   * The first line from `from` on that matches, as soon as there is one.
   * @throws PciRecoveryError `ERR_PCI_LAB_TIMEOUT` when `signal` aborts before.
   */
  until(stream: StreamName, pattern: RegExp, from: number, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      let next = from;
      const end = (): void => {
        this.#watchers.delete(look);
        signal.removeEventListener('abort', aborted);
      };
      const aborted = (): void => {
        end();
        reject(
          labError('TIMEOUT', `The ${stream} of the guest never said ${pattern}: ${reasonText(signal)}.`, {
            cause: signal.reason,
          }),
        );
      };
      const look = (): void => {
        for (const lines = this.#lines[stream]; next < lines.length; next++) {
          if (!pattern.test(lines[next]!)) continue;
          end();
          return resolve(lines[next]!);
        }
      };
      if (signal.aborted) return aborted();
      this.#watchers.add(look);
      signal.addEventListener('abort', aborted, { once: true });
      look();
    });
  }
}
