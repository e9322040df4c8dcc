// What each dump shows: the machine, how its kernel is booted, and what is done before the dump is taken.
import { MACHINES } from './machines.mjs';

/** A command for the guest's shell. */
const guest = (command) => ({ guest: command });
/** Arguments of the monitor command `pcie_aer_inject_error`: device, error, the four header words. */
const inject = (...words) => ({ inject: words.join(' ') });

/** Without AER in the kernel nobody clears the registers before they are read. */
const KEEP_ERRORS = 'pci=noaer';
const enableErrorReporting = guest('enable-error-reporting');
const networkReady = (count) => guest(`wait-for-driver virtio-pci ${count}`);

/** The TLP header to be logged: a memory write of one doubleword. All words are distinct, so that their order shows. */
const HEADER = [0x40000001, 0x0000010f, 0xfebf1004, 0xdeadbeef];

/**
 * QEMU logs the words that it is given with their bytes reversed. Reversed here, so that the Header Log Register reads as
 * PCIe r6.0 §7.8.4.8 wants: byte 0 of the header in bits 31:24 of the first doubleword.
 */
function logged(word) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(word);
  return `0x${bytes.readUInt32LE().toString(16).padStart(8, '0')}`;
}

const wholeReady = [networkReady(3), guest('wait-for-driver nvme 1'), guest('wait-for-driver e1000e 1')];

/** In the order in which they are made. */
export const SCENARIOS = [
  { name: 'healthy-q35', devices: MACHINES.whole, append: '', steps: wholeReady },
  {
    name: 'fatal-malformed-tlp',
    devices: MACHINES.whole,
    append: KEEP_ERRORS,
    steps: [...wholeReady, enableErrorReporting, inject('ep_single', 'MALF_TLP', ...HEADER.map(logged))],
  },
  {
    name: 'correctable-bad-tlp',
    devices: MACHINES.single,
    append: KEEP_ERRORS,
    steps: [networkReady(1), enableErrorReporting, inject('ep_single', 'BAD_TLP')],
  },
  {
    name: 'nonfatal-completion-timeout',
    devices: MACHINES.pair,
    append: KEEP_ERRORS,
    steps: [networkReady(2), enableErrorReporting, inject('ep_pair1', 'COMP_TIME')],
  },
  {
    name: 'sriov-nvme',
    devices: MACHINES.virtualFunctions,
    append: '',
    steps: [
      guest('wait-for-driver nvme 1'),
      networkReady(1),
      // The virtual controllers have no resources of their own: a driver would only wait for them.
      guest('cd /sys/bus/pci/drivers/nvme/*:* && echo 0 >sriov_drivers_autoprobe && echo 4 >sriov_numvfs'),
    ],
  },
];
