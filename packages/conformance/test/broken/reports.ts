import { refOf, type ErrorEvent, type RecoveryPlatform } from '@pci-recovery/core';
import { type ReferenceBus } from '../reference/bus.js';
import { referenceHarness } from '../reference/harness.js';
import { brokenPlatform, type Broken } from './broken.js';

/** Changes every event on its way. */
const altered =
  (alter: (event: ErrorEvent, bus: ReferenceBus) => ErrorEvent | undefined) =>
  (platform: RecoveryPlatform, bus: ReferenceBus): Partial<RecoveryPlatform> => ({
    async *events(options) {
      for await (const event of platform.events(options)) {
        const other = alter(event, bus);
        if (other) yield other;
      }
    },
  });

/** Whether a recovery is under way, as a platform could know. */
function recoveringFlag(platform: RecoveryPlatform): [() => boolean, Partial<RecoveryPlatform>] {
  let running = 0;
  const beforeCallback: RecoveryPlatform['beforeCallback'] = (device, callback, channel) => {
    if (callback === 'errorDetected') running = 1;
    platform.beforeCallback!(device, callback, channel);
  };
  const afterCallback: RecoveryPlatform['afterCallback'] = (answer, callback, channel) => {
    if (callback === 'resume') running = 0;
    platform.afterCallback!(answer, callback, channel);
  };
  return [() => running > 0, { beforeCallback, afterCallback }];
}

/** Platforms that report wrongly. */
export const BROKEN_REPORTS: readonly Broken[] = [
  brokenPlatform(
    'signs its events with another name',
    altered((event) => ({ ...event, platform: 'somebody' })),
    'contract.name-on-events',
  ),
  brokenPlatform(
    'takes fatal errors lightly',
    altered((event) => (event.severity === 'fatal' ? { ...event, severity: 'nonfatal' } : event)),
    'decode.severity-and-device',
  ),
  brokenPlatform(
    'blames another function',
    altered((event, bus) => ({ ...event, device: refOf(bus.slots.at(-1)!) })),
    'decode.severity-and-device',
  ),
  brokenPlatform(
    'invents generations',
    altered((event) => ({ ...event, device: { ...event.device, generation: 7 } })),
    'decode.generation',
  ),
  brokenPlatform(
    'does not count its events',
    altered((event) => ({ ...event, sequence: 0 })),
    'decode.sequence-and-times',
  ),
  brokenPlatform(
    'does not date its events',
    altered((event) => ({ ...event, monotonic: 0 })),
    'decode.sequence-and-times',
  ),
  brokenPlatform(
    'throws its raw bytes away',
    altered(({ raw: _, ...event }) => event),
    'decode.raw-bytes',
  ),
  brokenPlatform(
    'has records that cannot be written down',
    altered((event) => ({ ...event, record: undefined })),
    'decode.record-survives-json',
  ),
  brokenPlatform(
    'dies of garbage',
    altered((event) => {
      if ((event.record as { understood: boolean }).understood) return event;
      throw new Error('This makes no sense.');
    }),
    'decode.garbage',
  ),
  brokenPlatform(
    'sees errors that are none',
    (platform, bus) => ({
      async *events(options) {
        const report = new TextEncoder().encode(JSON.stringify({ incident: 'nonfatal', bdf: bus.named('a').bdf }));
        using _timer = bus.clock.after(1_800_000, () => bus.report(report));
        yield* platform.events(options);
      },
    }),
    'decode.no-event-without-error',
  ),
  brokenPlatform(
    'does not report while it recovers',
    (platform, bus) => {
      const [recovering, around] = recoveringFlag(platform);
      return { ...altered((event) => (recovering() ? undefined : event))(platform, bus), ...around };
    },
    'storm.during-recoveries',
  ),
  {
    does: 'drops reports under load',
    harness: referenceHarness({
      bus(bus) {
        const report = bus.report.bind(bus);
        bus.report = (bytes) => (bus.reports.length < 32 ? report(bytes) : undefined);
      },
    }),
    caughtBy: ['storm.burst'],
  },
];
