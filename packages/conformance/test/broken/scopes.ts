import { refOf } from '@pci-recovery/core';
import { brokenPlatform, type Broken } from './broken.js';

/** Platforms that are wrong about whom something concerns. */
export const BROKEN_SCOPES: readonly Broken[] = [
  brokenPlatform(
    'forgets the last function of a scope',
    (platform) => ({
      scopeOf(event) {
        const { members, ...scope } = platform.scopeOf(event);
        return { ...scope, members: members.length > 1 ? members.slice(0, -1) : members };
      },
    }),
    'contract.scope-is-the-laws',
  ),
  brokenPlatform(
    'takes the whole machine for one scope',
    (platform, bus) => ({
      scopeOf(event) {
        const scope = platform.scopeOf(event);
        const known = new Set(scope.members.map(({ bdf }) => bdf));
        const others = bus.slots.filter(({ bdf, is }) => is === 'endpoint' && !known.has(bdf));
        const strangers = others.map((slot) => ({
          ...refOf(slot),
          bridge: false,
          channel: 'normal' as const,
          driver: false,
          handles: new Set<never>(),
        }));
        return { ...scope, members: [...scope.members, ...strangers] };
      },
    }),
    'contract.scope-is-the-laws',
    'lifecycle.failure-stays-in-its-scope',
  ),
  brokenPlatform(
    'walks a scope in another order each time',
    (platform) => {
      let odd = false;
      return {
        scopeOf(event) {
          const scope = platform.scopeOf(event);
          odd = !odd;
          return odd ? { ...scope, members: scope.members.toReversed() } : scope;
        },
      };
    },
    'contract.scope-is-stable',
  ),
  brokenPlatform(
    'never notices that a function has left or was replaced',
    (platform, bus) => ({
      scopeOf(event) {
        const present = bus.slots.map((slot) => slot.present);
        bus.slots.forEach((slot) => (slot.present = true));
        const scope = platform.scopeOf(event);
        bus.slots.forEach((slot, index) => (slot.present = present[index]!));
        return { ...scope, members: scope.members.map((member) => ({ ...member, generation: 0 })) };
      },
    }),
    'decode.function-that-left',
    'contract.generation-after-replug',
    'lifecycle.unplugged-during-recovery',
  ),
  brokenPlatform(
    'has no drivers for its own ports',
    () => ({ handlersOf: () => undefined }),
    'votes.bridges-with-own-drivers',
  ),
  brokenPlatform(
    'never sets a channel back to normal',
    (platform) => ({
      beforeCallback: (device, callback, channel) =>
        channel === 'normal' ? undefined : platform.beforeCallback!(device, callback, channel),
    }),
    'failure.channels-afterwards',
  ),
  brokenPlatform(
    'tells user space nothing of failures',
    (platform) => ({
      afterCallback: (answer, callback, channel) =>
        channel === 'perm_failure' ? undefined : platform.afterCallback!(answer, callback, channel),
    }),
    'failure.uevents',
  ),
  brokenPlatform(
    'loses a function for good when its driver gives up once',
    (platform) => {
      const lost = new Set<string>();
      return {
        afterCallback(answer, callback, channel) {
          if (channel === 'perm_failure') lost.add(answer.bdf);
          platform.afterCallback!(answer, callback, channel);
        },
        procedure: {
          ...platform.procedure,
          begin: (input) =>
            platform.procedure.begin(lost.has(input.event.device.bdf) ? { ...input, verdict: 'give_up' } : input),
        },
      };
    },
    'lifecycle.after-a-failure',
  ),
];
