import { UAPI } from '../../uapi/abi/constants.js';
import { type ByteOrder } from '../../uapi/byte-order.js';
import { encodeStruct } from '../../uapi/struct/encode.js';
import { endOf, type StructName, type StructValues } from '../../uapi/struct/tables.js';
import { type Zpci } from '../machine/zpci.js';
import { type Capability } from './capability-chain.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';

const HEADER = 8;
/** Bytes of an error record (arch/s390: struct zpci_ccdf_err). */
export const CCDF_BYTES = 32;

const BASE = 'vfio_device_info_cap_zpci_base';
const GROUP = 'vfio_device_info_cap_zpci_group';

/** A structure without its header, up to `end`. */
function body<S extends StructName>(
  struct: S,
  values: Partial<StructValues<S>>,
  order: ByteOrder,
  end?: number,
): Uint8Array {
  return encodeStruct(struct, values, { order }).subarray(HEADER, end);
}

function base({ description, fh }: Zpci, order: ByteOrder): Capability {
  const { startDma = 0x1_0000_0000n, endDma = 0x1_3fff_ffffn, pchid = 0, pft = 0, pfgid = 0 } = description;
  const { baseVersion = 3 } = description;
  const ends = [endOf(BASE, 'gid'), endOf(BASE, 'fh'), endOf(BASE, 'ccdf_err_length')];
  const values = { start_dma: startDma, end_dma: endDma, pchid, pft, gid: pfgid, fh, ccdf_err_length: CCDF_BYTES };
  return {
    id: UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_BASE,
    version: baseVersion,
    body: body(BASE, values, order, ends[baseVersion - 1]),
  };
}

function group({ description }: Zpci, order: ByteOrder): Capability {
  const values = { dasm: 0xffff_ffff_ffff_ffffn, msi_addr: 0xfee0_0000n, flags: 1n, mui: 4000, noi: 0, version: 1 };
  const maximum = { maxstbl: 128, imaxstbl: 128, noi: description.maxMsi ?? 2048 };
  return { id: UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_GROUP, version: 2, body: body(GROUP, { ...values, ...maximum }, order) };
}

/** A capability that counts its bytes in `size`. */
function counted(id: number, bytes: Uint8Array, order: ByteOrder): Capability {
  const content = new Uint8Array(4 + bytes.byteLength);
  new DataView(content.buffer).setUint32(0, bytes.byteLength, order === 'LE');
  content.set(bytes, 4);
  return { id, version: 1, body: content };
}

/**
 * What GET_INFO tells of an s390 function: base, group, utility string where there is one, path
 * (drivers/vfio/pci/vfio_pci_zdev.c:vfio_pci_info_zdev_add_caps).
 */
export function zpciCapabilities(context: VfioContext, { subject }: VfioDevice): readonly Capability[] {
  const zpci = context.machine.zpciOf(subject);
  if (!zpci) return [];
  const { order } = context.kernel;
  const { utilString, pfip = [0, 0, 0, 0] } = zpci.description;
  return [
    base(zpci, order),
    group(zpci, order),
    ...(utilString ? [counted(UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_UTIL, utilString, order)] : []),
    counted(UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_PFIP, Uint8Array.from(pfip), order),
  ];
}
