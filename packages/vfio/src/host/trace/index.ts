export { AerTrace, type AerTraceOptions } from './aer-trace.js';
export { tracefs, type TraceFiles } from './instance.js';
export * from './parse.js';
