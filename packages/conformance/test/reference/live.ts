import { type RecoveryPlatform } from '@pci-recovery/core';
import { type LiveSubject } from '../../src/index.js';
import { type ReferenceBus } from './bus.js';

/** The reference machine as a live one. Its drivers restore what a reset took, and clear the status that outlasts one. */
export const liveReference = (
  bus: ReferenceBus,
  inject: (incident: string, at: string) => void,
  begin: () => RecoveryPlatform,
): LiveSubject => ({
  inject,
  settled: () => undefined,
  look: (at) => ({ counted: { ...bus.named(at).counted }, marked: bus.named(at).status.size > 0 }),
  setUp(at) {
    const slot = bus.named(at);
    slot.ready = !slot.stopped;
    slot.status.delete('fatal');
  },
  request: (at) => bus.named(at).ready && !bus.named(at).stopped,
  descriptors: () => bus.descriptors,
  restart: begin,
  unplug: (at) => void (bus.named(at).present = false),
  orphan: () => undefined,
});
