export * from './diagnose.js';
export * from './facts.js';
export * from './obstacle.js';
