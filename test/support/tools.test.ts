import path from 'node:path';
import test from 'ava';
import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { findTool, needing } from './tools.ts';

const root = path.resolve(import.meta.dirname, '../..');
const rule = 'no-restricted-syntax';

/** Messages of the project's rule against casts, for a file among the tests. */
async function castsIn(text: string): Promise<readonly string[]> {
  const config = (await new ESLint({ cwd: root }).calculateConfigForFile(
    path.join(root, 'test/any.test.ts'),
  )) as { rules: Record<string, Linter.RuleEntry> };
  return new Linter()
    .verify(text, [
      {
        languageOptions: { parser: tseslint.parser },
        rules: { [rule]: config.rules[rule] ?? 'off' },
      },
    ])
    .map(({ ruleId, message }) => `${String(ruleId)}: ${message}`);
}

for (const text of [
  'const run = (isHere ? test : test.skip) as typeof test;',
  'const run = { run: test.skip as typeof test };',
  'const run = test.skip as unknown as typeof test.serial;',
  'const run = test.skip as unknown as TestFn;',
  'const run = test.skip as SerialFn<Context>;',
  'const run = <typeof test>test.skip;',
])
  test(`no cast to a test function: ${text}`, async (t) => {
    const [message, ...more] = await castsIn(text);
    t.regex(message ?? '', /^no-restricted-syntax: .*needing/);
    t.deepEqual(more, []);
  });

test('other casts and plain skips are no business of that rule', async (t) => {
  for (const text of [
    'const first = JSON.parse(text) as typeof second;',
    "test.skip('later', () => {});",
    "test.serial.skip('later', () => {});",
  ])
    t.deepEqual(await castsIn(text), []);
});

needing('node')('what is here runs', (t) => {
  t.is(t.title, 'what is here runs (needs node)');
});

needing({ name: 'nothing at all', isHere: true }).serial('serial, too', (t) => {
  t.is(t.title, 'serial, too (needs nothing at all)');
});

test('what is not here is not found', (t) => {
  t.is(findTool('amlpromote-no-such-program'), undefined);
});
