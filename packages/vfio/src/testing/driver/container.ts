import { UAPI } from '../../uapi/abi/constants.js';
import { type IoctlArgument } from '../../seam/syscalls.js';
import { type Caller, type KernelFile } from '../kernel/open-file.js';
import { errno, type Outcome } from '../kernel/outcome.js';
import { type VfioContext } from './context.js';
import { type VfioGroup } from './group-state.js';
import { SpaprTce, spaprExtension } from './spapr.js';
import { Type1, type1Extension } from './type1.js';

/** An IOMMU backend of a container. */
export interface IommuBackend {
  extension(number: number): number;
  attach(group: VfioGroup): number;
  detach(group: VfioGroup): void;
  ioctl(caller: Caller, request: number, argument: IoctlArgument): Outcome;
}

/** `/dev/vfio/vfio` (drivers/vfio/container.c). It lives as long as its descriptor or a group in it. */
export class Container implements KernelFile {
  readonly kind = 'container';
  readonly name = '/dev/vfio/vfio';
  readonly #context: VfioContext;
  readonly #groups: VfioGroup[] = [];
  #backend: IommuBackend | undefined;

  constructor(context: VfioContext) {
    this.#context = context;
  }

  /** An IOMMU was set: devices can be opened. */
  get usable(): boolean {
    return this.#backend !== undefined;
  }

  get groups(): readonly VfioGroup[] {
    return this.#groups;
  }

  ioctl(caller: Caller, request: number, argument: IoctlArgument): Outcome {
    const { numbers } = this.#context.kernel;
    const value = typeof argument === 'number' ? argument : 0;
    if (request === numbers.VFIO_GET_API_VERSION) return UAPI.VFIO_API_VERSION;
    if (request === numbers.VFIO_CHECK_EXTENSION) return this.#extension(value);
    if (request === numbers.VFIO_SET_IOMMU) return this.#setIommu(value);
    // Without an IOMMU every other request is refused, known or not.
    return this.#backend?.ioctl(caller, request, argument) ?? errno('EINVAL');
  }

  /** vfio_container_attach_group. EPERM: somebody owns the group's DMA. */
  attach(group: VfioGroup): number {
    const claimed = group.claim(group);
    if (claimed < 0) return claimed;
    const attached = this.#backend?.attach(group) ?? 0;
    if (attached < 0) {
      group.release();
      return attached;
    }
    group.container = this;
    group.containerUsers = 1;
    this.#groups.push(group);
    return 0;
  }

  /** vfio_group_detach_container: without a group it has no IOMMU either. */
  detach(group: VfioGroup): void {
    this.#backend?.detach(group);
    group.release();
    group.container = undefined;
    group.containerUsers = 0;
    this.#groups.splice(this.#groups.indexOf(group), 1);
    if (this.#groups.length === 0) this.#backend = undefined;
  }

  release(): void {
    // Groups hold it: there is none when nobody does.
  }

  get #isSpapr(): boolean {
    return this.#context.machine.iommu === 'spapr';
  }

  #extension(number: number): number {
    if (this.#backend) return this.#backend.extension(number);
    return this.#isSpapr ? spaprExtension(this.#context, number) : type1Extension(number);
  }

  #setIommu(type: number): number {
    if (this.#groups.length === 0 || this.#backend) return errno('EINVAL');
    // No driver says that it supports it, or the one that does cannot open it.
    if (this.#extension(type) <= 0) return errno('ENODEV');
    const backend = this.#open(type);
    if (typeof backend === 'number') return backend;
    for (const group of this.#groups) {
      const attached = backend.attach(group);
      if (attached < 0) return attached;
    }
    this.#backend = backend;
    return 0;
  }

  #open(type: number): IommuBackend | number {
    if (this.#isSpapr) return SpaprTce.open(this.#context, this, type);
    return Type1.open(this.#context, this, type);
  }
}
