import { type NotifyStep, type OperateStep, type Step } from '../contract/step.js';
import { explore, type Alphabet, type Input } from './explore.js';

/** Says in a word or two why a way was taken. */
export type EdgeLabel = (from: NotifyStep | OperateStep, input: Input, to: Step) => string;

const shape = (step: Step): string => {
  const id = idOf(step);
  if (step.do === 'end') return `  ${id}(["${step.result}"])`;
  if (step.do === 'notify') return `  ${id}[/"${step.callback}(${step.channel})"/]`;
  return `  ${id}["${step.operation.name}"]`;
};

const idOf = (step: Step): string =>
  step.do === 'end' ? `end_${step.result}` : step.at.replaceAll(/[^a-zA-Z0-9_]/g, '_');

/**
 * Draws a procedure as a Mermaid flow chart, from the pure function itself: it cannot drift. Parallelograms are
 * callbacks, boxes are operations.
 * @param firsts the first steps of the procedure, one per way of beginning that shall be shown.
 */
export function drawProcedure(firsts: readonly Step[], alphabet: Alphabet, label: EdgeLabel): string {
  const nodes = new Map<string, string>();
  const edges = new Map<string, Set<string>>();
  const add = (step: Step): void => void nodes.set(idOf(step), shape(step));
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
    return `  ${from} -- "${[...labels].sort().join('<br/>')}" --> ${to}`;
  });
  return ['flowchart TD', ...starts, ...[...nodes.values()].sort(), ...ways.sort(), ''].join('\n');
}
