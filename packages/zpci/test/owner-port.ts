import { type ZpciOwnerPort } from '../src/index.js';

/** A held function as its owner sees it, with some of its calls replaced. */
export const replaced = (device: ZpciOwnerPort, calls: Partial<ZpciOwnerPort>): ZpciOwnerPort => ({
  bdf: device.bdf,
  fid: device.fid,
  canHotReset: device.canHotReset,
  handle: () => device.handle(),
  onError: (listener) => device.onError(listener),
  nextError: () => device.nextError(),
  reset: () => device.reset(),
  hotReset: () => device.hotReset(),
  readConfig: (offset, width) => device.readConfig(offset, width),
  writeConfig: (offset, width, value) => device.writeConfig(offset, width, value),
  ...calls,
});
