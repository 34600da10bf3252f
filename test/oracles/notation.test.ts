import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { signNotation } from '../../src/evidence/notation.ts';
import { makeIdentities, temporaryFolder } from '../support/identities.ts';
import { findTool, needing, notationOracle } from '../support/tools.ts';

/** The judge itself: that it says yes and no, in each of its forms, for the reasons that notation has. */
const program = findTool(notationOracle) ?? '';
const run = needing(notationOracle);

const target: Descriptor = { mediaType: mediaTypes.ociManifest, digest: sha256('image'), size: 5 };
const trusted = 'x509.subject: C=JP, ST=Tokyo, O=Contoso, CN=release';

interface Answer {
  readonly id: string;
  readonly verified: boolean;
  readonly stage?: string;
  readonly error?: string;
  readonly results?: readonly { readonly type: string; readonly action: string; readonly error?: string }[];
  readonly version: string;
}

async function signed() {
  const now = new Date();
  const identities = await makeIdentities(now);
  const { blobs } = await signNotation(target, identities.releaseSigner, now);
  const envelope = Buffer.from(blobs[1]!.bytes);
  const question = {
    envelope: envelope.toString('base64'),
    descriptor: target,
    ca: [identities.release.ca.certificate],
    trustedIdentities: [trusted],
  };
  return { identities, envelope, question };
}

const ask = (questions: readonly object[]): readonly Answer[] =>
  execFileSync(program, {
    input: questions.map((question) => `${JSON.stringify(question)}\n`).join(''),
    encoding: 'utf8',
  })
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);

run('in bulk: answers in order, each with the reason of its own', async (t) => {
  const { identities, envelope, question } = await signed();
  const text = envelope.toString();
  const changed = Buffer.from(text.replace(/"signature":"../, '"signature":"AA')).toString('base64');
  const cases: readonly (readonly [id: string, changes: object, RegExp | undefined])[] = [
    ['good', {}, undefined],
    ['the same, revocation skipped', { override: { revocation: 'skip' } }, undefined],
    [
      'level audit',
      { level: 'audit', trustedIdentities: ['x509.subject: C=JP, ST=Tokyo, O=Other'] },
      undefined,
    ],
    ['another digest', { descriptor: { ...target, digest: sha256('other') } }, /descriptor mismatch/],
    ['another size', { descriptor: { ...target, size: 6 } }, /descriptor mismatch/],
    ['a changed signature', { envelope: changed }, /invalid/],
    ['no envelope', { envelope: '' }, /./],
    ['another identity', { trustedIdentities: ['x509.subject: C=JP, ST=Tokyo, O=Other'] }, /trusted identit/],
    ['no CA', { ca: [] }, /no x509 certificates/],
    [
      'a CA that did not sign',
      { ca: [identities.release.leaf.chain.split(/(?<=END CERTIFICATE-----\n)/)[0]] },
      /./,
    ],
    ['a policy that is none', { trustedIdentities: ['x509.subject: O=Contoso'] }, /./],
  ];
  const answers = ask(cases.map(([id, changes]) => ({ id, ...question, ...changes })));
  t.deepEqual(
    answers.map(({ id }) => id),
    cases.map(([id]) => id),
  );
  for (const [index, [id, , error]] of cases.entries()) {
    const answer = answers[index]!;
    t.is(answer.verified, error === undefined, `${id}: ${String(answer.error)}`);
    t.regex(answer.error ?? '', error ?? /^$/, id);
    t.regex(answer.version, /^notation-go v1\.\d+\.\d+, notation-core-go v1\.\d+\.\d+$/);
  }
  t.deepEqual(
    answers[0]!.results?.map(({ type, action }) => `${type} ${action}`),
    ['integrity', 'authenticity', 'expiry', 'authenticTimestamp', 'revocation'].map(
      (type) => `${type} enforce`,
    ),
  );
  t.is(answers.find(({ id }) => id === 'a policy that is none')?.stage, 'policy');
  t.is(answers.find(({ id }) => id === 'another size')?.stage, 'signature');
});

run('one envelope by arguments: the same verdict, and an exit code', async (t) => {
  const { identities, envelope } = await signed();
  const file = path.join(temporaryFolder('envelope'), 'signature.jws');
  writeFileSync(file, envelope);
  const judge = (digest: string) => {
    const what = ['--media-type', target.mediaType, '--digest', digest, '--size', String(target.size)];
    const whom = ['--ca', identities.files.releaseCa, '--identity', trusted, '--skip-revocation'];
    const { status, stdout } = spawnSync(program, ['envelope', '--file', file, ...what, ...whom], {
      encoding: 'utf8',
    });
    return { status, verified: (JSON.parse(stdout) as Answer).verified };
  };
  t.deepEqual(judge(target.digest), { status: 0, verified: true });
  t.deepEqual(judge(sha256('other')), { status: 1, verified: false });
});

run('what is no question gets no answer', async (t) => {
  for (const input of ['{"id":', '{"id":"x","envelop":""}', '[]']) {
    const { status, stdout } = spawnSync(program, { input, encoding: 'utf8' });
    t.is(status, 2, input);
    t.is(stdout, '', input);
  }
  t.is(spawnSync(program, ['envelope', '--file', '/nonexistent']).status, 2);
  t.is(spawnSync(program, ['judge']).status, 2);
});
