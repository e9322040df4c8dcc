import { PCI_HEADER } from '@pci-recovery/pci';
import { Gate } from '../kernel/gate.js';
import { type OpenFile } from '../kernel/open-file.js';
import { errno } from '../kernel/outcome.js';
import { type Machine } from '../machine/machine.js';
import { type PciFunction } from '../machine/pci-function.js';
import { ConfigRegion } from './config-region.js';
import { type VfioGroup } from './group-state.js';
import { DeviceInterrupts } from './interrupts.js';
import { type IommufdContext } from './iommufd-context.js';
import { resetFunction } from './reset-function.js';

const BUS_MASTER = 0x4;
const DECODE = 0x3;
const DECODE_OF = { io: 0x1, memory: 0x2 } as const;

/** A function as vfio-pci drives it, open or not (drivers/vfio/pci/vfio_pci_core.c). */
export class VfioDevice {
  readonly subject: PciFunction;
  readonly group: VfioGroup;
  /** Number of its node below `/dev/vfio/devices`. */
  readonly index: number;
  readonly interrupts: DeviceInterrupts;
  readonly config: ConfigRegion;
  /** Resets of it exclude each other, and accesses to its memory. */
  readonly memoryLock = new Gate();
  /** Closed while the device is open: who removes it waits. */
  readonly use = new Gate();
  openCount = 0;
  /** It could be reset when it was opened: GET_INFO says so, VFIO_DEVICE_RESET is EINVAL otherwise. */
  resetWorks = false;
  /** The iommufd that it is bound to, and its number there. */
  iommufd: IommufdContext | undefined;
  devid = 0;
  /** Its page table there, when it is attached. */
  hwpt: number | undefined;
  iommufdHold: OpenFile | undefined;
  cdevOpened = false;
  #endUse = (): void => undefined;

  constructor(subject: PciFunction, group: VfioGroup, index: number) {
    this.subject = subject;
    this.group = group;
    this.index = index;
    this.interrupts = new DeviceInterrupts(subject);
    this.config = new ConfigRegion(this);
  }

  get bound(): boolean {
    return this.subject.driver === 'vfio-pci';
  }

  /** vfio_pci_core_enable. EAGAIN while somebody else has the device lock. */
  firstOpen(machine: Machine): number {
    const { subject } = this;
    this.#setCommand(0, BUS_MASTER);
    // pci_enable_device: decoding of what there are BARs for.
    this.#setCommand(
      subject.bars.reduce((bits, { space }) => bits | DECODE_OF[space], 0),
      0,
    );
    if (subject.deviceLock.closed) return errno('EAGAIN');
    this.resetWorks = subject.resetMethods.length > 0 && resetFunction(machine, subject) === 0;
    subject.save();
    this.#endUse = this.use.close();
    const zpci = machine.zpciOf(subject);
    if (zpci) zpci.mediated = true;
    this.config.open();
    const { pe } = this.group.machine;
    if (pe) {
      // eeh_dev_open: who opens a device of a frozen PE thaws it.
      pe.unfreeze();
      pe.passed++;
    }
    return 0;
  }

  /** vfio_pci_core_close_device. The function is reset when that can be. */
  lastClose(machine: Machine): void {
    const { subject } = this;
    const { pe } = this.group.machine;
    if (pe) {
      pe.passed--;
      pe.unfreeze();
    }
    this.#setCommand(0, BUS_MASTER);
    this.interrupts.close();
    machine.zpciOf(subject)?.stopMediation();
    if (this.resetWorks && !subject.deviceLock.closed) resetFunction(machine, subject);
    subject.restore();
    this.#setCommand(0, DECODE);
    this.config.close();
    this.#endUse();
  }

  #setCommand(set: number, clear: number): void {
    const { subject } = this;
    if (subject.silence) return;
    const next = new Uint8Array(2);
    new DataView(next.buffer).setUint16(0, (subject.command | set) & ~clear, true);
    subject.write(PCI_HEADER.COMMAND, next);
  }
}
