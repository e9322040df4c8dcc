import {
  type Answer,
  type EngineEvent,
  type ErrorEvent,
  type OperationResult,
  type TraceEntry,
} from '@pci-recovery/core';
import { type Palette } from './palette.js';

/** How one platform's records read in a word or two. */
export type RecordText = (event: ErrorEvent) => string;

const NS_PER_MS = 1e6;

/** The kernel's names of callbacks. */
const KERNEL_NAME: Readonly<Record<string, string>> = {
  errorDetected: 'error_detected',
  mmioEnabled: 'mmio_enabled',
  slotReset: 'slot_reset',
  resetPrepare: 'reset_prepare',
  resetDone: 'reset_done',
  resume: 'resume',
};

const answerText = (answer: Answer): string => {
  switch (answer.gave) {
    case 'vote':
      return answer.vote;
    case 'told':
      return 'told';
    case 'nothing':
      return `not called (${answer.why.replaceAll('_', ' ')})`;
    case 'fault':
      return `FAILED (${answer.why})`;
  }
};

const resultText = (result: OperationResult): string => {
  if (result.ok) return typeof result.value === 'string' ? result.value : 'done';
  return `${result.why.toUpperCase()}${result.detail ? `: ${result.detail}` : ''}`;
};

/** Turns what an engine reports into a readable timeline, line by line. Times count from the first line. */
export class Timeline {
  readonly #text: RecordText;
  readonly #paint: Palette;
  #start: number | undefined;

  constructor(text: RecordText, paint: Palette) {
    this.#text = text;
    this.#paint = paint;
  }

  /** The lines for one event; often none. */
  lines(event: EngineEvent): string[] {
    switch (event.type) {
      case 'received':
        return [this.#line(event.event.monotonic, this.#paint('yellow', 'error'), this.#text(event.event))];
      case 'recorded':
      case 'ignored':
        return [this.#line(event.event.monotonic, event.type, event.why)];
      case 'arrived':
        return [
          this.#line(
            event.event.monotonic,
            'arrival',
            `error ${event.event.sequence} meets recovery ${event.recovery}: ${event.arrival}`,
          ),
        ];
      case 'overflowed':
        return [this.#line(event.event.monotonic, this.#paint('red', 'overflow'), `lane ${event.lane}`)];
      case 'trouble':
        return [`${' '.repeat(12)}${this.#paint('red', 'trouble')} in ${event.where}: ${String(event.error)}`];
      case 'trace':
        return this.#trace(event.entry);
      default:
        return [];
    }
  }

  #trace(entry: TraceEntry): string[] {
    const line = (label: string, text: string): string[] => [this.#line(entry.time, label, text)];
    switch (entry.what) {
      case 'answer':
        return line(
          this.#paint('cyan', KERNEL_NAME[entry.callback] ?? entry.callback),
          `${entry.answer.bdf}  ${answerText(entry.answer)}`,
        );
      case 'operate':
        return entry.operation.nature === 'change' ? line(entry.operation.name, this.#paint('dim', '…')) : [];
      case 'operated':
        return line(entry.operation.name, this.#paint(entry.result.ok ? 'dim' : 'red', resultText(entry.result)));
      case 'late_answer':
        return line('late answer', `${entry.device.bdf} ${entry.callback}: too late, not counted`);
      case 'stopped':
        return line(this.#paint('red', 'stopped'), entry.reason);
      case 'end':
        return line(this.#paint(entry.result === 'recovered' ? 'green' : 'red', entry.result), entry.why);
      case 'begin':
        return entry.verdict === 'give_up' ? line(this.#paint('red', 'given up'), entry.why) : [];
      case 'call':
      case 'arrival':
        return [];
    }
  }

  #line(time: number, label: string, text: string): string {
    this.#start ??= time;
    const ms = ((time - this.#start) / NS_PER_MS).toFixed(3).padStart(12);
    // Escape sequences take no room on the screen.
    const width = label.replaceAll(/\u001b\[[0-9;]*m/g, '').length;
    return `${ms} ms  ${label}${' '.repeat(Math.max(1, 20 - width))}${text}`;
  }
}
