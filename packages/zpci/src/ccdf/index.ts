export * from './availability-record.js';
export * from './error-record.js';
export * from './event-code.js';
export { type CcdfField } from './layout.js';
