// Runs in the guest: holds the AER backend against level 4 of the conformance suite, on the kernel and the devices that are there.
import { runConformance, toJsonLines, toText } from '@pci-recovery/conformance';
import { guestMachine } from './guest-machine.js';
import { aerLiveHarness } from './harness.js';
import { HostChannel } from './host-channel.js';
import { type ConformanceInput } from './input.js';

const input = JSON.parse(process.argv[2]!) as ConformanceInput;
const channel = new HostChannel(process.stdin, process.stdout);
const report = await runConformance(aerLiveHarness(guestMachine(input, channel)), {
  levels: [4],
  caseLimitMs: input.caseLimitMs,
  ...(input.only && { only: input.only }),
  onResult: ({ id, status, durationMs }) => channel.say({ event: 'case', id, status, durationMs }),
});
channel.say({ event: 'report', report, text: toText(report), lines: toJsonLines(report) });
process.exit(0);
