import { type Bdf } from '../bdf.js';
import { type DeviceRef, type Member, type RecoveryScope } from '../contract/device.js';
import { CALLBACKS, type PciErrorHandlers, type Telling, type Voting } from '../contract/handlers.js';
import { type RecoveryPlatform } from '../contract/platform.js';
import { PciRecoveryError } from '../errors/pci-recovery-error.js';
import { isThenable } from './callback.js';
import { refusedAnyway, unawaited } from './floating.js';

/** One set of handlers, attached once. */
export interface Attachment {
  readonly handlers: PciErrorHandlers;
  readonly handles: ReadonlySet<Voting | Telling>;
}

/** Whether there is such a callback. One that cannot be read counts: it fails when it is called. */
export function hasCallback(handlers: PciErrorHandlers, callback: Voting | Telling): boolean {
  try {
    return typeof handlers[callback] === 'function';
  } catch {
    return true;
  }
}

const handlesOf = (handlers: PciErrorHandlers): ReadonlySet<Voting | Telling> =>
  new Set(CALLBACKS.filter((callback) => hasCallback(handlers, callback)));

/** Stands for handlers that a platform could not name: every call of them fails. */
export const UNCALLABLE = new Proxy<PciErrorHandlers>(
  {},
  {
    get() {
      throw new Error('The platform could not name its callbacks.');
    },
  },
);

/**
 * Handlers of the platform's own drivers.
 * @throws PciRecoveryError `ERR_PCI_BAD_HANDLERS` when they are promised; whatever the platform throws.
 */
function ownHandlers(platform: RecoveryPlatform, device: DeviceRef): PciErrorHandlers | undefined {
  const own = unawaited(platform.handlersOf?.(device), refusedAnyway);
  if (!isThenable(own)) return own;
  throw new PciRecoveryError(
    'ERR_PCI_BAD_HANDLERS',
    `Platform "${platform.name}" promises handlers: it is to have them.`,
  );
}

/** A member whose callbacks are known. */
const driven = ({ bdf, generation, bridge, channel }: Member, handles: Member['handles']): Member => ({
  bdf,
  generation,
  bridge,
  channel,
  driver: true,
  handles,
});

/** Who brought callbacks for which address. */
export class Attachments {
  readonly #attached = new Map<Bdf, Attachment>();

  add(bdf: Bdf, handlers: PciErrorHandlers): Attachment {
    if (this.#attached.has(bdf)) {
      throw new PciRecoveryError('ERR_PCI_ALREADY_ATTACHED', `${bdf} already has handlers: dispose of those first.`, {
        context: { bdf },
      });
    }
    const attachment = { handlers, handles: handlesOf(handlers) };
    this.#attached.set(bdf, attachment);
    return attachment;
  }

  /** Takes an attachment away, unless another one is in its place by now. */
  remove(bdf: Bdf, attachment: Attachment): boolean {
    return this.#attached.get(bdf) === attachment && this.#attached.delete(bdf);
  }

  /** The callbacks of a function: attached ones first, then those of the platform's own drivers. */
  of(device: DeviceRef, platform: RecoveryPlatform): PciErrorHandlers | undefined {
    return this.#attached.get(device.bdf)?.handlers ?? ownHandlers(platform, device);
  }

  /** `scope` with what is attached now written into its members. */
  overlay(scope: RecoveryScope, platform: RecoveryPlatform): RecoveryScope {
    const members = scope.members.map((member) => this.#overlayMember(member, platform));
    // A literal that begins with a spread would have a hidden class of its own each time; what a platform adds to its scopes stays.
    return Object.assign({ id: scope.id, members, capabilities: scope.capabilities }, scope, { members });
  }

  #overlayMember(member: Member, platform: RecoveryPlatform): Member {
    const attached = this.#attached.get(member.bdf);
    if (attached) return driven(member, attached.handles);
    try {
      const own = ownHandlers(platform, member);
      return own ? driven(member, handlesOf(own)) : member;
    } catch {
      // It is reported, and fails, when the function's turn comes.
      return driven(member, member.handles);
    }
  }
}
