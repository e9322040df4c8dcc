import {
  parseBdf,
  type Bdf,
  type Capability,
  type ChannelState,
  type ErrorEvent,
  type PciErrorHandlers,
  type RecoveryPlatform,
  type RecoveryScope,
  type Severity,
} from '@pci-recovery/core';
import { type ReferenceBus, type Slot } from './bus.js';
import { referenceProcedure } from './procedure.js';

/** A port's driver restores configuration after a reset, which clears its status too. */
const portDriver = (bus: ReferenceBus, native: Capability): PciErrorHandlers => ({
  errorDetected: (_, channel) => (channel === 'frozen' ? 'need_reset' : 'can_recover'),
  mmioEnabled: () => 'recovered',
  slotReset({ device }) {
    if (native === true) bus.clearStatus(device.bdf, 'device', 'nonfatal', 'fatal');
    return 'recovered';
  },
});

const UEVENTS: Readonly<Record<string, string>> = {
  disconnect: 'FAILED_RECOVERY',
  recovered: 'SUCCESSFUL_RECOVERY',
  none: 'BEGIN_RECOVERY',
  can_recover: 'BEGIN_RECOVERY',
  need_reset: 'BEGIN_RECOVERY',
};

const SEVERITIES: ReadonlySet<unknown> = new Set(['nonfatal', 'fatal', 'correctable']);

interface Report {
  readonly incident: Severity;
  readonly bdf: string;
}

/** What a report says; undefined: it makes no sense. */
function decode(bytes: Uint8Array): { incident: Severity; bdf: Bdf } | undefined {
  try {
    const { incident, bdf } = JSON.parse(new TextDecoder().decode(bytes)) as Report;
    return SEVERITIES.has(incident) ? { incident, bdf: parseBdf(bdf) } : undefined;
  } catch {
    return undefined;
  }
}

/** A correct platform on the reference machine: an object of plain functions, so that broken ones can replace some. */
export function referencePlatform(bus: ReferenceBus, native: Capability): RecoveryPlatform {
  const channels = new Map<Bdf, ChannelState>();
  const capabilities = { native_aer: native, reset: true as const };
  const ports = portDriver(bus, native);
  let sequence = 0;

  const eventOf = (bytes: Uint8Array): ErrorEvent => {
    const known = decode(bytes);
    const slot = known && bus.slot(known.bdf);
    const device = slot ?? bus.slots[0]!;
    return {
      platform: 'reference',
      sequence: sequence++,
      monotonic: bus.clock.monotonic(),
      wall: bus.clock.wall(),
      severity: known && slot?.present ? known.incident : 'informative',
      device: { bdf: device.bdf, generation: device.generation },
      record: { understood: known !== undefined },
      raw: bytes,
    };
  };
  const below = (name: string): Slot[] =>
    bus.slots.filter((slot) => slot.below === name).flatMap((slot) => [slot, ...below(slot.name)]);
  const bridgeOf = (slot: Slot): Slot => (slot.is === 'root' || slot.is === 'down' ? slot : bus.named(slot.below!));
  const rootOf = (slot: Slot): string => (slot.below === undefined ? slot.name : rootOf(bus.named(slot.below)));
  const driven = (bdf: Bdf): boolean => bus.slot(bdf)?.driven ?? false;

  const scopeOf = ({ device }: Pick<ErrorEvent, 'device'>): RecoveryScope => {
    const bridge = bridgeOf(bus.slot(device.bdf)!);
    const members = below(bridge.name)
      .filter(({ present }) => present)
      .map(({ bdf, generation, is }) => ({
        bdf,
        generation,
        bridge: is !== 'endpoint',
        channel: channels.get(bdf) ?? ('normal' as const),
        driver: driven(bdf),
        handles: new Set<never>(),
      }));
    return { id: `${rootOf(bridge)}/${bridge.name}`, members, capabilities };
  };

  return {
    name: 'reference',
    procedure: referenceProcedure,
    capabilities,
    async *events({ signal }) {
      while (!signal.aborted) {
        await bus.heard(signal);
        for (let bytes = bus.reports.shift(); bytes && !signal.aborted; bytes = bus.reports.shift())
          yield eventOf(bytes);
      }
    },
    survey: async () => bus.reports.splice(0).map(eventOf),
    scopeOf,
    async perform(operation, { scope }) {
      if (operation.name === 'clear_status') {
        bus.clearStatus(operation['bdf'] as Bdf, 'device', 'nonfatal');
        return { ok: true };
      }
      if (operation.name !== 'reset') return { ok: false, why: 'unsupported' };
      const ok = await bus.reset(scope.members.map(({ bdf }) => bdf));
      return ok ? { ok: true } : { ok: false, why: 'failed' };
    },
    handlersOf: ({ bdf }) => (driven(bdf) ? ports : undefined),
    beforeCallback({ bdf }, callback, channel) {
      if (callback !== 'mmioEnabled' && channel !== 'perm_failure') channels.set(bdf, channel);
    },
    afterCallback(answer, callback, channel) {
      const tell = (event: string | undefined): void =>
        event === undefined ? undefined : bus.note({ kind: 'uevent', event }, answer.bdf);
      if (callback === 'resume') return tell('SUCCESSFUL_RECOVERY');
      if (callback !== 'errorDetected') return;
      if (channel === 'perm_failure' || answer.gave === 'fault') return tell('FAILED_RECOVERY');
      if (answer.gave === 'vote') return tell(UEVENTS[answer.vote]);
      if (bus.slot(answer.bdf)?.is !== 'endpoint') tell('BEGIN_RECOVERY');
    },
    async acknowledge({ device }, tell) {
      bus.clearStatus(device.bdf, 'device');
      await tell();
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
