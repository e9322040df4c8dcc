import { UAPI } from '../../uapi/abi/constants.js';
import { type Mappable } from '../kernel/open-file.js';
import { Blocked, errno, type Outcome } from '../kernel/outcome.js';
import { type Bar } from '../machine/bar.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';
import { regionIndex, withinRegion } from './region-offset.js';

const CONFIG = UAPI.VFIO_PCI_CONFIG_REGION_INDEX;
const MEMORY_DECODE = 0x2;
const IO_DECODE = 0x1;

/** Whether the function answers accesses to a BAR: all ones come back otherwise, and stores go nowhere. */
function answers({ subject }: VfioDevice, { space }: Bar): boolean {
  return subject.silence === undefined && (subject.command & (space === 'memory' ? MEMORY_DECODE : IO_DECODE)) !== 0;
}

interface Place {
  readonly bar: Bar;
  readonly at: number;
  readonly length: number;
}

/** vfio_pci_bar_rw: EINVAL behind the end and for BARs that are not there; EIO while memory decoding is off. */
function placeOf(device: VfioDevice, length: number, offset: bigint): Place | Outcome {
  const bar = device.subject.bars.find(({ index }) => index === regionIndex(offset));
  const at = withinRegion(offset);
  if (!bar || at >= bar.size) return errno('EINVAL');
  if (bar.space === 'memory') {
    if (device.memoryLock.closed) return new Blocked(device.memoryLock, 'the end of a reset');
    if (!device.config.memoryEnabled) return errno('EIO');
  }
  return { bar, at, length: Math.min(length, bar.size - at) };
}

/** Bytes of the MSI-X table, which VFIO shows as all ones and keeps from being written. */
function hidden({ subject }: VfioDevice, bar: Bar, at: number): boolean {
  const table = subject.msixTable;
  return table?.bar === bar.index && at >= table.offset && at < table.offset + table.bytes.byteLength;
}

export function readRegion(context: VfioContext, device: VfioDevice, buffer: Uint8Array, offset: bigint): Outcome {
  if (buffer.byteLength === 0) return 0;
  if (regionIndex(offset) === CONFIG) return device.config.read(buffer, withinRegion(offset));
  const place = placeOf(device, buffer.byteLength, offset);
  if (typeof place === 'number' || !('bar' in place)) return place;
  const { bar, at, length } = place;
  const there = answers(device, bar);
  for (let i = 0; i < length; i++) buffer[i] = there && !hidden(device, bar, at + i) ? bar.bytes[at + i]! : 0xff;
  return length;
}

export function writeRegion(context: VfioContext, device: VfioDevice, bytes: Uint8Array, offset: bigint): Outcome {
  if (bytes.byteLength === 0) return 0;
  if (regionIndex(offset) === CONFIG) return device.config.write(context.machine, bytes, withinRegion(offset));
  const place = placeOf(device, bytes.byteLength, offset);
  if (typeof place === 'number' || !('bar' in place)) return place;
  const { bar, at, length } = place;
  if (!answers(device, bar)) return length;
  for (let i = 0; i < length; i++) if (!hidden(device, bar, at + i)) bar.bytes[at + i] = bytes[i]!;
  return length;
}

/** vfio_pci_core_mmap: only memory BARs of whole pages. The MSI-X table is seen as it is (R5.4). */
export function mapRegion(context: VfioContext, device: VfioDevice, length: number, offset: bigint): Mappable | number {
  const bar = device.subject.bars.find(({ index }) => index === regionIndex(offset));
  const start = withinRegion(offset);
  if (!bar?.mappable(context.kernel.pageSize) || start + length > bar.size) return errno('EINVAL');
  return {
    length,
    load(bytes) {
      // With decoding off a real access is SIGBUS; here it reads as from a function that does not answer.
      if (answers(device, bar)) bytes.set(bar.bytes.subarray(start, start + bytes.byteLength));
      else bytes.fill(0xff);
    },
    store(at, bytes) {
      if (answers(device, bar)) bar.bytes.set(bytes, start + at);
    },
  };
}
