import { type RawFd } from './syscalls.js';

/** A descriptor that somebody owns. */
export interface OpenDescriptor {
  readonly fd: RawFd;
  /** What it is, in words. */
  readonly what: string;
}

/** Descriptors that are owned now. Holds no owner, so that a lost one can be collected and noticed. */
const open = new Set<OpenDescriptor>();

const lost = new FinalizationRegistry<OpenDescriptor>((entry) => {
  if (!open.has(entry)) return;
  process.emitWarning(
    `Descriptor ${entry.fd} (${entry.what}) was lost without being closed: call close() on its owner.`,
    {
      type: 'PciRecoveryWarning',
      code: 'PCI_RECOVERY_LOST_DESCRIPTOR',
    },
  );
});

/**
 * Notes that `owner` owns a descriptor. When it is garbage while it still does, the process is warned
 * (`PCI_RECOVERY_LOST_DESCRIPTOR`); the descriptor stays open, as somebody may still be borrowing it.
 * @returns to be called when it owns it no more
 */
export function registerOpen(owner: object, entry: OpenDescriptor): () => void {
  open.add(entry);
  lost.register(owner, entry, entry);
  return () => {
    open.delete(entry);
    lost.unregister(entry);
  };
}

/** All descriptors that are owned by an {@link OwnedFd} now: empty, when everything was closed or released. */
export function openDescriptors(): readonly OpenDescriptor[] {
  return [...open];
}
