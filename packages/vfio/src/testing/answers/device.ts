import { deviceFeature, deviceInfo, hotReset, hotResetInfo, regionInfo } from '../../uapi/index.js';
import { type AnswerCall, type AnswerPlatform, type KernelAnswer } from './row.js';

const ALL: readonly AnswerPlatform[] = ['x64', 's390x', 'ppc64'];
const CORE = 'drivers/vfio/pci/vfio_pci_core.c';

const withArgsz = (bytes: Uint8Array, argsz: number, little: boolean): Uint8Array => {
  new DataView(bytes.buffer).setUint32(0, argsz, little);
  return bytes;
};

const info = (argsz: number): AnswerCall => ({
  fd: 'device',
  request: 'VFIO_DEVICE_GET_INFO',
  argument: ({ order }) => withArgsz(deviceInfo.encodeRequest(512, order), argsz, order === 'LE'),
});

const region = (index: number): AnswerCall => ({
  fd: 'device',
  request: 'VFIO_DEVICE_GET_REGION_INFO',
  argument: ({ order }) => regionInfo.encodeRequest(index, 128, order),
});

const feature = (number: number): AnswerCall => ({
  fd: 'device',
  request: 'VFIO_DEVICE_FEATURE',
  argument: ({ order }) => deviceFeature.probe(number, { get: true }, order),
});

const resetInfo = (bytes: number): AnswerCall => ({
  fd: 'device',
  request: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
  argument: ({ order }) => hotResetInfo.encodeRequest(bytes, order),
});

const byGroups = (...fds: readonly ('group' | 'container' | 'none')[]): AnswerCall => ({
  fd: 'device',
  request: 'VFIO_DEVICE_PCI_HOT_RESET',
  argument: (scene) =>
    hotReset.byGroups(
      fds.map((fd) => (fd === 'none' ? 999 : scene[fd])),
      scene.order,
    ),
});

const withoutArray: AnswerCall = {
  fd: 'device',
  request: 'VFIO_DEVICE_PCI_HOT_RESET',
  argument: ({ order }) => hotReset.byDeviceIds(order),
};

type Row = Omit<KernelAnswer, 'platforms' | 'state'> & Partial<Pick<KernelAnswer, 'state' | 'platforms'>>;

const ROWS: readonly Row[] = [
  {
    id: 'device.unknown-request',
    call: { fd: 'device', request: 0x3bff },
    answer: 'ENOTTY',
    source: `${CORE}:vfio_pci_core_ioctl`,
  },
  { id: 'info.short-argsz', call: info(15), answer: 'EINVAL', source: `${CORE}:vfio_pci_ioctl_get_info` },
  { id: 'info.least', call: info(16), answer: 0, source: `${CORE}:vfio_pci_ioctl_get_info` },
  { id: 'info.all', call: info(512), answer: 0, source: 'lab' },
  { id: 'region.config', call: region(7), answer: 0, source: `${CORE}:vfio_pci_ioctl_get_region_info` },
  { id: 'region.rom', call: region(6), answer: 0, source: `${CORE}:vfio_pci_ioctl_get_region_info` },
  { id: 'region.vga', call: region(8), answer: 'EINVAL', source: `${CORE}:vfio_pci_ioctl_get_region_info` },
  { id: 'region.no-such', call: region(9), answer: 'EINVAL', source: `${CORE}:vfio_pci_ioctl_get_region_info` },
  { id: 'feature.unknown', call: feature(0x7777), answer: 'ENOTTY', source: `${CORE}:vfio_pci_core_ioctl_feature` },
  {
    id: 'feature.migration',
    call: feature(1),
    answer: 'ENOTTY',
    source: 'drivers/vfio/vfio_main.c:vfio_ioctl_device_feature_migration',
  },
  { id: 'reset.device', call: { fd: 'device', request: 'VFIO_DEVICE_RESET' }, answer: 0, source: 'lab' },
  { id: 'hot-reset.info', platforms: ['x64', 's390x'], call: resetInfo(64), answer: 0, source: 'lab' },
  {
    id: 'hot-reset.info-short-argsz',
    platforms: ['x64', 's390x'],
    call: {
      ...resetInfo(12),
      argument: ({ order }) => withArgsz(hotResetInfo.encodeRequest(12, order), 11, order === 'LE'),
    },
    answer: 'EINVAL',
    source: `${CORE}:vfio_pci_ioctl_get_pci_hot_reset_info`,
  },
  {
    id: 'hot-reset.info-no-room',
    platforms: ['x64', 's390x'],
    call: resetInfo(12),
    answer: 'ENOSPC',
    source: `${CORE}:vfio_pci_ioctl_get_pci_hot_reset_info`,
  },
  { id: 'hot-reset.group', platforms: ['x64', 's390x'], call: byGroups('group'), answer: 0, source: 'lab' },
  {
    id: 'hot-reset.group-mode-without-array',
    platforms: ['x64', 's390x'],
    call: withoutArray,
    answer: 'EINVAL',
    source: 'lab',
  },
  {
    id: 'hot-reset.fd-not-open',
    platforms: ['x64', 's390x'],
    call: byGroups('none'),
    answer: 'EBADF',
    source: `${CORE}:vfio_pci_ioctl_pci_hot_reset_groups`,
  },
  {
    id: 'hot-reset.fd-no-group',
    platforms: ['x64', 's390x'],
    call: byGroups('container'),
    answer: 'EINVAL',
    source: `${CORE}:vfio_pci_ioctl_pci_hot_reset_groups`,
  },
  {
    id: 'hot-reset.more-groups-than-functions',
    platforms: ['x64', 's390x'],
    call: byGroups('group', 'group'),
    answer: 'EINVAL',
    source: `${CORE}:vfio_pci_ioctl_pci_hot_reset_groups`,
  },
  {
    id: 'config.read-beyond',
    call: { read: 4096, length: 1 },
    answer: 'EFAULT',
    source: 'drivers/vfio/pci/vfio_pci_config.c:vfio_pci_config_rw_single',
  },
  {
    id: 'config.read-across-the-end',
    platforms: ['x64', 'ppc64'],
    call: { read: 4094, length: 4 },
    answer: 'EFAULT',
    source: 'drivers/vfio/pci/vfio_pci_config.c:vfio_pci_config_rw_single',
  },
  { id: 'config.read-nothing', call: { read: 0, length: 0 }, answer: 0, source: `${CORE}:vfio_pci_core_read` },
  { id: 'config.command', call: { write: 4, bytes: [0x02, 0x00] }, answer: 2, source: 'lab' },
  {
    id: 'config.id-is-read-only',
    after: [{ write: 0, bytes: [0, 0] }],
    call: { read: 0, length: 4 },
    answer: 4,
    source: 'drivers/vfio/pci/vfio_pci_config.c:init_pci_cap_basic_perm',
  },
  {
    id: 'feature.zpci-error-elsewhere',
    platforms: ['x64', 'ppc64'],
    call: feature(13),
    answer: 'ENOTTY',
    source: 'lab',
  },
];

/** What an open device answers: information, regions, resets, features, configuration space. */
export const DEVICE: readonly KernelAnswer[] = ROWS.map((row) => ({ platforms: ALL, state: 'open', ...row }));
