// Writes the fixtures anew from what the lab left: node trim-evidence.mjs <folder with a folder for each scenario>
// [names; all when there are none].
// Kept is what a replay needs, one thing on each line, named by the part of the evidence that it is from.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STEPS = {
  nonfatal: 'kernel-nonfatal/ep_single-comp_time',
  fatal: 'kernel-fatal/ep_single-malf_tlp',
  'second-function': 'kernel-two-functions/ep_pair1-comp_time',
  'two-functions': 'kernel-two-functions/ep_pair0-malf_tlp',
  'no-callback': 'kernel-no-callback/ep_single-comp_time',
  'driverless-sibling': 'kernel-driverless-sibling/ep_pair0-malf_tlp',
  'reset-fails': 'kernel-reset-fails/ep_single-malf_tlp',
  port: 'kernel-port/rp1-malf_tlp',
  'empty-port': 'kernel-empty-port/rp3-malf_tlp',
  'behind-switch': 'kernel-switch/ep_behind-malf_tlp',
  'upstream-nonfatal': 'kernel-switch/up1-comp_time',
  'upstream-fatal': 'kernel-switch/up1-malf_tlp',
  'undriven-port': 'kernel-switch-undriven/up1-comp_time',
  'undriven-endpoint': 'kernel-switch-undriven/up1-malf_tlp',
  'both-functions': 'kernel-back-to-back/both-functions',
  'two-ports': 'kernel-back-to-back/two-ports',
  'fatal-and-nonfatal': 'kernel-back-to-back/fatal-and-nonfatal',
  injector: 'kernel-aer-inject/fatal-1',
  'wants-reset': 'kernel-driver/rp5-comp_time',
  'wants-reset-fatal': 'kernel-driver/rp5-malf_tlp',
  'fails-again': 'kernel-no-callback/fails-again',
};

const [folder, ...wanted] = process.argv.slice(2);
for (const [name, step] of Object.entries(STEPS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const [scenario, evidence] = step.split('/');
  const seen = JSON.parse(readFileSync(join(folder, scenario, `evidence-${evidence}.json`), 'utf8'));
  const moments = [...seen.calls, ...seen.returns].sort((a, b) => a.order - b.order);
  const ending = ({ kind }) => kind === 'recovery_succeeded' || kind === 'recovery_failed';
  const rows = [
    ...seen.functions.filter(({ portType }) => portType !== undefined).map((one) => ({ functions: one })),
    ...seen.aerEvents.map((one) => ({ aerEvents: one })),
    ...moments.map((one) => ('result' in one ? { returns: one } : { calls: one })),
    ...seen.uevents.map((one) => ({ uevents: one })),
    ...seen.log.filter(ending).map(({ kind, platform, line, bdf }) => ({ log: { kind, platform, line, bdf } })),
  ];
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  writeFileSync(join(import.meta.dirname, 'fixtures', `${name}.jsonl`), text);
}
