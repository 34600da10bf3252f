import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { configs as regexp } from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '.work', 'images', 'test/golden/0.1.0'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  {
    // Text from outside must not take quadratic time: a run of blanks is enough to stop a scan for minutes.
    files: ['{src,commands,sandbox}/**/*.ts'],
    plugins: regexp.recommended.plugins,
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': 'error',
    },
  },
  {
    // Only the command line prints and reads the environment.
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/cli/settings.ts reads the environment.' },
      ],
    },
  },
  {
    files: ['{test,sandbox/test}/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/require-await': 'off' },
  },
  {
    // A cast hides what ava does not have (`test.skip.serial`), and then a file does not load where a program is missing.
    files: ['{test,sandbox/test}/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...[
          'TSTypeQuery[exprName.name="test"]',
          'TSTypeQuery[exprName.left.name="test"]',
          'TSTypeReference[typeName.name=/^(TestFn|SerialFn|SkipFn|OnlyFn|FailingFn)$/]',
        ].flatMap((type) =>
          ['TSAsExpression', 'TSTypeAssertion'].map((cast) => ({
            selector: `${cast} > ${type}`,
            message: 'No casts to a test function: write needing(…) of test/support/tools.ts.',
          })),
        ),
      ],
    },
  },
  prettier,
);
