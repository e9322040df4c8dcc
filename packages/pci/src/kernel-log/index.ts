/**
 * What kernel logs say about PCI error recovery, read into typed records.
 * @packageDocumentation
 */
export { parseLogLine, type LogLine, type LogTime } from './prefix.js';
export * from './record.js';
export * from './scan.js';
export { KernelLogScanner, LONGEST_LINE, type LogSink } from './scanner.js';
