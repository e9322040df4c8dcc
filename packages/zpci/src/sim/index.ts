/**
 * Simulated zPCI functions and their firmware.
 * @packageDocumentation
 */
export {};
