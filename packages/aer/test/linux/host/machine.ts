import { compareBdf, parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { AT, configImage, POWER_ON, setUp, type ImageOptions } from './config-image.js';

/** How a driver takes part in the host's recovery. `vfio`: as vfio-pci. */
export type DriverKind = 'vfio' | 'need_reset' | 'disconnect' | 'deaf' | 'port' | 'none';

/** Counters of a function that was just found. */
export const zeroes = () => ({
  correctable: new Map([['TOTAL_ERR_COR', 0]]),
  nonfatal: new Map([['TOTAL_ERR_NONFATAL', 0]]),
  fatal: new Map([['TOTAL_ERR_FATAL', 0]]),
});

/** A function of the fake host. */
export class FakeFunction {
  readonly bdf: Bdf;
  readonly parent: Bdf | undefined;
  readonly image: Uint8Array;
  counters = zeroes();
  driver: DriverKind;
  present = true;
  answers = true;
  /** Terminal: it was given up, drivers vote no more. */
  lost = false;

  constructor(bdf: string, parent: string | undefined, driver: DriverKind, options: ImageOptions) {
    this.bdf = parseBdf(bdf);
    this.parent = parent === undefined ? undefined : parseBdf(parent);
    this.driver = driver;
    this.image = configImage(options);
  }

  get view(): DataView {
    return new DataView(this.image.buffer);
  }

  get uncorrectable(): number {
    return this.view.getUint32(AT.aer + 4, true);
  }

  set uncorrectable(value: number) {
    this.view.setUint32(AT.aer + 4, value, true);
  }

  /** A reset of its link: everything is as after power-on, except what is sticky. */
  reset(): void {
    setUp(this.view, POWER_ON);
  }
}

const DRIVER_NAMES = {
  vfio: 'vfio-pci',
  need_reset: 'nvme',
  disconnect: 'old',
  deaf: 'e100',
  port: 'pcieport',
} as const;

/** The functions of a fake host and what sysfs shows of them. */
export class FakeMachine {
  readonly functions = new Map<Bdf, FakeFunction>();
  /** What was written to sysfs. */
  readonly written: { readonly bdf: Bdf; readonly attribute: string; readonly text: string }[] = [];
  /** Attributes that read otherwise; an error is thrown. */
  readonly attributes = new Map<string, string | Error | undefined>();
  /** So much of configuration space can be read: 64 bytes without privilege. */
  configBytes = 4096;
  /** Registers that do not take what is written to them through sysfs, byte offsets. */
  readonly readOnly = new Set<number>();
  /** What a write does. */
  onWrite: (bdf: Bdf, attribute: string) => void | Promise<void> = () => undefined;

  add(...functions: readonly FakeFunction[]): this {
    for (const fn of functions) this.functions.set(fn.bdf, fn);
    return this;
  }

  get(bdf: string): FakeFunction {
    return this.functions.get(parseBdf(bdf))!;
  }

  present(): FakeFunction[] {
    return [...this.functions.values()].filter((fn) => fn.present).sort((a, b) => compareBdf(a.bdf, b.bdf));
  }

  /** Everything below a port, depth first (Linux drivers/pci/bus.c:pci_walk_bus). */
  below(port: Bdf): FakeFunction[] {
    return this.present()
      .filter(({ parent }) => parent === port)
      .flatMap((fn) => [fn, ...this.below(fn.bdf)]);
  }

  readonly sysfs: SysfsPort = {
    devices: () => this.present().map(({ bdf }) => bdf),
    read: (bdf, attribute) => this.#read(bdf, attribute),
    readBytes: (bdf, attribute) => {
      const forced = this.attributes.get(`${bdf} ${attribute}`);
      if (forced instanceof Error) throw forced;
      const fn = this.functions.get(bdf);
      if (!fn?.present || attribute !== 'config') return undefined;
      return fn.answers ? fn.image.slice(0, this.configBytes) : new Uint8Array(this.configBytes).fill(0xff);
    },
    write: async (bdf, attribute, text) => {
      this.written.push({ bdf, attribute, text });
      await this.onWrite(bdf, attribute);
    },
    writeBytes: (bdf, attribute, offset, bytes) => {
      const fn = this.functions.get(bdf);
      if (attribute !== 'config' || this.configBytes < 4096) throw unreadable();
      this.written.push({ bdf, attribute, text: `${offset}: ${[...bytes].join(' ')}` });
      if (fn?.answers && !this.readOnly.has(offset)) fn.image.set(bytes, offset);
    },
    link: (bdf, name) => {
      const driver = this.functions.get(bdf)?.driver ?? 'none';
      return name === 'driver' && driver !== 'none' ? DRIVER_NAMES[driver] : undefined;
    },
    parent: (bdf) => this.functions.get(bdf)?.parent,
  };

  #read(bdf: Bdf, attribute: string): string | undefined {
    for (const key of [`${bdf} ${attribute}`, attribute]) {
      const forced = this.attributes.get(key);
      if (forced instanceof Error) throw forced;
      if (this.attributes.has(key)) return forced;
    }
    const fn = this.functions.get(bdf);
    if (!fn?.present) return undefined;
    const kind = (['correctable', 'nonfatal', 'fatal'] as const).find((one) => attribute === `aer_dev_${one}`);
    if (kind) return [...fn.counters[kind]].map(([name, count]) => `${name} ${count}`).join('\n');
    return attribute === 'reset_method' ? 'flr bus' : undefined;
  }
}

export const unreadable = (): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_TEST', 'No permission.', { context: { errno: 'EACCES' } });

const endpoint = (bdf: string, parent: string, driver: DriverKind = 'vfio'): FakeFunction =>
  new FakeFunction(bdf, parent, driver, { kind: 'endpoint' });

/**
 * Two root ports with endpoints, and one with a switch:
 * `06.0` → `01:00.0`, `01:00.1`; `07.0` → `02:00.0`; `08.0` → `03:00.0` (up) → `04:00.0` → `05:00.0`, `04:01.0` → `06:00.0`.
 */
export function machineOf(drivers: Readonly<Record<string, DriverKind>> = {}): FakeMachine {
  const port = (bdf: string, parent: string | undefined, kind: ImageOptions['kind'], buses: [number, number]) =>
    new FakeFunction(bdf, parent, 'port', { kind, buses });
  return new FakeMachine().add(
    port('00:06.0', undefined, 'root_port', [1, 1]),
    endpoint('01:00.0', '00:06.0', drivers['01:00.0']),
    endpoint('01:00.1', '00:06.0', drivers['01:00.1']),
    port('00:07.0', undefined, 'root_port', [2, 2]),
    endpoint('02:00.0', '00:07.0', drivers['02:00.0']),
    port('00:08.0', undefined, 'root_port', [3, 6]),
    port('03:00.0', '00:08.0', 'upstream_port', [4, 6]),
    port('04:00.0', '03:00.0', 'downstream_port', [5, 5]),
    port('04:01.0', '03:00.0', 'downstream_port', [6, 6]),
    endpoint('05:00.0', '04:00.0', drivers['05:00.0']),
    endpoint('06:00.0', '04:01.0', drivers['06:00.0']),
  );
}
