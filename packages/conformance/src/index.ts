/**
 * The conformance suite that every PCI recovery backend must pass.
 * @packageDocumentation
 */
export * from './cases/case.js';
export { CASES } from './cases/index.js';
export * from './fact.js';
export * from './failure.js';
export * from './harness.js';
export * from './law/expectation.js';
export * from './law/script.js';
export * from './profile.js';
export { aerOwnerProfile } from './profiles/aer-owner.js';
export { aerProfile } from './profiles/aer.js';
export { eehPseriesProfile } from './profiles/eeh-pseries.js';
export { eehProfile } from './profiles/eeh.js';
export { zpciProfile } from './profiles/zpci.js';
export * from './register.js';
export * from './report/json-lines.js';
export * from './report/junit.js';
export * from './report/report.js';
export * from './report/tap.js';
export * from './report/text.js';
export { hasLayout, unmet, type LawPart, type Requirement } from './requirement.js';
export * from './run.js';
export { type StraySource } from './stray.js';
