import { type NotifyStep, type OperateStep, type Step } from '../contract/step.js';
import { explore, type Alphabet, type Input } from './explore.js';

/** Says in a word or two why a way was taken. */
export type EdgeLabel = (from: NotifyStep | OperateStep, input: Input, to: Step) => string;

/** Text between quotation marks. */
const quoted = (text: string): string => `"${text.replaceAll('"', '#quot;')}"`;

const shape = (id: string, step: Step): string => {
  if (step.do === 'end') return `  ${id}([${quoted(step.result)}])`;
  if (step.do === 'notify') return `  ${id}[/${quoted(`${step.callback}(${step.channel})`)}/]`;
  return `  ${id}[${quoted(step.operation.name)}]`;
};

/** Names of places that Mermaid can write, each its own; `start` is the way in, and `end` a word of Mermaid's. */
class Names {
  readonly #taken = new Set(['start', 'end']);
  readonly #names = new Map<string, string>();

  of(step: Step): string {
    const place = step.do === 'end' ? `end ${step.result}` : `at ${step.at}`;
    const known = this.#names.get(place);
    if (known !== undefined) return known;
    let name = step.do === 'end' ? `end_${step.result}` : step.at.replaceAll(/[^a-zA-Z0-9_]/g, '_');
    while (this.#taken.has(name)) name += '_';
    this.#taken.add(name);
    this.#names.set(place, name);
    return name;
  }
}

/**
 * Draws a procedure as a Mermaid flow chart, from the pure function itself: it cannot drift. Parallelograms are
 * callbacks, boxes are operations.
 * @param firsts the first steps of the procedure, one per way of beginning that shall be shown.
 */
export function drawProcedure(firsts: readonly Step[], alphabet: Alphabet, label: EdgeLabel): string {
  const names = new Names();
  const idOf = (step: Step): string => names.of(step);
  const nodes = new Map<string, string>();
  const edges = new Map<string, Set<string>>();
  const add = (step: Step): void => void nodes.set(idOf(step), shape(idOf(step), step));
  for (const first of firsts) {
    add(first);
    explore(first, {
      alphabet,
      monitor: { initial: null, after: () => null, end: () => undefined },
      edge: (from, input, to) => {
        add(from);
        add(to);
        const way = `${idOf(from)} ${idOf(to)}`;
        edges.set(way, (edges.get(way) ?? new Set()).add(label(from, input, to)));
      },
    });
  }
  const starts = [...new Set(firsts.map(idOf))].map((id) => `  start((" ")) --> ${id}`);
  const ways = [...edges].map(([way, labels]) => {
    const [from, to] = way.split(' ');
    return `  ${from} -- ${quoted([...labels].sort().join('<br/>'))} --> ${to}`;
  });
  return ['flowchart TD', ...starts, ...[...nodes.values()].sort(), ...ways.sort(), ''].join('\n');
}
