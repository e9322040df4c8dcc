import { type Bdf, type Operation, type OperationResult, type RecoveryInput } from '@pci-recovery/core';
import { CC, HOST_OPERATIONS, type ZpciHostPort, type ZpciPlatform, type ZpciRecord } from '@pci-recovery/zpci';
import { zpciHarnessWith } from '../../src/harnesses/zpci.js';
import { Breaking, doesFirst, endsOf, misread, overlay, takenFor, walks, type Broken } from './broken.js';

const zpci = new Breaking<ZpciHostPort, ZpciPlatform>(zpciHarnessWith);

/** An operation on the function whose error it is. */
const on =
  (operation: Operation) =>
  ({ event }: RecoveryInput): Operation => ({
    ...operation,
    device: event.device.bdf,
    generation: event.device.generation,
  });

/** Events of which records are taken for others. */
const reclassed = (from: ZpciRecord['class']) => (platform: ZpciPlatform) => ({
  async *events(options: Parameters<ZpciPlatform['events']>[0]) {
    for await (const event of platform.events(options)) {
      const { record } = event;
      yield record.class === from
        ? { ...event, severity: 'fatal' as const, record: { ...record, class: 'recoverable' as const } }
        : event;
    }
  },
});

/** Everything that is kept for the holder of a function, taken out. */
function emptied(platform: ZpciPlatform, device: Bdf): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let one = platform.nextPending(device); one; one = platform.nextPending(device)) records.push(one);
  return records;
}

/** A queue of four that makes room for a fifth record. */
const makingRoom = (does: string, room: (records: readonly Uint8Array[]) => readonly Uint8Array[]): Broken =>
  zpci.platform(
    does,
    (platform) => ({
      perform(operation) {
        const result = platform.perform(operation) as OperationResult;
        if (operation.name !== 'store_record' || !result.ok || result.value !== 'full') return result;
        for (const kept of room(emptied(platform, operation['device'] as Bdf)))
          void platform.perform({ ...operation, record: Buffer.from(kept).toString('hex') });
        return platform.perform(operation);
      },
    }),
    'held.records',
  );

/** Laws that zPCI does not have, or not so. */
const LAWS: readonly Broken[] = [
  zpci.steps(
    'zPCI: takes an abort for need_reset',
    misread('errorDetected', takenFor(['disconnect', 'no_aer_driver'], 'need_reset')),
    'sequence.every-first-vote',
  ),
  zpci.steps(
    'zPCI: resets a function whose driver gives it up before it fails',
    doesFirst('errorDetected', on(HOST_OPERATIONS.hotReset)),
    'sequence.every-first-vote',
  ),
  zpci.steps(
    'zPCI: tells user space of an abort after looking',
    doesFirst('mmioEnabled', on(HOST_OPERATIONS.reportFailed)),
    'failure.uevents',
  ),
  zpci.steps(
    'zPCI: takes silence after the reset for a failure',
    misread('slotReset', takenFor(['none'], 'can_recover')),
    'sequence.every-vote-after-reset',
  ),
  zpci.steps(
    'zPCI: takes a wish to look again for success',
    misread('mmioEnabled', takenFor(['can_recover'], 'recovered')),
    'sequence.every-vote-after-looking',
  ),
  zpci.steps(
    'zPCI: fails where unblocking does, and tries no reset',
    (step) =>
      step.do === 'operate' && step.operation.name === 'unblock_load_store'
        ? { ...step, then: (result: OperationResult) => (result.ok ? step.then(result) : step.stopped!()) }
        : step,
    'failure.every-act',
    'failure.tries-of-an-act',
  ),
  zpci.steps(
    'zPCI: resets a function that is held when its owner is to do so',
    (step, input) =>
      step.do === 'end' && step.result === 'handed_over'
        ? { do: 'operate', at: 'reset', state: null, operation: on(HOST_OPERATIONS.hotReset)(input), then: () => step }
        : step,
    'held.own-error',
  ),
  zpci.law(
    'zPCI: has one lane for all functions',
    () => ({ lane: () => 'machine' }),
    'contract.lanes-and-order',
    'concurrency.disjoint-scopes',
  ),
  zpci.law(
    'zPCI: serves the last error first',
    () => ({ order: 'lifo' }),
    'arrivals.order',
    'contract.lanes-and-order',
  ),
  zpci.law('zPCI: counts errors with the running recovery', () => ({ arrival: () => 'fold' }), 'arrivals.law'),
];

