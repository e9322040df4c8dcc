import { type SriovCapability } from '../../src/index.js';
import { hex, mark, marks } from './text.js';

/**
 * lspci looks at the registers only: it takes any type but 32 bits for 64 bits, never sees an I/O region, and takes the
 * register behind the last one (VF Migration State Array) for the upper half of a 64-bit address there.
 */
function regionLines({ registers }: SriovCapability): string[] {
  const rows = [...registers.vfBaseAddresses, registers.vfMigrationStateArray];
  const lines: string[] = [];
  for (let i = 0; i < registers.vfBaseAddresses.length; i++) {
    const low = rows[i]!;
    if (low === 0 || low === 0xffff_ffff) continue;
    const number = i;
    const type = low & 6;
    const upper = type === 4 ? hex(rows[++i]!, 8) : '';
    const attributes = `${type === 0 ? '32' : '64'}-bit, ${low & 8 ? '' : 'non-'}prefetchable`;
    lines.push(`\t\tRegion ${number}: Memory at ${upper}${hex((low & ~0xf) >>> 0, 8)} (${attributes})`);
  }
  return lines;
}

/** Where our own decoding of the VF BARs says the same as lspci's registers: regions that any specification allows. */
function decodedRegionLines(sriov: SriovCapability): string[] {
  return sriov.vfBaseAddresses.map(
    ({ index, bits, address, prefetchable }) =>
      `\t\tRegion ${index}: Memory at ${hex(address, bits === 64 ? 16 : 8)} (${bits}-bit, ${prefetchable ? '' : 'non-'}prefetchable)`,
  );
}

/** VF BARs are memory, of 32 or 64 bits, with a register for the upper half (PCIe r6.1 §9.3.3.14). */
function conforming(sriov: SriovCapability): boolean {
  return sriov.vfBaseAddresses.every(
    ({ space, bits, index }) => space === 'memory' && (bits === 32 || (bits === 64 && index < 5)),
  );
}

/** All lines of the SR-IOV capability, the first without `Capabilities: [xxx vN]`. */
export function sriovLines(sriov: SriovCapability): string[] {
  const { capabilities: c, control: k, status: s, registers: r, vfMigrationStateArray: array } = sriov;
  return [
    'Single Root I/O Virtualization (SR-IOV)',
    `\t\tIOVCap:\t${marks(['Migration', c.vfMigrationCapable], ['10BitTagReq', c.vf10BitTagRequesterSupported])} IntMsgNum ${c.vfMigrationInterruptMessageNumber}`,
    `\t\tIOVCtl:\t${marks(['Enable', k.vfEnable], ['Migration', k.vfMigrationEnable], ['Interrupt', k.vfMigrationInterruptEnable], ['MSE', k.vfMemorySpaceEnable], ['ARIHierarchy', k.ariCapableHierarchy], ['10BitTagReq', k.vf10BitTagRequesterEnable])}`,
    `\t\tIOVSta:\tMigration${mark(s.vfMigrationStatus)}`,
    `\t\tInitial VFs: ${r.initialVfs}, Total VFs: ${r.totalVfs}, Number of VFs: ${r.numVfs}, Function Dependency Link: ${hex(r.functionDependencyLink, 2)}`,
    `\t\tVF offset: ${r.firstVfOffset}, stride: ${r.vfStride}, Device ID: ${hex(r.vfDeviceId, 4)}`,
    `\t\tSupported Page Size: ${hex(r.supportedPageSizes, 8)}, System Page Size: ${hex(r.systemPageSize, 8)}`,
    ...(conforming(sriov) ? decodedRegionLines(sriov) : regionLines(sriov)),
    `\t\tVF Migration: offset: ${hex(array.offset, 8)}, BIR: ${array.bar.toString(16)}`,
  ];
}
