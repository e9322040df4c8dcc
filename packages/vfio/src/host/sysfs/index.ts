export * from './aer-counters.js';
export * from './changes.js';
export * from './eeh-attributes.js';
export { type SysfsFinding, type SysfsFindingCode } from './finding.js';
export * from './iommu-groups.js';
export * from './recording.js';
export { Sysfs, type SysfsOptions } from './sysfs.js';
export * from './topology.js';
export * from './zpci-attributes.js';
