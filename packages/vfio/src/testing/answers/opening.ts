import { EXTENSION, setContainer, spaprEnable } from '../../uapi/index.js';
import { getDeviceFd, groupStatus } from '../../uapi/group.js';
import { type AnswerCall, type AnswerPlatform, type KernelAnswer } from './row.js';

const ALL: readonly AnswerPlatform[] = ['x64', 's390x', 'ppc64'];
const TYPE1: readonly AnswerPlatform[] = ['x64', 's390x'];

const setInto = (fd: 'container' | 'eventfd' | 'none'): AnswerCall => ({
  fd: 'group',
  request: 'VFIO_GROUP_SET_CONTAINER',
  argument: (scene) => setContainer.encodeRequest(fd === 'none' ? 999 : scene[fd], scene.order),
});

const deviceFd = (name?: string): AnswerCall => ({
  fd: 'group',
  request: 'VFIO_GROUP_GET_DEVICE_FD',
  argument: ({ bdf }) => getDeviceFd.encodeRequest(name ?? bdf),
});

const iommu = (type: number): AnswerCall => ({ fd: 'container', request: 'VFIO_SET_IOMMU', argument: () => type });
const extension = (number: number): AnswerCall => ({
  fd: 'container',
  request: 'VFIO_CHECK_EXTENSION',
  argument: () => number,
});

const short = new Uint8Array(4);
const statusOf = (argsz: number): AnswerCall => ({
  fd: 'group',
  request: 'VFIO_GROUP_GET_STATUS',
  argument({ order }) {
    const bytes = groupStatus.encodeRequest(order);
    new DataView(bytes.buffer).setUint32(0, argsz, order === 'LE');
    return bytes;
  },
});

const GROUP = 'drivers/vfio/group.c';
const CONTAINER = 'drivers/vfio/container.c';

