/**
 * The `pci-recovery` command as a function.
 * @packageDocumentation
 */
export { EXIT, type ExitCode } from './exit-code.js';
export { type Io } from './io.js';
export { main } from './main.js';
export { processIo, type HostProcess, type ProcessIo } from './process-io.js';
