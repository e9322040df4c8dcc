/** Virtio over PCI (OASIS Virtio 1.3 §4.1.4): offsets in bytes, little-endian. */
export const COMMON = {
  DEVICE_FEATURE_SELECT: 0x00,
  DEVICE_FEATURE: 0x04,
  DRIVER_FEATURE_SELECT: 0x08,
  DRIVER_FEATURE: 0x0c,
  DEVICE_STATUS: 0x14,
  QUEUE_SELECT: 0x16,
  QUEUE_SIZE: 0x18,
  QUEUE_MSIX_VECTOR: 0x1a,
  QUEUE_ENABLE: 0x1c,
  QUEUE_NOTIFY_OFFSET: 0x1e,
  QUEUE_DESCRIPTORS: 0x20,
  QUEUE_DRIVER: 0x28,
  QUEUE_DEVICE: 0x30,
} as const;

/** Bits of the device status (§2.1). */
export const STATUS = { ACKNOWLEDGE: 1, DRIVER: 2, DRIVER_OK: 4, FEATURES_OK: 8 } as const;

/** Feature bits by number (§6). */
export const FEATURE = { VERSION_1: 32, ACCESS_PLATFORM: 33 } as const;

/** No vector of MSI-X. */
export const NO_VECTOR = 0xffff;

/** Kinds of virtio's vendor capabilities (§4.1.4). */
const CONFIG_TYPE = { COMMON: 1, NOTIFY: 2 } as const;
const VENDOR_CAPABILITY = 0x09;

/** Where a part of the device's registers is. */
export interface Place {
  readonly bar: number;
  readonly offset: number;
}

/** Where a virtio function has its registers. */
export interface VirtioPlaces {
  readonly common: Place;
  readonly notify: Place;
  /** Bytes between the notification registers of two queues. */
  readonly notifyMultiplier: number;
}

/**
 * Reads virtio's capabilities from 256 bytes of configuration space.
 * @throws Error when it is no modern virtio function
 */
export function virtioPlaces(space: Uint8Array): VirtioPlaces {
  const view = new DataView(space.buffer, space.byteOffset, space.byteLength);
  const found = new Map<number, Place>();
  let notifyMultiplier = 0;
  let hops = 0;
  for (let at = space[0x34]! & 0xfc; at !== 0 && hops < 48; at = space[at + 1]! & 0xfc, hops++) {
    if (space[at] !== VENDOR_CAPABILITY) continue;
    const type = space[at + 3]!;
    if (!found.has(type)) found.set(type, { bar: space[at + 4]!, offset: view.getUint32(at + 8, true) });
    if (type === CONFIG_TYPE.NOTIFY) notifyMultiplier = view.getUint32(at + 16, true);
  }
  const common = found.get(CONFIG_TYPE.COMMON);
  const notify = found.get(CONFIG_TYPE.NOTIFY);
  if (!common || !notify) throw new Error('It is no modern virtio function: it has no common or notify registers.');
  return { common, notify, notifyMultiplier };
}
