import { type FirmwareCall, type HardwareFault, type SimulatedZpci } from '../src/sim/index.js';

const INSTRUCTIONS: ReadonlySet<string> = new Set([
  'register_interrupts',
  'register_translation',
  'reset_error',
  'reset_block',
  'controls',
]);

/** Every answer that is no success: condition codes of instructions, responses of commands; the last is busy, if any. */
function codesOf(call: FirmwareCall): readonly number[] {
  if (call === 'deconfigure') return [0];
  return INSTRUCTIONS.has(call) ? [1, 3, 2] : [0x101, 0x102, 0x104, 0x105, 0x106, 0x107, 0x20, 0x108];
}

/** A call that is made so often fails at each of these times, in each way, once and for ever. */
export const everyFailure = (call: FirmwareCall, count: number): HardwareFault[] =>
  Array.from({ length: count }, (_, skip) => skip).flatMap((skip) => [
    ...codesOf(call).flatMap((answer): HardwareFault[] => [
      { fault: 'call_fails', call, answer, skip, times: 1 },
      { fault: 'call_fails', call, answer, skip },
    ]),
    { fault: 'removed_at_call', call, fid: 1, skip },
  ]);

/** How often each call was made. */
export function callCounts({ log }: SimulatedZpci): ReadonlyMap<FirmwareCall, number> {
  const counts = new Map<FirmwareCall, number>();
  for (const fact of log) if (fact.kind === 'firmware_call') counts.set(fact.call, (counts.get(fact.call) ?? 0) + 1);
  return counts;
}
