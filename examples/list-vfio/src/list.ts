import { isPciRecoveryError } from '@pci-recovery/core';
import { diagnoseVfio, readHostFacts, type HostFacts } from '@pci-recovery/vfio';
import { parseArgs } from 'node:util';
import { describeFunction, describeMachine } from './view.js';

const USAGE = 'usage: list-vfio [--all] [--json] [--root DIRECTORY]  (its sys, dev and proc; default /)';

/** Takes a line of output. */
export type Print = (line: string) => void;

function asText(facts: HostFacts, all: boolean, print: Print): void {
  const diagnoses = diagnoseVfio(facts);
  const shown = facts.functions.filter(({ bridge }) => all || !bridge);
  for (const fn of shown) {
    const diagnosis = diagnoses.find(({ bdf }) => bdf === fn.bdf)!;
    for (const line of describeFunction(fn, diagnosis)) print(line);
  }
  for (const line of describeMachine(diagnoses)) print(line);
  const openable = diagnoses.filter(({ group, cdev }) => group || cdev).length;
  const bridges = facts.functions.length - shown.length;
  const hidden = bridges > 0 ? `, ${bridges} bridges not shown (--all)` : '';
  print(`${facts.functions.length} PCI functions, ${openable} openable through VFIO${hidden}.`);
  for (const { bdf, attribute, message } of facts.findings) print(`! ${bdf ?? ''} ${attribute}: ${message}`);
}

/** Runs the command; its exit code: 0 done, 1 what is there cannot be read, 2 usage. */
export async function listVfio(args: readonly string[], print: Print, complain: Print): Promise<number> {
  const options = { all: { type: 'boolean' }, json: { type: 'boolean' }, root: { type: 'string' } } as const;
  let chosen: { all?: boolean; json?: boolean; root?: string };
  try {
    chosen = parseArgs({ args: [...args], options }).values;
  } catch {
    complain(USAGE);
    return 2;
  }
  const { all = false, json = false, root = '/' } = chosen;
  try {
    const facts = await readHostFacts({ root });
    if (json) for (const diagnosis of diagnoseVfio(facts)) print(JSON.stringify(diagnosis));
    else asText(facts, all, print);
    return 0;
  } catch (error) {
    if (!isPciRecoveryError(error)) throw error;
    complain(error.message);
    return 1;
  }
}
