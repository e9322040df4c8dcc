import { type RecoveryPlatform } from '@pci-recovery/core';
import { type Harness, type LiveSubject } from '../../src/index.js';
import { type ReferenceBus } from '../reference/bus.js';
import { referenceHarness, type Tampering } from '../reference/harness.js';
import { type Broken } from './broken.js';

const live = (tampering: Tampering = {}): Harness => referenceHarness(tampering, { live: true });

/** The reference backend on a machine that is live. */
export const liveHarness = live();

const brokenLive = (does: string, tampering: Tampering, ...caughtBy: string[]): Broken => ({
  does: `live: ${does}`,
  harness: live(tampering),
  caughtBy,
});

type Change = (platform: RecoveryPlatform, bus: ReferenceBus) => Partial<RecoveryPlatform>;

const platform = (change: Change): Tampering => ({
  platform: (honest, bus) => ({ ...honest, ...change(honest, bus) }),
});

const machine = (change: (honest: LiveSubject, bus: ReferenceBus) => Partial<LiveSubject>): Tampering => ({
  live: (honest, bus) => ({ ...honest, ...change(honest, bus) }),
});

/** Operations of the platform, done otherwise. */
const performing = (name: string, otherwise: (honest: () => Promise<{ ok: true }>, bus: ReferenceBus) => unknown) =>
  platform((honest, bus) => ({
    perform: (operation, context) => {
      const done = async () => (await honest.perform(operation, context)) as { ok: true };
      return (operation.name === name ? otherwise(done, bus) : done()) as Promise<{ ok: true }>;
    },
  }));

/** Backends and machines that go wrong where only a real machine shows it. */
export const BROKEN_LIVE: readonly Broken[] = [
  brokenLive(
    'forwards corrected errors',
    platform((honest) => ({
      async *events(options) {
        for await (const event of honest.events(options))
          yield event.severity === 'correctable' ? { ...event, severity: 'nonfatal' } : event;
      },
    })),
    'live.corrected-is-counted-only',
  ),
  brokenLive(
    'does not count corrected errors',
    machine((_, bus) => ({
      look: (at) => ({ counted: { ...bus.named(at).counted, correctable: 0 }, marked: false }),
    })),
    'live.corrected-is-counted-only',
  ),
  brokenLive(
    'loses what was set up where nothing was reset',
    machine((honest, bus) => ({
      inject(incident, at) {
        bus.named(at).ready = false;
        return honest.inject(incident, at);
      },
    })),
    'live.goes-on-without-reset',
  ),
  brokenLive(
    'resets where nobody asked for it',
    platform((honest, bus) => ({
      beforeCallback(device, callback, channel) {
        if (callback === 'mmioEnabled') void bus.reset([device.bdf]);
        honest.beforeCallback!(device, callback, channel);
      },
    })),
    'live.goes-on-without-reset',
  ),
  brokenLive(
    'only claims to reset',
    performing('reset', () => ({ ok: true })),
    'live.works-after-a-reset',
  ),
  brokenLive(
    'says that its reset has ended before it has',
    performing('reset', (honest) => (void honest(), { ok: true })),
    'live.works-after-a-reset',
  ),
  brokenLive(
    'leaves the status set',
    performing('clear_status', () => ({ ok: true })),
    'live.works-after-a-reset',
  ),
  brokenLive(
    'leaves functions silent',
    machine((honest, bus) => ({ request: (at) => honest.request(at) && bus.named(at).counted['fatal'] === undefined })),
    'live.works-after-a-reset',
    'live.siblings-are-all-told',
    'live.many-leave-nothing-open',
  ),
  brokenLive(
    'leaves functions mute: their next error is not reported',
    machine((honest, bus) => ({
      inject(incident, at) {
        if (bus.facts.some(({ kind }) => kind === 'reset_end')) return;
        return honest.inject(incident, at);
      },
    })),
    'live.works-after-a-reset',
    'live.many-leave-nothing-open',
  ),
  brokenLive(
    'forgets siblings',
    platform((honest) => ({
      scopeOf(event) {
        const scope = honest.scopeOf(event);
        return { ...scope, members: scope.members.filter(({ bdf }) => bdf === event.device.bdf) };
      },
    })),
    'live.siblings-are-all-told',
    'live.orphan-sinks-the-others',
  ),
  brokenLive(
    'takes the failure for a new error',
    platform((honest, bus) => {
      let told = false;
      return {
        afterCallback(answer, callback, channel) {
          if (channel === 'perm_failure' && !told) bus.strike('nonfatal', 'a');
          told ||= channel === 'perm_failure';
          honest.afterCallback!(answer, callback, channel);
        },
      };
    }),
    'live.failure-is-no-new-error',
  ),
  brokenLive(
    'hands back what is gone',
    performing('reset', async (honest) => (await honest(), { ok: true })),
    'live.gone-during-recovery',
  ),
  brokenLive(
    'leaks a descriptor with every reset',
    performing('reset', (honest, bus) => (bus.descriptors++, honest())),
    'live.many-leave-nothing-open',
  ),
  brokenLive(
    'finds what is over',
    machine((honest) => ({
      async restart() {
        const platform = await honest.restart();
        const old = { platform: platform.name, record: 'old' } as never;
        return { ...platform, survey: () => Promise.resolve([old]) };
      },
    })),
    'live.restart-finds-nothing',
  ),
];
