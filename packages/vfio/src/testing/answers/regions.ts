import { type AnswerCall, type KernelAnswer } from './row.js';

const BAR = 'drivers/vfio/pci/vfio_pci_rdwr.c:vfio_pci_bar_rw';
const CORE = 'drivers/vfio/pci/vfio_pci_core.c:vfio_pci_rw';
const CONFIG = 'drivers/vfio/pci/vfio_pci_config.c:vfio_pci_config_rw_single';
const BASIC = 'drivers/vfio/pci/vfio_pci_config.c:init_pci_cap_basic_perm';
const BARS = 'drivers/vfio/pci/vfio_pci_config.c:vfio_bar_fixup';

const ONES = [0xff, 0xff, 0xff, 0xff];
const ZEROS = [0, 0, 0, 0];
const MEMORY_ON: AnswerCall = { write: 4, bytes: [2, 0] };
const MEMORY_OFF: AnswerCall = { write: 4, bytes: [0, 0] };
const TABLE_BAR = 1;
const BAR_SIZE = 0x4000;

type Row = Omit<KernelAnswer, 'platforms' | 'state'>;

/** Of a function as virtio ones of QEMU are: MSI-X table in BAR 1, 16 KiB of memory in BAR 4, nothing else. */
const ACCESS: readonly Row[] = [
  { id: 'region.read-bar-that-is-not-there', call: { region: 2, read: 0, length: 4 }, answer: 'EINVAL', source: BAR },
  {
    id: 'region.write-bar-that-is-not-there',
    call: { region: 2, write: 0, bytes: [0] },
    answer: 'EINVAL',
    source: BAR,
  },
  { id: 'region.read-rom-that-is-not-there', call: { region: 6, read: 0, length: 4 }, answer: 'EINVAL', source: BAR },
  { id: 'region.write-rom', call: { region: 6, write: 0, bytes: [0] }, answer: 'EINVAL', source: CORE },
  { id: 'region.read-vga', call: { region: 8, read: 0, length: 4 }, answer: 'EINVAL', source: CORE },
  { id: 'region.read-no-such', call: { region: 9, read: 0, length: 4 }, answer: 'EINVAL', source: CORE },
  {
    id: 'region.read-nothing-of-no-such',
    call: { region: 9, read: 0, length: 0 },
    answer: 0,
    source: 'drivers/vfio/pci/vfio_pci_core.c:vfio_pci_core_read',
  },
  {
    id: 'region.read-with-memory-off',
    after: [MEMORY_OFF],
    call: { region: 4, read: 0, length: 4 },
    answer: 'EIO',
    source: BAR,
  },
  {
    id: 'region.write-with-memory-off',
    after: [MEMORY_OFF],
    call: { region: 4, write: 0, bytes: [0] },
    answer: 'EIO',
    source: BAR,
  },
  { id: 'region.read', after: [MEMORY_ON], call: { region: 4, read: 0, length: 4 }, answer: 4, source: BAR },
  {
    id: 'region.read-across-the-end',
    after: [MEMORY_ON],
    call: { region: 4, read: BAR_SIZE - 4, length: 8 },
    answer: 4,
    source: BAR,
  },
  {
    id: 'region.read-beyond',
    after: [MEMORY_ON],
    call: { region: 4, read: BAR_SIZE, length: 4 },
    answer: 'EINVAL',
    source: BAR,
  },
  {
    id: 'region.msix-table-is-hidden',
    after: [MEMORY_ON],
    call: { region: TABLE_BAR, read: 0, length: 4 },
    answer: 4,
    bytes: ONES,
    source: BAR,
  },
  {
    id: 'region.msix-table-takes-writes',
    after: [MEMORY_ON],
    call: { region: TABLE_BAR, write: 0, bytes: ZEROS },
    answer: 4,
    source: BAR,
  },
];

/** What configuration space holds after a write: `lasting` bits and made-up ones. */
const CONFIGURATION: readonly Row[] = [
  { id: 'config.vendor', call: { read: 0, length: 2 }, answer: 2, bytes: [0xf4, 0x1a], source: BASIC },
  {
    id: 'config.vendor-stays',
    after: [{ write: 0, bytes: [0, 0] }],
    call: { read: 0, length: 2 },
    answer: 2,
    bytes: [0xf4, 0x1a],
    source: BASIC,
  },
  { id: 'config.read-odd', call: { read: 1, length: 3 }, answer: 3, source: CONFIG },
  { id: 'config.read-last', call: { read: 4095, length: 1 }, answer: 1, source: CONFIG },
  { id: 'config.write-beyond', call: { write: 4096, bytes: [0] }, answer: 'EFAULT', source: CONFIG },
  { id: 'config.write-across-the-end', call: { write: 4094, bytes: ZEROS }, answer: 'EFAULT', source: CONFIG },
  {
    id: 'config.write-nothing',
    call: { write: 0, bytes: [] },
    answer: 0,
    source: 'drivers/vfio/pci/vfio_pci_core.c:vfio_pci_core_write',
  },
  {
    id: 'config.command-is-kept',
    after: [{ write: 4, bytes: [6, 0] }],
    call: { read: 4, length: 2 },
    answer: 2,
    bytes: [6, 0],
    source: 'drivers/vfio/pci/vfio_pci_config.c:vfio_basic_config_write',
  },
  {
    id: 'config.intx-disable-is-kept',
    after: [{ write: 4, bytes: [0, 4] }],
    call: { read: 4, length: 2 },
    answer: 2,
    bytes: [0, 4],
    source: 'drivers/vfio/pci/vfio_pci_config.c:vfio_basic_config_write',
  },
  {
    id: 'config.interrupt-line-is-kept',
    after: [{ write: 0x3c, bytes: [0x2a] }],
    call: { read: 0x3c, length: 2 },
    answer: 2,
    bytes: [0x2a, 1],
    source: BASIC,
  },
  {
    id: 'config.size-of-bar-1',
    after: [{ write: 0x14, bytes: ONES }],
    call: { read: 0x14, length: 4 },
    answer: 4,
    bytes: [0x00, 0xf0, 0xff, 0xff],
    source: BARS,
  },
  {
    id: 'config.size-of-bar-4',
    after: [{ write: 0x20, bytes: ONES }],
    call: { read: 0x20, length: 4 },
    answer: 4,
    bytes: [0x0c, 0xc0, 0xff, 0xff],
    source: BARS,
  },
  {
    id: 'config.size-of-no-bar',
    after: [{ write: 0x18, bytes: ONES }],
    call: { read: 0x18, length: 4 },
    answer: 4,
    bytes: ZEROS,
    source: BARS,
  },
  {
    id: 'config.size-of-no-rom',
    after: [{ write: 0x30, bytes: ONES }],
    call: { read: 0x30, length: 4 },
    answer: 4,
    bytes: ZEROS,
    source: BARS,
  },
];

/** Reading and writing regions and configuration space. */
export const REGIONS: readonly KernelAnswer[] = [...ACCESS, ...CONFIGURATION].map((row) => ({
  platforms: ['x64'],
  state: 'open',
  ...row,
}));
