import path from 'node:path';
import test from 'ava';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import { loadPolicy } from '../../src/manifest/policy.ts';
import { defaultRules, policyFiles, policyYaml } from '../support/manifest-samples.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

test('the policy of the design', async (t) => {
  const directory = await temporaryDirectory(t, { 'policy.yaml': policyYaml, ...policyFiles });
  const policy = await loadPolicy(path.join(directory, 'policy.yaml'));
  t.like(policy.scan, { failOn: 'high', unfixed: 'report', unknown: 'inconclusive', maxAge: 1_209_600 });
  t.like(policy.scan.exceptions[0], { id: 'CVE-2026-1', package: 'openssl', expires: '2026-12-31' });
  t.is(policy.trust.signers[0]?.ca, path.join(directory, 'trust/release-ca.pem'));
  t.is(policy.trust.receipts[0]?.certificate, path.join(directory, 'trust/receipt.pem'));
  t.is(policy.image.maxSize, 20 * 2 ** 30);
});

test('a policy that says nothing is the strict one, and trusts nobody', async (t) => {
  const directory = await temporaryDirectory(t, {
    'policy.yaml': 'apiVersion: amlpromote/v1\nkind: Policy\n',
  });
  const file = path.join(directory, 'policy.yaml');
  t.deepEqual(await loadPolicy(file), { ...defaultRules, file });
});

test('no policy is POLICY_MISSING, exit 2', async (t) => {
  const directory = await temporaryDirectory(t);
  const error = await t.throwsAsync(loadPolicy(path.join(directory, 'policy.yaml')), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'POLICY_MISSING');
  t.is(error.exitCode, 2);
});

const cases: readonly (readonly [title: string, from: string, to: string, expected: RegExp])[] = [
  ['misspelt key', 'failOn:', 'failon:', /:3:10: unknown key "failon" in scan; did you mean "failOn"\?/],
  [
    'severity',
    'failOn: high',
    'failOn: hihg',
    /scan.failOn: expected one of low, medium, high, critical, .*did you mean "high"\?/,
  ],
  [
    'unknown: ignore',
    'unknown: inconclusive',
    'unknown: ignore',
    /scan.unknown: expected one of inconclusive, allow/,
  ],
  ['age', 'maxAge: 14d', 'maxAge: 14 days', /scan.maxAge: is not a duration/],
  ['exception without an owner', 'owner: jo@contoso.example, ', '', /scan.exceptions\[0\].owner: is missing/],
  ['exception without an expiry', ', expires: 2026-12-31', '', /scan.exceptions\[0\].expires: is missing/],
  ['expiry that is no day', '2026-12-31', '2026-02-30', /scan.exceptions\[0\].expires: is not a date/],
  ['expiry of another form', '2026-12-31', '31.12.2026', /scan.exceptions\[0\].expires: is not a date/],
  [
    'required: 0',
    'required: 1',
    'required: 0',
    /trust.required: must be at least 1: unsigned images are never admitted/,
  ],
  [
    'more required than signers',
    'required: 1',
    'required: 2',
    /trust.required: is more than the signers listed/,
  ],
  [
    'subject',
    '"CN=release,O=Contoso,ST=Tokyo,C=JP"',
    'release',
    /trust.signers\[0\].subject: is not a distinguished name/,
  ],
  [
    'missing CA',
    './trust/release-ca.pem',
    './trust/none.pem',
    /:4:\d+: trust.signers\[0\].ca: there is no file/,
  ],
  [
    'missing receipt certificate',
    './trust/receipt.pem',
    './trust/none.pem',
    /trust.receipts\[0\].certificate: there is no file/,
  ],
  [
    'more approvals than approvers',
    'required: 0, approvers',
    'required: 1, approvers',
    /approvals: requires more approvals than it lists approvers/,
  ],
  [
    'exception for nothing',
    'id: CVE-2026-1, package: openssl, ',
    '',
    /exceptions\[0\]: must have exactly one of id and gap/,
  ],
  [
    'exception for both',
    'id: CVE-2026-1, ',
    'id: CVE-2026-1, gap: NO_DATABASE, ',
    /exceptions\[0\]: must have exactly one of id and gap/,
  ],
  [
    'gap without a subject',
    'id: CVE-2026-1, package: openssl, ',
    'gap: NO_DATABASE, ',
    /exceptions\[0\]: a gap needs the subject/,
  ],
  [
    'gap with a package',
    'id: CVE-2026-1, ',
    'gap: NO_DATABASE, subject: npm, ',
    /exceptions\[0\]: a package belongs to an id/,
  ],
  [
    'finding with a subject',
    'package: openssl, ',
    'subject: openssl, ',
    /exceptions\[0\]: a subject belongs to a gap/,
  ],
  [
    'gap that is none',
    'id: CVE-2026-1, package: openssl, ',
    'gap: NO_DATABASES, subject: npm, ',
    /exceptions\[0\]\.gap: /,
  ],
  [
    'anything unread',
    'id: CVE-2026-1, package: openssl, ',
    'gap: UNREADABLE_LAYER, subject: "*", ',
    /exceptions\[0\]: what could not be read may be anything/,
  ],
  ['size', '20GiB', '20 gigs', /image.maxSize: is not a size/],
  ['no platform', '[linux/amd64]', '[]', /image.platforms/],
  [
    'forbidRoot as text',
    'forbidRoot: false',
    'forbidRoot: "no"',
    /image.forbidRoot: expected true or false, got the text "no"/,
  ],
];

for (const [title, from, to, expected] of cases)
  test(`refused: ${title}`, async (t) => {
    t.true(policyYaml.includes(from), 'the case must change the sample');
    const directory = await temporaryDirectory(t, {
      'policy.yaml': policyYaml.replace(from, () => to),
      ...policyFiles,
    });
    const error = await t.throwsAsync(loadPolicy(path.join(directory, 'policy.yaml')), {
      instanceOf: AmlpromoteError,
    });
    t.is(error.code, 'MANIFEST_INVALID');
    t.regex(error.message, expected);
  });
