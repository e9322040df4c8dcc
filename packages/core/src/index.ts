/**
 * Contract, engine and policies of PCI error recovery.
 * @packageDocumentation
 */
import 'reflect-metadata';

export * from './bdf.js';
export * from './contract/index.js';
export * from './events/event-queue.js';
export * from './events/event-stream.js';
export * from './errors/describe-error.js';
export * from './errors/pci-recovery-error.js';
export * from './plain.js';
export * from './core-module.js';
export * from './engine/create-engine.js';
export * from './engine/engine-settings.js';
export { ENGINE_CHANNEL } from './engine/observers.js';
export { DefaultRecoveryEngine } from './engine/recovery-engine.js';
export * from './policy/kernel-policy.js';
export * from './policy/serd.js';
export * from './time/system-clock.js';
export * from './time/wait.js';
export * from './tokens.js';
