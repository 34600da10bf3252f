import test from 'ava';
import fc from 'fast-check';
import { AmlpromoteError } from '../../src/domain/errors.ts';
import type { BuildFacts } from '../../src/domain/build.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { canonicalBytes } from '../../src/json/canonical.ts';
import { parseProvenance, provenancePredicate } from '../../src/evidence/predicates/provenance.ts';
import { parseReceiptPredicate, receiptPredicate } from '../../src/evidence/predicates/receipt.ts';
import type { ReceiptStatement } from '../../src/evidence/predicates/receipt.ts';
import { checkBom, sbomPredicate } from '../../src/evidence/predicates/sbom.ts';
import { parseScanPredicate, scanPredicate } from '../../src/evidence/predicates/scan.ts';
import { anyReport, finding, gap, report } from '../support/scan-reports.ts';
import { factsFor, oldFactsFor } from '../support/signed-release.ts';

const image = sha256('image');

/** As another process would read it. */
const transport = (predicate: unknown): Record<string, unknown> =>
  JSON.parse(Buffer.from(canonicalBytes(predicate)).toString()) as Record<string, unknown>;

const receipt: ReceiptStatement = {
  toolVersion: '0.1.0',
  verifiedAt: '2026-11-21T12:00:00Z',
  resource: `sec.azurecr.test/ml/churn-train@${image}`,
  policyDigest: sha256('policy'),
  inputs: [sha256('index'), sha256('signature')],
  result: 'PASSED',
  release: {
    name: 'churn-train',
    version: '1.4.0',
    release: 7,
    repository: 'ml/churn-train',
    index: sha256('index'),
  },
  highest: 7,
  previous: [sha256('previous')],
  actions: ['mounted', 'tagged 1.4.0'],
};

test('a scan report reads back as it was, whatever it found', (t) => {
  fc.assert(
    fc.property(anyReport, (made) => {
      t.deepEqual(parseScanPredicate(transport(scanPredicate(made)), made.image, 'scan'), made);
    }),
    { numRuns: 30 },
  );
});

test('the scan predicate has the shape that cosign publishes', (t) => {
  t.like(transport(scanPredicate(report({ findings: [finding()] }))), {
    invocation: { uri: '', event_id: '', 'builder.id': '' },
    scanner: { uri: 'test:', version: '1', db: { version: sha256('database') } },
    metadata: { scanStartedOn: '2026-11-21T10:00:00Z', scanFinishedOn: '2026-11-21T10:00:01Z' },
  });
});

test('provenance reads back as it was, and is SLSA v1', (t) => {
  const full = factsFor(image);
  const predicate = transport(provenancePredicate(full));
  t.deepEqual(parseProvenance(predicate, image, 'provenance'), full);
  t.like(predicate, {
    buildDefinition: {
      buildType: 'https://amlpromote.dev/build/engine/v2',
      externalParameters: { argNames: ['BASE', 'BUILD_ID'], args: { BASE: 'python:3.12-slim' } },
      resolvedDependencies: [
        { uri: 'docker://python:3.12-slim', digest: { sha256: sha256('base').slice(7) } },
        { uri: 'git+https://git.example/churn', digest: { gitCommit: 'b'.repeat(40) } },
      ],
    },
    runDetails: { builder: { id: 'https://amlpromote.dev/builder/docker', version: { docker: '20.10' } } },
  });
  const { buildKey, source, dockerfile, argNames, args, ...bare } = full;
  t.truthy([buildKey, source, dockerfile, argNames, args]);
  const least = {
    ...bare,
    kind: 'source-image' as const,
    bases: [{ name: 'scratch', role: 'root' as const, layers: [] }],
  };
  t.deepEqual(parseProvenance(transport(provenancePredicate(least)), image, 'provenance'), least);
  t.like(transport(provenancePredicate(least)), { buildDefinition: { resolvedDependencies: { length: 0 } } });
});

/** As version 0.1.0 recorded it. */
const oldFacts = oldFactsFor(image);

