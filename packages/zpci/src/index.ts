/**
 * The s390 zPCI backend.
 * @packageDocumentation
 */
import 'reflect-metadata';

export * from './ccdf/index.js';
