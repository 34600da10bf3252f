import path from 'node:path';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { sha256 } from '../../src/domain/sha256.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { loadPolicy } from '../../src/manifest/policy.ts';
import { policyDigest } from '../../src/policy/digest.ts';
import { policyFiles, policyYaml } from '../support/manifest-samples.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const digestOf = async (...file: readonly string[]): Promise<Digest> =>
  policyDigest(await loadPolicy(path.join(...file)), (certificate) => sha256(readFileSync(certificate)));

test('the policy digest does not depend on place, layout, comments or the paths of certificates', async (t) => {
  const one = await temporaryDirectory(t, { 'policy.yaml': policyYaml, ...policyFiles });
  const moved = policyYaml.replace('./trust/release-ca.pem', './ca.pem').replace('maxAge: 14d', 'maxAge: 2w');
  const other = await temporaryDirectory(t, {
    'p.yml': `# another file\n${moved}`,
    'ca.pem': policyFiles['trust/release-ca.pem'],
    'trust/receipt.pem': policyFiles['trust/receipt.pem'],
  });
  t.is(await digestOf(one, 'policy.yaml'), await digestOf(other, 'p.yml'));
});

test('threat 35: another rule or another certificate is another policy digest', async (t) => {
  const directory = await temporaryDirectory(t, {
    ...policyFiles,
    'policy.yaml': policyYaml,
    'rule.yaml': policyYaml.replace('failOn: high', 'failOn: critical'),
    'certificate.yaml': policyYaml.replace('release-ca.pem', 'receipt.pem'),
  });
  const names = ['policy.yaml', 'rule.yaml', 'certificate.yaml'];
  const digests = await Promise.all(names.map((name) => digestOf(directory, name)));
  t.is(new Set(digests).size, 3);
});

test('a policy that does not say args keeps the digest that version 0.1.0 gave it', async (t) => {
  const files = {
    'plain.yaml': 'apiVersion: amlpromote/v1\nkind: Policy\n',
    'any.yaml': 'apiVersion: amlpromote/v1\nkind: Policy\nimage: { args: any }\n',
  };
  const directory = await temporaryDirectory(t, files);
  t.is<string, string>(
    await digestOf(directory, 'plain.yaml'),
    'sha256:948c13daa7dce80c996ebb2917f2faa7e86c2d6935c064a371422e2e3717dd96',
  );
  t.not(await digestOf(directory, 'any.yaml'), await digestOf(directory, 'plain.yaml'));
});