test('provenance of version 0.1.0 is read as it was written, and written as it was', (t) => {
  const written = {
    buildDefinition: {
      buildType: 'https://amlpromote.dev/build/engine/v1',
      externalParameters: {
        platform: 'linux/amd64',
        dockerfile: 'Dockerfile',
        args: { BASE: 'python:3.12-slim', BUILD_ID: '7' },
        source: { repository: 'https://git.example/churn', commit: 'b'.repeat(40), dirty: false },
      },
      internalParameters: {
        image,
        identity: 'https://ci.example/run/7',
        bases: [{ name: 'python:3.12-slim', digest: sha256('base') }],
        buildKey: 'a'.repeat(64),
      },
      resolvedDependencies: [
        { uri: 'docker://python:3.12-slim', digest: { sha256: sha256('base').slice(7) } },
        { uri: 'git+https://git.example/churn', digest: { gitCommit: 'b'.repeat(40) } },
      ],
    },
    runDetails: {
      builder: { id: 'https://amlpromote.dev/builder/docker', version: { docker: '20.10' } },
      metadata: { startedOn: '2026-11-21T09:00:00Z', finishedOn: '2026-11-21T09:05:00Z' },
    },
  };
  t.deepEqual(parseProvenance(written, image, 'provenance'), oldFacts);
  t.deepEqual(transport(provenancePredicate(oldFacts)), written);
});

test('provenance for readers of version 0.1.0 has what that version knew, and no value more', (t) => {
  const facts = factsFor(image, {
    bases: [
      ...factsFor(image).bases,
      { name: 'tools:1', digest: sha256('tools'), role: 'copy' },
      { name: 'docker/dockerfile:1', role: 'frontend' },
    ],
  });
  const read = parseProvenance(transport(provenancePredicate(facts, 1)), image, 'provenance');
  t.deepEqual(read.bases, [
    { name: 'python:3.12-slim', digest: sha256('base') },
    { name: 'tools:1', digest: sha256('tools') },
  ]);
  t.deepEqual(read.args, { BASE: 'python:3.12-slim' });
  const scratch = factsFor(image, { bases: [{ name: 'scratch', role: 'root', layers: [] }] });
  t.deepEqual(parseProvenance(transport(provenancePredicate(scratch, 1)), image, 'p').bases, []);
});

const layer = sha256('layer');
const contradictions: readonly (readonly [string, Partial<BuildFacts>])[] = [
  ['no root', { bases: [{ name: 'a', role: 'copy' }] }],
  [
    'two roots',
    {
      bases: [
        { name: 'a', role: 'root' },
        { name: 'b', role: 'root' },
      ],
    },
  ],
  ['a base without a role', { bases: [{ name: 'a', role: 'root' }, { name: 'b' }] }],
  ['a root that begins with nothing', { bases: [{ name: 'a', role: 'root', layers: [] }] }],
  ['layers of scratch', { bases: [{ name: 'scratch', role: 'root', layers: [layer] }] }],
  ['scratch without saying that it has none', { bases: [{ name: 'scratch', role: 'root' }] }],
  ['a digest of scratch', { bases: [{ name: 'scratch', digest: layer, role: 'root', layers: [] }] }],
  [
    'layers of a copied image',
    {
      bases: [
        { name: 'a', role: 'root' },
        { name: 'b', role: 'copy', layers: [layer] },
      ],
    },
  ],
  ['a digest that is none', { bases: [{ name: 'a', digest: 'sha256:00', role: 'root' }] }],
  ['layers that are no digests', { bases: [{ name: 'a', role: 'root', layers: ['sha256:00' as Digest] }] }],
  ['a base without a name', { bases: [{ name: '', role: 'root' }] }],
  ['a value without a name', { argNames: ['A'], args: { B: '1' } }],
  ['names out of order', { argNames: ['B', 'A'] }],
  ['a name twice', { argNames: ['A', 'A'], args: {} }],
  ['arguments of what was not built', { kind: 'source-image' }],
];
for (const [what, changes] of contradictions) {
  test(`provenance, version 2: ${what} is refused`, (t) => {
    const predicate = transport(provenancePredicate(factsFor(image, changes), 2));
    t.throws(() => parseProvenance(predicate, image, 'provenance'), { code: 'CONTENT_INVALID' });
  });
}

test('provenance, version 2: a build that does not name its arguments is refused', (t) => {
  const { argNames, args, ...unsaid } = factsFor(image);
  t.truthy([argNames, args]);
  t.throws(() => parseProvenance(transport(provenancePredicate(unsaid)), image, 'p'), {
    code: 'CONTENT_INVALID',
  });
});

test('a receipt reads back as it was, and is a verification summary', (t) => {
  t.deepEqual(parseReceiptPredicate(transport(receiptPredicate(receipt)), 'receipt'), receipt);
  t.like(transport(receiptPredicate({ ...receipt, result: 'FAILED' })), {
    verificationResult: 'FAILED',
    verifiedLevels: ['FAILED'],
    timeVerified: '2026-11-21T12:00:00Z',
  });
});

