/**
 * Configuration space as bytes, and the walks through its lists.
 * @packageDocumentation
 */
export * from './capability-walk.js';
export * from './config-space.js';
export * from './extended-capability-walk.js';
export { Findings, type Finding, type FindingCode, type Report } from './finding.js';
