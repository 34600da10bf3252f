import test from 'ava';
import type { ScanOutput, StatusOutput, VerifyOutput } from '../../src/cli/outputs.ts';
import { renderPromotions } from '../../src/cli/render/promote.ts';
import { renderScan } from '../../src/cli/render/scan.ts';
import { renderStatus } from '../../src/cli/render/status.ts';
import { renderVerification } from '../../src/cli/render/verify.ts';
import { sha256 } from '../../src/domain/sha256.ts';

const image = sha256('image');
const index = sha256('index');
const subject = { name: 'churn', version: '1.4.0', repository: 'ml/churn' };
const releases = [{ counter: 7, digest: index, version: '1.4.0', image }];

const rowsOf = (text: string): readonly string[] => text.split('\n').map((row) => row.replace(/ +/g, ' '));

test('status: a side that cannot be seen is not a "no"', (t) => {
  const status: StatusOutput = {
    ...subject,
    outside: 'not visible from here',
    inside: { releases: [], receipts: 0, environments: [] },
  };
  t.deepEqual(rowsOf(renderStatus(status)), [
    'churn 1.4.0 (ml/churn)',
    'outside not visible from here',
    'inside delivered no',
    ' releases none',
    ' receipts 0',
    ' environment none',
    ' last job none',
  ]);
});

test('status: what is where', (t) => {
  const status: StatusOutput = {
    ...subject,
    outside: { built: image, published: image, releases },
    inside: {
      delivered: { digest: image, tag: '1.4.0' },
      releases,
      receipts: 1,
      environments: [{ workspace: 'risk', id: '/subscriptions/x' }],
      lastJob: { name: 'churn-1', status: 'Completed', proof: 'verified' },
    },
  };
  t.deepEqual(rowsOf(renderStatus(status)), [
    'churn 1.4.0 (ml/churn)',
    `outside built ${image}`,
    ` published ${image}`,
    ` release 7 1.4.0 ${index}`,
    `inside delivered 1.4.0 ${image}`,
    ` release 7 1.4.0 ${index}`,
    ' receipts 1',
    ' in risk /subscriptions/x',
    ' last job churn-1: Completed',
  ]);
});

test('status: asked by release.json, nothing is claimed about what would be built now', (t) => {
  const known = renderStatus({
    ...subject,
    outside: { published: image, releases },
    inside: 'not visible from here',
  });
  t.deepEqual(rowsOf(known).slice(1, 3), [`outside published ${image}`, ` release 7 1.4.0 ${index}`]);
  const unknown = renderStatus({
    ...subject,
    outside: { releases: [] },
    inside: 'not visible from here',
  });
  t.deepEqual(rowsOf(unknown).slice(1, 3), ['outside built not yet, or from other sources', ' published no']);
});

const verification: VerifyOutput = {
  verdict: 'refused',
  subject: `contososec.azurecr.io/ml/churn@${index}`,
  policyDigest: sha256('policy'),
  rules: [
    { rule: 'sbom', verdict: 'allowed', summary: 'Contents are attested.', reasons: [], evidence: [] },
    {
      rule: 'findings',
      verdict: 'refused',
      summary: 'Findings are acceptable.',
      reasons: [
        { code: 'SEVERITY', verdict: 'allowed', subject: 'CVE-1 in tar', detail: 'accepted by jo' },
        {
          code: 'SEVERITY',
          verdict: 'refused',
          subject: 'CVE-2 in \u001B[2Jzlib',
          detail: 'critical',
        },
      ],
      evidence: [],
    },
    {
      rule: 'listing',
      verdict: 'inconclusive',
      summary: 'Everything is there.',
      reasons: [
        { code: 'UNREACHABLE', verdict: 'inconclusive', subject: index, detail: 'not checked' },
        {
          code: 'UNREACHABLE',
          verdict: 'inconclusive',
          subject: `contososec.azurecr.io/ml/churn@${index}`,
          detail: 'nor this',
        },
      ],
      evidence: [],
    },
  ],
};

test('verify: a line for each rule, refusals before everything else, and the subject not again and again', (t) => {
  t.deepEqual(rowsOf(renderVerification(verification)), [
    `contososec.azurecr.io/ml/churn@${index}`,
    'yes sbom Contents are attested.',
    'NO findings Findings are acceptable.',
    ' REFUSED SEVERITY CVE-2 in \\u{1b}[2Jzlib: critical',
    ' allowed SEVERITY CVE-1 in tar: accepted by jo',
    '? listing Everything is there.',
    ' could not check UNREACHABLE not checked',
    ' could not check UNREACHABLE nor this',
    `verdict: REFUSED, under policy ${verification.policyDigest}`,
  ]);
});

const scanned: ScanOutput = {
  image: { repository: 'ml/churn', digest: image, mediaType: 'm', size: 1 },
  verdict: 'inconclusive',
  reasons: [
    { code: 'UNKNOWN_COVERAGE', verdict: 'inconclusive', subject: 'Debian:12', detail: 'no advisories' },
  ],
  findings: [],
  components: 88,
  gaps: [{ code: 'NO_DATABASE', subject: 'Debian:12', detail: 'no advisories' }],
  database: { digest: sha256('database') },
  sbom: { digest: sha256('sbom') },
  already: false,
};

test('scan: no findings is not clean where nothing could be matched', (t) => {
  const rows = rowsOf(renderScan(scanned));
  t.is(rows[1], 'verdict could not check');
  t.is(rows[2], 'contents 88 packages, 0 findings, 1 gap in coverage');
  t.regex(rows[3] ?? '', /^database sha256:[0-9a-f]{12}, newest record none$/);
  t.is(rows.at(-1), ' could not check UNKNOWN_COVERAGE Debian:12: no advisories');
});

test('promote: outputs that cannot be read are not told as empty; a log cannot steer the terminal', (t) => {
  const text = renderPromotions([
    {
      image: { ...scanned.image, version: '1.4.0' },
      signatures: [],
      job: {
        id: '/subscriptions/x',
        name: 'churn-1',
        status: 'Completed',
        outputs: [
          { name: 'model', uri: 'azureml://x', files: [], readable: false },
          { name: 'report', uri: 'azureml://y', files: [] },
        ],
        log: `${'early\n'.repeat(9)}late \u001B[2J\n`,
      },
    },
    { image: { name: 'score' }, error: { code: 'POLICY_REFUSED', message: 'm', nextSteps: [] } },
  ]);
  t.regex(text, /^ {2}model +\(not readable from here\) {2}azureml:\/\/x$/m);
  t.regex(text, /^ {2}report +\(empty\) {2}azureml:\/\/y$/m);
  t.is(text.split('\n').filter((line) => line.includes('early')).length, 4);
  t.false(text.includes('\u001B'));
  t.regex(text, /^image +score\nfailed +POLICY_REFUSED$/m);
});