test('an SBOM is a CycloneDX document', (t) => {
  const bom = { bomFormat: 'CycloneDX', specVersion: '1.6', components: [{ name: 'ä', version: '1' }] };
  t.deepEqual(checkBom(sbomPredicate(Buffer.from(JSON.stringify(bom))), 'SBOM'), bom);
  for (const text of [
    '{}',
    '[]',
    '{"bomFormat":"SPDX","specVersion":"1.6"}',
    'junk',
    '{"bomFormat":"CycloneDX"}',
  ]) {
    t.is(
      t.throws(() => sbomPredicate(Buffer.from(text)), { instanceOf: AmlpromoteError }).code,
      'CONTENT_INVALID',
    );
  }
});

type Json = Record<string, unknown>;
const inside = (value: unknown, ...path: readonly string[]): Json =>
  path.reduce<unknown>((part, key) => (part as Json)[key], value) as Json;

const made = {
  scan: () =>
    transport(
      scanPredicate(
        report({ findings: [finding()], coverage: { components: 1, ecosystems: [], gaps: [gap] } }),
      ),
    ),
  provenance: () => transport(provenancePredicate(factsFor(image))),
  receipt: () => transport(receiptPredicate(receipt)),
};
const parse = {
  scan: (predicate: unknown) => parseScanPredicate(predicate, image, 'scan'),
  provenance: (predicate: unknown) => parseProvenance(predicate, image, 'provenance'),
  receipt: (predicate: unknown) => parseReceiptPredicate(predicate, 'receipt'),
};

const wrong: readonly [string, keyof typeof made, (predicate: Json) => void][] = [
  ['a scan of another image', 'scan', (p) => (inside(p, 'scanner', 'result').image = sha256('other'))],
  [
    'an unknown severity',
    'scan',
    (p) => (inside(p, 'scanner', 'result', 'findings', '0').severity = 'negligible'),
  ],
  [
    'an unknown kind of gap',
    'scan',
    (p) => (inside(p, 'scanner', 'result', 'coverage', 'gaps', '0').code = 'FINE'),
  ],
  ['a member that we do not read', 'scan', (p) => (inside(p, 'scanner', 'result').ignored = ['CVE-2026-1'])],
  ['a member of the wrapper that we do not read', 'scan', (p) => (inside(p, 'scanner').findings = [])],
  [
    'a wrapper that contradicts the report',
    'scan',
    (p) => (inside(p, 'metadata').scanFinishedOn = '2030-01-01T00:00:00Z'),
  ],
  ['a misspelt twin', 'scan', (p) => (inside(p, 'scanner', 'result').Findings = [])],
  ['a report without findings', 'scan', (p) => (inside(p, 'scanner', 'result').findings = undefined)],
  ['no report', 'scan', (p) => (p.scanner = null)],
  [
    'another build type',
    'provenance',
    (p) => (inside(p, 'buildDefinition').buildType = 'https://example.com/x'),
  ],
  [
    'provenance of another image',
    'provenance',
    (p) => (inside(p, 'buildDefinition', 'internalParameters').image = sha256('other')),
  ],
  [
    'dependencies that contradict the bases',
    'provenance',
    (p) => (inside(p, 'buildDefinition').resolvedDependencies = []),
  ],
  ['two builders', 'provenance', (p) => (inside(p, 'runDetails', 'builder', 'version').other = '1')],
  [
    'a builder under another name',
    'provenance',
    (p) => (inside(p, 'runDetails', 'builder').id = 'https://amlpromote.dev/builder/other'),
  ],
  ['another verifier', 'receipt', (p) => (inside(p, 'verifier').id = 'https://example.com')],
  ['a verdict between the two', 'receipt', (p) => (p.verificationResult = 'PASSED?')],
  ['levels that contradict the verdict', 'receipt', (p) => (p.verifiedLevels = ['SLSA_BUILD_LEVEL_3'])],
  ['a counter that is no counter', 'receipt', (p) => (p.amlpromote_highest = 1.5)],
  ['a policy digest that is none', 'receipt', (p) => (inside(p, 'policy').digest = { sha256: 'x' })],
];
for (const [title, kind, change] of wrong) {
  test(`threat 12: ${kind} is refused: ${title}`, (t) => {
    const predicate = made[kind]();
    t.notThrows(() => parse[kind](predicate));
    change(predicate);
    t.is(t.throws(() => parse[kind](predicate), { instanceOf: AmlpromoteError }).code, 'CONTENT_INVALID');
  });
}

for (const [about, content] of Object.entries(made)) {
  test(`a ${about} predicate is never taken for another kind`, (t) => {
    for (const [kind, read] of Object.entries(parse)) {
      if (kind !== about) t.throws(() => read(content()), { instanceOf: AmlpromoteError });
    }
    t.throws(() => checkBom(content(), 'x'), { instanceOf: AmlpromoteError });
  });
}
