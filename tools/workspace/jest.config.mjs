import { fileURLToPath } from 'node:url';

const tsconfig = fileURLToPath(new URL('./tsconfig.jest.json', import.meta.url));

/** One jest configuration for every package: ESM, TypeScript transpiled file by file, sources instead of builds. */
export const jestConfig = (rootDir) => ({
  rootDir,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['pci-recovery-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig }] },
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/test/**/*.test.mjs'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
});
