import { type Bdf } from '@pci-recovery/core';
import { errnoName, type Syscalls } from '../../src/index.js';
import {
  type ByteOrder,
  EXTENSION,
  getDeviceFd,
  irqSet,
  PCI_IRQ,
  type Query,
  type RequestName,
  requests,
  setContainer,
} from '../../src/uapi/index.js';
import { type FunctionDescription, type GroupDescription, type MachineDescription } from '../../src/testing/index.js';

export const BDF = '0000:01:00.0' as Bdf;
export const PORT = '0000:00:06.0';
export const ZBDF = '0001:00:00.0' as Bdf;

/** One network card below a root port, alone in its group. */
export const x86 = (
  more: Partial<FunctionDescription> = {},
  machine: Partial<MachineDescription> = {},
): MachineDescription => ({
  arch: 'x64',
  ports: [{ bdf: PORT }],
  groups: [{ number: 7, functions: [{ bdf: BDF, port: PORT, ...more }] }],
  ...machine,
});

/** Two functions below one port, in one group. */
export const twoFunctions = (second: Partial<FunctionDescription> = {}): MachineDescription => ({
  arch: 'x64',
  ports: [{ bdf: PORT }],
  groups: [
    {
      number: 8,
      functions: [
        { bdf: BDF, port: PORT },
        { bdf: '0000:01:00.1', port: PORT, ...second },
      ],
    },
  ],
});

/** A function of s390. */
export const s390 = (more: Partial<FunctionDescription> = {}): MachineDescription => ({
  arch: 's390x',
  groups: [
    {
      number: 1,
      functions: [{ bdf: ZBDF, config: { pcie: false, pin: 0 }, resetMethods: ['bus'], zpci: { fid: 1 }, ...more }],
    },
  ],
});

/** A PowerNV machine with one PE for each group. */
export const ppc64 = (
  machine: Partial<MachineDescription> = {},
  groups: readonly GroupDescription[] = [{ number: 1, functions: [{ bdf: BDF, port: PORT }] }],
): MachineDescription => ({ arch: 'ppc64', ports: [{ bdf: PORT }], groups, ...machine });

/** What a call answered: its name, when it is an errno. */
export const named = (result: number): number | string => (result < 0 ? errnoName(result) : result);

/** A program on the seam, with requests by their names. */
export class Program {
  readonly numbers = requests();

  constructor(
    readonly calls: Syscalls,
    readonly order?: ByteOrder,
  ) {}

  open(path: string): number {
    return this.calls.open(path, 2);
  }

  ioctl(fd: number, request: RequestName, argument?: Uint8Array | number): number | string {
    return named(this.calls.ioctl(fd, this.numbers[request], argument));
  }

  async ioctlAsync(fd: number, request: RequestName, argument?: Uint8Array | number): Promise<number | string> {
    return named(await this.calls.ioctlAsync(fd, this.numbers[request], argument));
  }

  ask<T>(fd: number, query: Query<T>): T {
    for (let at = query; ;) {
      if (at.do === 'end') return at.value;
      if (at.do === 'fail') throw new Error(errnoName(at.errno));
      at = at.answered(this.calls.ioctl(fd, this.numbers[at.request], at.buffer));
    }
  }

  /** Container, group and device, as every program in group mode opens them. */
  openDevice(bdf: string = BDF, group = 7, iommu: number = EXTENSION.type1v2Iommu): Opened {
    const container = this.open('/dev/vfio/vfio');
    const groupFd = this.open(`/dev/vfio/${group}`);
    const steps = [
      this.ioctl(groupFd, 'VFIO_GROUP_SET_CONTAINER', setContainer.encodeRequest(container)),
      this.ioctl(container, 'VFIO_SET_IOMMU', iommu),
    ];
    if (steps.some((step) => step !== 0)) throw new Error(`not opened: ${steps.join()}`);
    return { container, group: groupFd, device: this.deviceOf(groupFd, bdf) };
  }

  deviceOf(group: number, bdf: string): number {
    const device = this.ioctl(group, 'VFIO_GROUP_GET_DEVICE_FD', getDeviceFd.encodeRequest(bdf));
    if (typeof device === 'string') throw new Error(device);
    return device;
  }

  /** An eventfd that is told of errors. */
  errorEventfd(device: number): number {
    const eventfd = this.calls.eventfd(0);
    const set = this.ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.eventfds({ index: PCI_IRQ.err }, [eventfd]));
    if (set !== 0) throw new Error(`not set: ${set}`);
    return eventfd;
  }

  /** Reads configuration space. */
  config(device: number, offset: number, length: number): Uint8Array | string {
    const buffer = new Uint8Array(length);
    const result = this.calls.pread(device, buffer, (7n << 40n) + BigInt(offset));
    return result < 0 ? errnoName(result) : buffer;
  }

  config16(device: number, offset: number): number {
    const bytes = this.config(device, offset, 2) as Uint8Array;
    return bytes[0]! | (bytes[1]! << 8);
  }

  writeConfig(device: number, offset: number, ...bytes: readonly number[]): number | string {
    return named(this.calls.pwrite(device, Uint8Array.from(bytes), (7n << 40n) + BigInt(offset)));
  }
}

export interface Opened {
  readonly container: number;
  readonly group: number;
  readonly device: number;
}

/** A turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Some turns: what can happen by itself has happened then. */
export async function turns(count = 8): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** The code of what is thrown. */
export function codeOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'nothing was thrown';
}