/** What is done wrongly to functions. */
const OPERATIONS: readonly Broken[] = [
  zpci.platform(
    'zPCI: clears the error state before it unblocks load and store',
    (platform) => ({
      perform(operation) {
        const swapped = { unblock_load_store: 'clear_error_state', clear_error_state: 'unblock_load_store' };
        const name = Object.hasOwn(swapped, operation.name)
          ? swapped[operation.name as keyof typeof swapped]
          : operation.name;
        return platform.perform({ ...operation, name });
      },
    }),
    'sequence.look-and-go-on',
  ),
  zpci.operation(
    'zPCI: recovers from errors whose handle is stale',
    'refresh_handle',
    () => () => ({ ok: true, value: 'current' }),
    'arrivals.overtaken-by-a-reset',
  ),
  zpci.operation(
    'zPCI: recovers a function by itself that is held',
    'store_record',
    () => () => ({ ok: true, value: 'not_mediated' }),
    'held.own-error',
  ),
  zpci.operation(
    'zPCI: stops mediating while the queue is full',
    'store_record',
    () => (honest) => {
      const result = honest() as OperationResult;
      return result.ok && result.value === 'full' ? { ok: true, value: 'not_mediated' } : result;
    },
    'held.records',
  ),
  zpci.operation(
    'zPCI: keeps every record twice',
    'store_record',
    () => (honest) => (void honest(), honest()),
    'held.records',
  ),
  makingRoom('zPCI: keeps the newest record instead of an older one', (records) => records.slice(0, -1)),
  makingRoom('zPCI: drops the oldest record when there are too many', (records) => records.slice(1)),
  zpci.operation(
    'zPCI: tries a reset twice',
    'hot_reset',
    () => async (honest) => {
      const result = await honest();
      return result.ok ? result : honest();
    },
    'failure.tries-of-an-act',
  ),
  zpci.operation(
    'zPCI: only claims to reset',
    'hot_reset',
    () => () => ({ ok: true }),
    'sequence.reset-between-detection-and-slot-reset',
    'sequence.works-again',
  ),
  zpci.platform(
    'zPCI: resets the siblings on the bus too',
    (platform) => ({
      async perform(operation) {
        if (operation.name !== 'hot_reset') return platform.perform(operation);
        const bus = (operation['device'] as Bdf).slice(0, 7);
        for (const { bdf: device, generation } of platform.functions())
          if (device !== operation['device'] && device.startsWith(bus))
            await platform.perform({ ...operation, device, generation });
        return platform.perform(operation);
      },
    }),
    'sequence.reset-touches-whom-the-law-says',
  ),
  zpci.wired(
    'zPCI: leaves DMA translation unregistered after a reset',
    {
      port: (port) =>
        overlay(port, {
          modify: (fh, control) =>
            control === 'register_translation' ? { cc: CC.OK, status: 0 } : port.modify(fh, control),
        }),
    },
    'sequence.works-again',
  ),
];

/** What is reported, and remembered, wrongly. */
const STATES: readonly Broken[] = [
  zpci.platform(
    'zPCI: forgets that a function is lost',
    (platform) => ({
      beforeCallback: (device, callback, channel) =>
        channel === 'perm_failure' ? undefined : platform.beforeCallback(device, callback, channel),
    }),
    'failure.channels-afterwards',
    'lifecycle.after-a-failure',
  ),
  zpci.platform(
    'zPCI: tries to recover what the platform gives up for good',
    reclassed('permanent'),
    'sequence.look-and-go-on',
  ),
  zpci.platform(
    'zPCI: recovers from events of the measurement block',
    reclassed('measurement'),
    'decode.severity-and-device',
    'recorded.never-forwarded',
  ),
  zpci.steps(
    'zPCI: tells drivers of a channel that is normal',
    (step) => (walks(step, 'errorDetected') ? { ...step, channel: 'normal' } : step),
    'sequence.look-and-go-on',
    'held.own-error',
  ),
];

/** zPCI backends with one thing wrong. */
export const BROKEN_ZPCI: readonly Broken[] = [
  ...LAWS,
  ...OPERATIONS,
  ...STATES,
  ...endsOf('zPCI', zpci, 'failure.usable-is-fail-closed'),
];
