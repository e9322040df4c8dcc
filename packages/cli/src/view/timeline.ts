import {
  type Answer,
  type EngineEvent,
  type ErrorEvent,
  type OperationResult,
  type TraceEntry,
} from '@pci-recovery/core';
import { type Palette, type Style } from './palette.js';

/** How one platform's records read in a word or two. */
export type RecordText = (event: ErrorEvent) => string;

/** One thing that happened, ready to be shown. */
export interface TimelineEntry {
  /** Nanoseconds of the engine's clock; undefined: what happened outside its time. */
  readonly time: number | undefined;
  readonly label: string;
  readonly style?: Style;
  readonly text: string;
  readonly textStyle?: Style;
  /** An operation begins: its end has an entry of its own. */
  readonly begins?: true;
}

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

/** What an engine reports as entries of a timeline; often none. */
export function timelineEntries(event: EngineEvent, recordText: RecordText): TimelineEntry[] {
  switch (event.type) {
    case 'received':
      return [{ time: event.event.monotonic, label: 'error', style: 'yellow', text: recordText(event.event) }];
    case 'recorded':
    case 'ignored':
      return [{ time: event.event.monotonic, label: event.type, text: event.why }];
    case 'arrived': {
      const text = `error ${event.event.sequence} meets recovery ${event.recovery}: ${event.arrival}`;
      return [{ time: event.event.monotonic, label: 'arrival', text }];
    }
    case 'overflowed':
      return [{ time: event.event.monotonic, label: 'overflow', style: 'red', text: `lane ${event.lane}` }];
    case 'trouble':
      return [{ time: undefined, label: 'trouble', style: 'red', text: `in ${event.where}: ${String(event.error)}` }];
    case 'trace':
      return traceEntries(event.entry);
    default:
      return [];
  }
}

function traceEntries(entry: TraceEntry): TimelineEntry[] {
  const { time } = entry;
  switch (entry.what) {
    case 'answer': {
      const label = KERNEL_NAME[entry.callback] ?? entry.callback;
      return [{ time, label, style: 'cyan', text: `${entry.answer.bdf}  ${answerText(entry.answer)}` }];
    }
    case 'operate':
      if (entry.operation.nature !== 'change') return [];
      return [{ time, label: entry.operation.name, text: '…', textStyle: 'dim', begins: true }];
    case 'operated': {
      const textStyle = entry.result.ok ? 'dim' : 'red';
      return [{ time, label: entry.operation.name, text: resultText(entry.result), textStyle }];
    }
    case 'late_answer':
      return [{ time, label: 'late answer', text: `${entry.device.bdf} ${entry.callback}: too late, not counted` }];
    case 'stopped':
      return [{ time, label: 'stopped', style: 'red', text: entry.reason }];
    case 'end':
      return [{ time, label: entry.result, style: entry.result === 'recovered' ? 'green' : 'red', text: entry.why }];
    case 'begin':
      return entry.verdict === 'give_up' ? [{ time, label: 'given up', style: 'red', text: entry.why }] : [];
    case 'call':
    case 'arrival':
      return [];
  }
}

/** Milliseconds from `start` to `time`, as all timelines show them. */
export const sinceStart = (time: number, start: number): string => ((time - start) / NS_PER_MS).toFixed(3);

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
    return timelineEntries(event, this.#text).map((entry) => this.#line(entry));
  }

  #line({ time, label, style, text, textStyle }: TimelineEntry): string {
    const head = style ? this.#paint(style, label) : label;
    const tail = textStyle ? this.#paint(textStyle, text) : text;
    if (time === undefined) return `${' '.repeat(12)}${head} ${tail}`;
    this.#start ??= time;
    const ms = sinceStart(time, this.#start).padStart(12);
    return `${ms} ms  ${head}${' '.repeat(Math.max(1, 20 - label.length))}${tail}`;
  }
}
