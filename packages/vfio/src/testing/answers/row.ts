import { type RawFd, type Syscalls } from '../../seam/syscalls.js';
import { type ByteOrder } from '../../uapi/byte-order.js';
import { type RequestName } from '../../uapi/requests.js';

/** Machines that rows can be tried on. `any`: each of them. */
export type AnswerPlatform = 'x64' | 's390x' | 'ppc64';

/** How far a program has come, and what has happened to its device, when the call is made. */
export type AnswerState =
  /** Container and group are open. */
  | 'nodes'
  /** The group is in the container. */
  | 'attached'
  /** The container has its IOMMU. */
  | 'ready'
  /** The device is open. */
  | 'open'
  /** Its ERR interrupt goes to an eventfd. */
  | 'told'
  /** s390: an error came, and the host's handler has ended. ppc64: both freezes. */
  | 'error'
  /** s390: an error came, and the host's handler still holds the device. */
  | 'error_just_now'
  /** ppc64: only MMIO is frozen. */
  | 'mmio_frozen'
  /** ppc64: only DMA is frozen: MMIO was thawed. */
  | 'dma_frozen';

/** What a row finds: descriptors of the state (−1: not open yet), an eventfd and memory of one page. */
export interface AnswerScene {
  readonly syscalls: Syscalls;
  readonly order: ByteOrder;
  readonly bdf: string;
  readonly groupNumber: number;
  readonly container: RawFd;
  readonly group: RawFd;
  readonly device: RawFd;
  readonly eventfd: RawFd;
  /** Two pages of anonymous memory, and their address. */
  readonly memory: Uint8Array;
  readonly address: bigint;
  readonly page: number;
}

/** The call that a row makes. */
export type AnswerCall =
  | {
      readonly fd: 'container' | 'group' | 'device' | 'eventfd';
      readonly request: RequestName | number;
      readonly argument?: (scene: AnswerScene) => Uint8Array | number;
    }
  | { readonly open: (scene: AnswerScene) => string }
  /** Reads or writes a region at a byte offset. Default: configuration space. */
  | { readonly read: number; readonly length: number; readonly region?: number }
  | { readonly write: number; readonly bytes: readonly number[]; readonly region?: number };

/** What the kernel answers in one situation: data, to be tried on any kernel behind the seam. */
export interface KernelAnswer {
  /** `irq.err.detach-by-minus-one`. */
  readonly id: string;
  readonly platforms: readonly AnswerPlatform[];
  readonly state: AnswerState;
  /** Calls before it, which answer 0. */
  readonly after?: readonly AnswerCall[];
  readonly call: AnswerCall;
  /** An errno's name, or the result. */
  readonly answer: string | number;
  /** `lab`: seen on a real kernel 7.2 or 7.3 under emulation; else file:function of Linux 7.3. */
  readonly source: string;
  /** What the eventfd's counter is afterwards. */
  readonly signals?: number;
  /** Bytes that a read found, or that the reply's memory holds at its start. */
  readonly bytes?: readonly number[];
}

/** Where rows are tried: the scripted kernel, or a real one in a guest. */
export interface AnswerBench {
  readonly platform: AnswerPlatform;
  /**
   * A program of its own that has come to a state; undefined where this bench cannot bring it about. The row is tried once on it,
   * then it is disposed of.
   */
  reach(state: AnswerState): Promise<(AnswerScene & AsyncDisposable) | undefined>;
}
