/**
 * A scripted kernel for tests: VFIO without hardware.
 * @packageDocumentation
 */
export { type AerSeverity } from './host/aer-counters.js';
export { type AerErrorDescription } from './host/aer-recovery.js';
export { type EehErrorDescription } from './host/eeh-recovery.js';
export { HostRecovery, type HostStep } from './host/recovery-steps.js';
export { type ErrorEventName } from './host/uevents.js';
export { ccdfRecord, type ZpciErrorDescription } from './host/zpci-recovery.js';
export { type CallName, type CallStart, type LoggedCall } from './kernel/call-log.js';
export { type KernelOptions } from './kernel/kernel-core.js';
export { ScriptedProcess, type ProcessOptions } from './kernel/process.js';
export { type Script, type Scripted, type ScriptedCalls } from './kernel/scripts.js';
export { type Scheduler } from './kernel/watches.js';
export * from './machine/description.js';
export { endpointConfig } from './machine/endpoint-config.js';
export { type PciFunction, type Silence } from './machine/pci-function.js';
export { type Pe } from './machine/pe.js';
export { type Zpci } from './machine/zpci.js';
export { ScriptedKernel, type Listening, type ScriptedKernelOptions } from './scripted-kernel.js';
export * from './answers/index.js';
export { openScene, type ScenePlace } from './answers/scene.js';
