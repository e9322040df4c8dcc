import { type Bdf } from '@pci-recovery/core';
import { type DeviceUevent, type ErrorUevent } from '@pci-recovery/core/linux';
import { isSysfsBdf } from '../sysfs/sysfs.js';

/** One uevent of the kernel, of whatever subsystem (lib/kobject_uevent.c:kobject_uevent_env). */
export interface Uevent {
  /** `add`, `remove`, `change`, `bind`, … */
  readonly action: string;
  /** Path of the device below `/sys`. */
  readonly devicePath: string;
  /** `KEY=VALUE`, the first of each key. */
  readonly variables: ReadonlyMap<string, string>;
}

/** Why a datagram is no uevent of the kernel. */
export type UeventRejection =
  /** It comes from udev: `libudev` stands in front. */
  | 'udev'
  /** It is not made as the kernel makes them. */
  | 'malformed';

/** The kernel has at most 64 variables of its own and of drivers (include/linux/kobject.h UEVENT_NUM_ENVP). */
const MOST_VARIABLES = 256;
const HEADER = /^([a-z]{1,32})@(\/[^\0]{0,4095})$/;

/** Takes a datagram apart: `action@path`, and `KEY=VALUE` strings, each ended by NUL. Never throws, whatever the bytes are. */
export function parseUevent(datagram: Uint8Array): Uevent | UeventRejection {
  const text = new TextDecoder('latin1').decode(datagram);
  if (text.startsWith('libudev\0')) return 'udev';
  if (!text.endsWith('\0')) return 'malformed';
  const [header, ...strings] = text.slice(0, -1).split('\0');
  const [, action, devicePath] = HEADER.exec(header!) ?? [];
  if (action === undefined || devicePath === undefined || strings.length > MOST_VARIABLES) return 'malformed';
  const variables = new Map<string, string>();
  for (const string of strings) {
    const at = string.indexOf('=');
    if (at < 1) return 'malformed';
    const key = string.slice(0, at);
    if (!variables.has(key)) variables.set(key, string.slice(at + 1));
  }
  const agrees = variables.get('ACTION') === action && variables.get('DEVPATH') === devicePath;
  return agrees ? { action, devicePath, variables } : 'malformed';
}

const ACTIONS: readonly string[] = ['add', 'remove', 'bind', 'unbind', 'change'] satisfies DeviceUevent['action'][];
const EVENTS: readonly string[] = [
  'BEGIN_RECOVERY',
  'SUCCESSFUL_RECOVERY',
  'FAILED_RECOVERY',
] satisfies ErrorUevent['event'][];

/** Which function it is about. Both places that name it must agree. */
function subjectOf({ devicePath, variables }: Uevent): Bdf | undefined {
  const last = devicePath.slice(devicePath.lastIndexOf('/') + 1);
  const name = variables.get('PCI_SLOT_NAME') ?? last;
  return name === last && isSysfsBdf(name) ? name : undefined;
}

/**
 * What a uevent says about a PCI function (drivers/pci/pci-driver.c:pci_uevent_ers); undefined when it is about
 * something else. An `ERROR_EVENT` that is not known is a `change`.
 */
export function pciUevent(uevent: Uevent): ErrorUevent | DeviceUevent | undefined {
  const { action, variables } = uevent;
  if (variables.get('SUBSYSTEM') !== 'pci' || !ACTIONS.includes(action)) return undefined;
  const bdf = subjectOf(uevent);
  if (bdf === undefined) return undefined;
  const event = variables.get('ERROR_EVENT');
  if (action === 'change' && event !== undefined && EVENTS.includes(event)) {
    const online = variables.get('DEVICE_ONLINE') === '1';
    return { kind: 'error_event', bdf, event: event as ErrorUevent['event'], online };
  }
  return { kind: 'device', bdf, action: action as DeviceUevent['action'] };
}