/** The order in which a program opens things (drivers/vfio/group.c, container.c), and what each wrong order is answered with. */
export const OPENING: readonly KernelAnswer[] = [
  {
    id: 'open.group-twice',
    platforms: ALL,
    state: 'nodes',
    call: { open: ({ groupNumber }) => `/dev/vfio/${groupNumber}` },
    answer: 'EBUSY',
    source: `${GROUP}:vfio_group_fops_open`,
  },
  {
    id: 'open.no-such-group',
    platforms: ALL,
    state: 'nodes',
    call: { open: () => '/dev/vfio/999999' },
    answer: 'ENOENT',
    source: `${GROUP}: a node for each group with a device of VFIO`,
  },
  {
    id: 'group.unknown-request',
    platforms: ALL,
    state: 'nodes',
    call: { fd: 'group', request: 0x3bff },
    answer: 'ENOTTY',
    source: `${GROUP}:vfio_group_fops_unl_ioctl`,
  },
  {
    id: 'group.status',
    platforms: ALL,
    state: 'nodes',
    call: statusOf(8),
    answer: 0,
    source: `${GROUP}:vfio_group_ioctl_get_status`,
  },
  {
    id: 'group.status-short',
    platforms: ALL,
    state: 'nodes',
    call: statusOf(7),
    answer: 'EINVAL',
    source: `${GROUP}:vfio_group_ioctl_get_status`,
  },
  {
    id: 'group.unset-without-container',
    platforms: ALL,
    state: 'nodes',
    call: { fd: 'group', request: 'VFIO_GROUP_UNSET_CONTAINER' },
    answer: 'EINVAL',
    source: `${GROUP}:vfio_group_ioctl_unset_container`,
  },
  {
    id: 'group.device-without-container',
    platforms: ALL,
    state: 'nodes',
    call: deviceFd(),
    answer: 'EINVAL',
    source: `${GROUP}:vfio_df_group_open`,
  },
  {
    id: 'group.set-container-not-open',
    platforms: ALL,
    state: 'nodes',
    call: setInto('none'),
    answer: 'EBADF',
    source: `${GROUP}:vfio_group_ioctl_set_container`,
  },
  {
    id: 'group.set-container-eventfd',
    platforms: ALL,
    state: 'nodes',
    call: setInto('eventfd'),
    answer: 'EBADFD',
    source: `${GROUP}:vfio_group_ioctl_set_container`,
  },
  {
    id: 'group.set-container',
    platforms: ALL,
    state: 'nodes',
    call: setInto('container'),
    answer: 0,
    source: `${GROUP}:vfio_group_ioctl_set_container`,
  },
  {
    id: 'group.set-container-twice',
    platforms: ALL,
    state: 'attached',
    call: setInto('container'),
    answer: 'EINVAL',
    source: `${GROUP}:vfio_group_ioctl_set_container`,
  },
  {
    id: 'group.unset-container',
    platforms: ALL,
    state: 'attached',
    call: { fd: 'group', request: 'VFIO_GROUP_UNSET_CONTAINER' },
    answer: 0,
    source: `${GROUP}:vfio_group_ioctl_unset_container`,
  },
  {
    id: 'group.unset-with-open-device',
    platforms: ALL,
    state: 'open',
    call: { fd: 'group', request: 'VFIO_GROUP_UNSET_CONTAINER' },
    answer: 'EBUSY',
    source: `${GROUP}:vfio_group_ioctl_unset_container`,
  },
  {
    id: 'group.device-before-iommu',
    platforms: ALL,
    state: 'attached',
    call: deviceFd(),
    answer: 'EINVAL',
    source: `${CONTAINER}:vfio_group_use_container`,
  },
  {
    id: 'group.no-such-device',
    platforms: ALL,
    state: 'ready',
    call: deviceFd('0000:ff:1f.7'),
    answer: 'ENODEV',
    source: `${GROUP}:vfio_device_get_from_name`,
  },
  {
    id: 'container.api-version',
    platforms: ALL,
    state: 'nodes',
    call: { fd: 'container', request: 'VFIO_GET_API_VERSION' },
    answer: 0,
    source: `${CONTAINER}:vfio_fops_unl_ioctl`,
  },
  {
    id: 'container.iommu-without-group',
    platforms: ALL,
    state: 'nodes',
    call: iommu(EXTENSION.type1v2Iommu),
    answer: 'EINVAL',
    source: `${CONTAINER}:vfio_ioctl_set_iommu`,
  },
  {
    id: 'container.request-without-iommu',
    platforms: ALL,
    state: 'attached',
    call: { fd: 'container', request: 'VFIO_IOMMU_MAP_DMA', argument: () => short },
    answer: 'EINVAL',
    source: `${CONTAINER}:vfio_fops_unl_ioctl`,
  },
  {
    id: 'container.iommu-twice',
    platforms: TYPE1,
    state: 'ready',
    call: iommu(EXTENSION.type1v2Iommu),
    answer: 'EINVAL',
    source: `${CONTAINER}:vfio_ioctl_set_iommu`,
  },
  {
    id: 'container.iommu-of-another-platform',
    platforms: TYPE1,
    state: 'attached',
    call: iommu(EXTENSION.spaprTceIommu),
    answer: 'ENODEV',
    source: `${CONTAINER}:vfio_ioctl_set_iommu`,
  },
  {
    id: 'container.type1-on-ppc64',
    platforms: ['ppc64'],
    state: 'attached',
    call: iommu(EXTENSION.type1v2Iommu),
    answer: 'ENODEV',
    source: `${CONTAINER}:vfio_ioctl_set_iommu`,
  },
  {
    id: 'container.iommu-is-only-an-extension',
    platforms: TYPE1,
    state: 'attached',
    call: iommu(EXTENSION.unmapAll),
    answer: 'EINVAL',
    source: 'drivers/vfio/vfio_iommu_type1.c:vfio_iommu_type1_open',
  },
  ...(
    [
      ['type1', TYPE1, EXTENSION.type1v2Iommu, 1],
      ['type1.no-spapr', TYPE1, EXTENSION.spaprTceIommu, 0],
      ['type1.no-eeh', TYPE1, EXTENSION.eeh, 0],
      ['type1.unmap-all', TYPE1, EXTENSION.unmapAll, 1],
      ['spapr', ['ppc64'], EXTENSION.spaprTceIommu, 1],
      ['spapr-v2', ['ppc64'], EXTENSION.spaprTceV2Iommu, 1],
      ['spapr.eeh', ['ppc64'], EXTENSION.eeh, 1],
      ['spapr.no-type1', ['ppc64'], EXTENSION.type1Iommu, 0],
    ] as const
  ).map(([id, platforms, number, answer]): KernelAnswer => ({
    id: `extension.${id}`,
    platforms,
    state: 'nodes',
    call: extension(number),
    answer,
    source: 'lab',
  })),
  {
    id: 'spapr.enable',
    platforms: ['ppc64'],
    state: 'ready',
    call: { fd: 'container', request: spaprEnable.request },
    answer: 0,
    source: 'drivers/vfio/vfio_iommu_spapr_tce.c:tce_iommu_enable',
  },
  {
    id: 'spapr.enable-twice',
    platforms: ['ppc64'],
    state: 'ready',
    after: [{ fd: 'container', request: spaprEnable.request }],
    call: { fd: 'container', request: spaprEnable.request },
    answer: 'EBUSY',
    source: 'drivers/vfio/vfio_iommu_spapr_tce.c:tce_iommu_enable',
  },
];
