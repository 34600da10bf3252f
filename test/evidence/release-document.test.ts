import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { formatReleaseDocument, parseReleaseDocument } from '../../src/evidence/release-document.ts';

const valid = {
  apiVersion: 'amlpromote/v1' as const,
  kind: 'Release' as const,
  registry: 'contosodev.azurecr.io',
  repository: 'ml/churn-train',
  name: 'churn-train',
  version: '1.4.0',
  release: 7,
  index: { digest: sha256('index'), size: 1234 },
  signatures: [sha256('signature')],
};

test('what is written reads back', (t) => {
  t.deepEqual(parseReleaseDocument(Buffer.from(formatReleaseDocument(valid))), valid);
});

const refuses = test.macro((t, change: object | string, message: RegExp) => {
  const text = typeof change === 'string' ? change : JSON.stringify({ ...valid, ...change });
  const error = t.throws(() => parseReleaseDocument(Buffer.from(text), 'r.json'), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.exitCode, 2);
  t.regex(error.message, message);
});
test('unknown key', refuses, { extra: 1 }, /r\.json: .*extra/);
test('duplicate key', refuses, '{"kind":"Release","kind":"Release"}', /duplicate key "kind"/);
test(
  'another digest algorithm',
  refuses,
  { index: { digest: `sha512:${'a'.repeat(128)}`, size: 1 } },
  /index\.digest/,
);
test('no signature', refuses, { signatures: [] }, /signatures/);
test('name with a dot', refuses, { name: 'churn.train' }, /name/);
test('upper-case repository', refuses, { repository: 'ML/churn' }, /repository/);
test('a host with a path', refuses, { registry: 'evil.test/x' }, /registry/);
test('not JSON', refuses, 'hello', /not valid JSON/);
for (const repository of ['quarantine/ml/churn-train', 'amlpromote/trust'])
  test(`a repository of the tool's own: ${repository}`, refuses, { repository }, /repository/);

test('a version that version 0.1.0 could give stays readable, although it is reserved by now', (t) => {
  const old = { ...valid, version: 'p-1' };
  t.deepEqual(parseReleaseDocument(Buffer.from(formatReleaseDocument(old))), old);
});
