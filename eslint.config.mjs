import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import tseslint from 'typescript-eslint';
import { ARROWS, forbiddenImports } from './tools/workspace/arrows.mjs';

const root = dirname(fileURLToPath(import.meta.url));

/** At target es2022 field initialisers run before parameter properties are set: the pair in one class is a trap. */
const noFieldWithParameterProperty = {
  selector:
    'ClassBody:has(> MethodDefinition[kind="constructor"] TSParameterProperty) > PropertyDefinition[value!=null]:has(ThisExpression)',
  message: 'A field initialiser that reads `this` runs before parameter properties are assigned: assign it in the constructor.',
};

const arrows = Object.keys(ARROWS)
  .filter((room) => existsSync(`${root}/packages/${room}`))
  .map((room) => ({
    files: [`packages/${room}/src/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns: forbiddenImports(room) }] },
  }));

/** Production code of a backend never loads its simulator. */
const noSimulatorInProduction = Object.keys(ARROWS)
  .filter((room) => existsSync(`${root}/packages/${room}/src/sim`))
  .map((room) => ({
    files: [`packages/${room}/src/**/*.ts`],
    ignores: [`packages/${room}/src/sim/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...forbiddenImports(room),
            { regex: '^\\.{1,2}/(.*/)?sim/', message: 'Production code never loads the simulator.' },
          ],
        },
      ],
    },
  }));

export default tseslint.config(
  { ignores: ['**/dist/**', '**/.nx/**', 'docs/api/**', '**/.test-results/**', '**/*.d.ts', '.cache/**', '**/.packed/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      'no-restricted-syntax': ['error', noFieldWithParameterProperty],
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-empty-object-type': 'off',
      '@typescript-eslint/only-throw-error': 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 16],
    },
  },
  { files: ['examples/**/*.ts'], rules: { 'no-console': 'off' } },
  ...arrows,
  ...noSimulatorInProduction,
  {
    files: ['**/test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: ['it', 'test', 'describe'] }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/only-throw-error': 'off',
    },
  },
);
