import {
  AER_ROOT_STATUS,
  BRIDGE_CONTROL,
  COMMAND,
  CORRECTABLE_ERRORS,
  decodeFields,
  DEVICE_CONTROL,
  DEVICE_STATUS,
  LINK_CONTROL,
  LINK_STATUS,
  setBits,
  SLOT_CONTROL,
  SLOT_STATUS,
  STATUS,
  UNCORRECTABLE_ERRORS,
  type BitName,
  type BitTable,
  type FieldTable,
} from '@pci-recovery/pci';

/** Two 16-bit registers that were read as one: control 15:0, status 31:16. */
const pair = (control: FieldTable, status: FieldTable): readonly FieldTable[] => [control, status];

/**
 * Registers of the root port's configuration space in the blob, in words of 16 bits from the lowest (skiboot
 * hw/phb4.c:phb4_read_phb_status).
 */
const CONFIG_REGISTERS: Readonly<Record<string, readonly FieldTable[]>> = {
  brdgCtl: [BRIDGE_CONTROL],
  deviceStatus: pair(DEVICE_CONTROL, DEVICE_STATUS),
  slotStatus: pair(SLOT_CONTROL, SLOT_STATUS),
  linkStatus: pair(LINK_CONTROL, LINK_STATUS),
  devCmdStatus: pair(COMMAND, STATUS),
  devSecStatus: [STATUS],
};

const AER_ERRORS: Readonly<Record<string, BitTable>> = {
  uncorrErrorStatus: UNCORRECTABLE_ERRORS,
  corrErrorStatus: CORRECTABLE_ERRORS,
};

/** What the fields of a register hold: flags and numbers. */
export type ConfigFields = Readonly<Record<string, boolean | number>>;

/**
 * The fields of a configuration register of the root port, by name; where a control and a status register share a name,
 * that of the status register has `Status` behind it. Undefined for other registers.
 */
export function configFields(name: string, value: number): ConfigFields | undefined {
  if (name === 'rootErrorStatus') return decodeFields(value, AER_ROOT_STATUS);
  const words = CONFIG_REGISTERS[name];
  if (words === undefined) return undefined;
  const fields: Record<string, boolean | number> = {};
  words.forEach((table, index) => {
    for (const [field, held] of Object.entries(decodeFields((value >>> (16 * index)) & 0xffff, table))) {
      fields[field in fields ? `${field}Status` : field] = held;
    }
  });
  return fields;
}

/** The AER errors in `uncorrErrorStatus` or `corrErrorStatus`; undefined for other registers. */
export function aerErrors(name: string, value: number): readonly BitName[] | undefined {
  const table = AER_ERRORS[name];
  return table && setBits(value, table);
}
