// The emulated machines: device arguments of qemu-system-x86_64. Endpoints below their own root port, as in real ones.

const rootPort = (id, addr, chassis) =>
  `pcie-root-port,id=${id},bus=pcie.0,addr=${addr},chassis=${chassis},slot=${chassis}`;

/** A virtio network function with AER; without boot ROM, so that the firmware need not run it. */
const virtioNet = (id, bus, options = '') =>
  `virtio-net-pci,id=${id},bus=${bus},disable-legacy=on,aer=on,romfile=${options}`;

const SINGLE = [rootPort('rp_single', '3.0', 1), virtioNet('ep_single', 'rp_single')];

const PAIR = [
  rootPort('rp_pair', '4.0', 2),
  virtioNet('ep_pair0', 'rp_pair', ',addr=0.0,multifunction=on'),
  virtioNet('ep_pair1', 'rp_pair', ',addr=0.1'),
];

const SWITCH = [
  rootPort('rp_switch', '5.0', 3),
  'x3130-upstream,id=up,bus=rp_switch',
  'xio3130-downstream,id=down0,bus=up,addr=0.0,chassis=4,slot=4',
  'xio3130-downstream,id=down1,bus=up,addr=1.0,chassis=5,slot=5',
  'nvme,id=ep_nvme,bus=down0,serial=dump0,max_ioqpairs=4,msix_qsize=5',
  'e1000e,id=ep_e1000e,bus=down1',
];

/** An NVMe controller that splits into four virtual functions, and a second host bridge with bus numbers from 80. */
const VIRTUAL_FUNCTIONS = [
  rootPort('rp_nvme', '3.0', 1),
  'nvme-subsys,id=subsystem,nqn=dump',
  'nvme,id=ep_nvme,bus=rp_nvme,serial=dump0,subsys=subsystem,max_ioqpairs=10,msix_qsize=11,sriov_max_vfs=4,' +
    'sriov_vq_flexible=8,sriov_vi_flexible=8',
  'pxb-pcie,id=host1,bus=pcie.0,addr=8.0,bus_nr=128',
  'pcie-root-port,id=rp_far,bus=host1,addr=0.0,chassis=8,slot=8',
  virtioNet('ep_far', 'rp_far'),
];

/** Device arguments by machine. */
export const MACHINES = {
  whole: [...SINGLE, ...PAIR, ...SWITCH],
  single: SINGLE,
  pair: PAIR,
  virtualFunctions: VIRTUAL_FUNCTIONS,
};
