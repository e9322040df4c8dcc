export { KernelLog, type KernelLogOptions } from './kernel-log.js';
export * from './parse.js';
export * from './records.js';
