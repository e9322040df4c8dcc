export { UeventMonitor, type UeventMonitorOptions, type UeventRejections } from './monitor.js';
export * from './parse.js';
