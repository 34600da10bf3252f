import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type * as z from 'zod';
import type { outputSchemas } from '../../src/cli/outputs.ts';
import { hexOf } from '../../src/domain/digest.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { predicateTypes } from '../../src/domain/media-types.ts';
import { parseManifest } from '../../src/oci/manifest.ts';
import { createRegistry } from '../../src/oci/registry/registry.ts';
import type { Repository } from '../../src/ports/content.ts';
import type { ToolResult } from '../support/run-tool.ts';
import { engineHost } from '../support/test-engine.ts';
import { needing, notationOracle } from '../support/tools.ts';
import { createAuditor } from './auditor.ts';
import type { Auditor } from './auditor.ts';
import { attachToAnother, copyAll, copyWithChangedEvidence } from './tampered.ts';
import { startWorld } from './world.ts';
import type { World } from './world.ts';

/**
 * What a promotion leaves in both zones, seen by the public tools through the plain-http ports. The image is one that the
 * engine built, where there is an engine.
 */
type Promoted = z.infer<(typeof outputSchemas)['promote']>;
type ZoneName = 'nonsensitive' | 'sensitive';
const zones = ['nonsensitive', 'sensitive'] as const;
const name = 'audited';

let world: World;
let auditor: Auditor;
let outside: Promoted;
let inside: Promoted;
let image: Digest;
let index: Digest;

test.before(async (t) => {
  world = await startWorld(engineHost);
  world.image(name);
  const run = async (argv: readonly string[]): Promise<Promoted> => {
    const { exitCode, stdout, stderr } = await world.start(argv).ended;
    t.is(exitCode, 0, `${stderr}\n${stdout}`);
    return JSON.parse(stdout) as Promoted;
  };
  outside = await run(world.outside(name));
  inside = await run(world.inside(name));
  image = outside.image.digest as Digest;
  index = outside.release!.digest as Digest;
  auditor = createAuditor(world.sandbox.directory);
});
test.after.always(() => world.close());

const repositoryOf = (zone: ZoneName, repository = name): Repository =>
  createRegistry({ host: world.sandbox.registries[zone].loopback, scheme: 'http' }).repository(
    `ml/${repository}`,
  );
const reference = (zone: ZoneName, digest: string, repository = name): string =>
  `${world.sandbox.registries[zone].loopback}/ml/${repository}@${digest}`;
const kinds = ['sbom', 'scan', 'provenance'] as const;

function worked(t: ExecutionContext, { code, stdout, stderr }: ToolResult): string {
  t.is(code, 0, stderr);
  return stdout;
}

/** Predicates of the statements that cosign has verified. */
const predicatesOf = (stdout: string): unknown[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => {
      const { payload } = JSON.parse(line) as { payload: string };
      const statement = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as { predicate: unknown };
      return statement.predicate;
    });

/** Our own verdict about an image in the sensitive zone, and which rules did not allow it. */
async function ourVerdict(
  t: ExecutionContext,
  repository: string,
  digest: string,
): Promise<{
  readonly exitCode: number | null;
  readonly verdict: string;
  readonly rules: readonly string[];
}> {
  const { host } = world.sandbox.registries.sensitive;
  const argv = ['verify', `${host}/ml/${repository}@${digest}`, '--json'];
  const zonesFile = path.join(world.sandbox.directory, 'inside/zones.yaml');
  const { exitCode, stdout } = await world.start([...argv, '--zones', zonesFile]).ended;
  const document = JSON.parse(stdout) as z.infer<(typeof outputSchemas)['verify']>;
  const rules = document.rules.filter(({ verdict }) => verdict !== 'allowed').map(({ rule }) => rule);
  t.log(repository, document.verdict, rules.join(' '));
  return { exitCode, verdict: document.verdict, rules };
}

const liar = needing('cosign', 'skopeo');
liar.serial('a registry that serves other bytes is found out, by the tools and by us', async (t) => {
  const sbom = outside.signatures.find(({ role }) => role === 'sbom')!.digest as Digest;
  const blobs = await Promise.all(
    [sbom, image].map(async (digest) => {
      const content = (await repositoryOf('sensitive').manifest(digest))!;
      return parseManifest(content).layers[0]!.digest;
    }),
  );
  // The hex is in the addresses of the registry and of its data endpoint.
  world.faults(
    blobs.map((digest) => ({ host: 'contososec', path: hexOf(digest), action: { kind: 'corrupt' } })),
  );
  t.teardown(() => world.faults([]));
  const at = reference('sensitive', image);
  t.not((await auditor.cosign(at, predicateTypes.sbom, 'release')).code, 0);
  const copy = ['copy', '--src-tls-verify=false', `docker://${at}`, `oci:${world.file('lied')}:image`];
  t.not((await auditor.skopeo(...copy)).code, 0);
  const { exitCode, rules } = await ourVerdict(t, name, image);
  t.is(exitCode, 10);
  t.true(rules.includes('sbom'));
});

const notation = needing(notationOracle);
for (const zone of zones)
  notation(`${zone}: notation verify, strict, of image and release`, async (t) => {
    for (const digest of [image, index])
      t.regex(worked(t, await auditor.notation(reference(zone, digest))), /Successfully verified signature/);
  });

const cosign = needing('cosign');
for (const zone of zones)
  cosign(`${zone}: cosign verify-attestation of SBOM, scan and provenance`, async (t) => {
    const [sbom, scan, provenance] = await Promise.all(
      kinds.map(async (kind) => {
        const at = reference(zone, image);
        const stdout = worked(t, await auditor.cosign(at, predicateTypes[kind], 'release'));
        const [predicate, ...more] = predicatesOf(stdout);
        t.is(more.length, 0, `one ${kind} and no other`);
        return predicate;
      }),
    );
    // cosign's statement says what the command has said.
    const { components } = sbom as { components: { type: string }[] };
    t.is(components.filter(({ type }) => type !== 'operating-system').length, outside.scan!.components);
    t.like(scan, {
      scanner: {
        db: { version: outside.scan!.database.digest },
        result: { image, coverage: { components: outside.scan!.components } },
      },
    });
    const { findings } = (scan as { scanner: { result: { findings: unknown[] } } }).scanner.result;
    t.is(findings.length, outside.scan!.findings);
    t.like(provenance, { buildDefinition: { internalParameters: { image } } });
    const wrong = await auditor.cosign(reference(zone, image), predicateTypes.sbom, 'receipt');
    t.not(wrong.code, 0, 'another key');
  });

cosign('sensitive: cosign verify-attestation of the receipt, by its own key', async (t) => {
  const at = reference('sensitive', image);
  const [receipt, ...more] = predicatesOf(
    worked(t, await auditor.cosign(at, predicateTypes.receipt, 'receipt')),
  );
  t.is(more.length, 0);
  t.like(receipt, {
    verificationResult: 'PASSED',
    policy: { digest: { sha256: inside.receipt!.policyDigest.slice('sha256:'.length) } },
  });
  t.not((await auditor.cosign(at, predicateTypes.receipt, 'release')).code, 0, 'not the release key');
  const outsideToo = await auditor.cosign(
    reference('nonsensitive', image),
    predicateTypes.receipt,
    'receipt',
  );
  t.not(outsideToo.code, 0, 'nothing of the inside is outside');
});

const oras = needing('oras');
oras('oras discover lists in both zones what the documents name', async (t) => {
  const discover = async (zone: ZoneName, digest: string): Promise<string> =>
    worked(t, await auditor.oras('discover', '--plain-http', '--format', 'json', reference(zone, digest)));
  for (const zone of zones) {
    const attached = await discover(zone, image);
    for (const { digest, role } of outside.signatures) t.true(attached.includes(digest), `${zone}: ${role}`);
    const signature = await discover(zone, index);
    for (const digest of outside.release!.signatures) t.true(signature.includes(digest), zone);
    t.is(attached.includes(inside.receipt!.digest), zone === 'sensitive');
  }
});

const crane = needing('crane');
crane('crane: the same bytes in both zones, under the same names', async (t) => {
  for (const digest of [image, index, ...outside.signatures.map((one) => one.digest)]) {
    const [there = '', here = ''] = await Promise.all(
      zones.map(async (zone) => worked(t, await auditor.crane('manifest', reference(zone, digest)))),
    );
    t.is(there, here);
    t.is(`sha256:${createHash('sha256').update(here.replace(/\n$/, '')).digest('hex')}`, digest);
  }
  const { loopback } = world.sandbox.registries.sensitive;
  for (const [tag, digest] of [
    [inside.delivered!.tag, image],
    [`release-${inside.release!.counter}`, index],
  ] as const)
    t.is(worked(t, await auditor.crane('digest', `${loopback}/ml/${name}:${tag}`)).trim(), digest);
});

const skopeo = needing('skopeo');
skopeo('skopeo takes the delivered image, and with the index its evidence', async (t) => {
  const source = `docker://${reference('sensitive', image)}`;
  const shown = worked(t, await auditor.skopeo('inspect', '--tls-verify=false', source));
  t.like(JSON.parse(shown), { Digest: image, Os: 'linux', Architecture: 'amd64' });
  const plain = '--src-tls-verify=false';
  const layout = world.file('skopeo-layout');
  worked(t, await auditor.skopeo('copy', plain, source, `oci:${layout}:image`));
  const raw = worked(t, await auditor.skopeo('inspect', '--raw', `oci:${layout}:image`));
  t.is(`sha256:${createHash('sha256').update(raw).digest('hex')}`, image);
  const release = `docker://${reference('sensitive', index)}`;
  const all = ['copy', '--all', '--preserve-digests', plain, release, `oci:${layout}-all:release`];
  worked(t, await auditor.skopeo(...all));
  for (const { digest } of outside.signatures)
    t.notThrows(() => readFileSync(path.join(`${layout}-all`, 'blobs', ...digest.split(':'))));
});

const both = needing(notationOracle, 'cosign');
const from = (): Repository => repositoryOf('sensitive');
/** Of each tool: does it accept what claims to be the image's evidence? */
async function accepted(repository: string, digest: string): Promise<readonly boolean[]> {
  const at = reference('sensitive', digest, repository);
  const results = await Promise.all([
    auditor.notation(at),
    ...kinds.map((kind) => auditor.cosign(at, predicateTypes[kind], 'release')),
  ]);
  return results.map(({ code }) => code === 0);
}

both('a copy elsewhere is as good: to the tools and to us', async (t) => {
  await copyAll(from(), repositoryOf('sensitive', 'copied'), image);
  t.deepEqual(await accepted('copied', image), [true, true, true, true]);
  t.like(await ourVerdict(t, 'copied', image), { exitCode: 0, verdict: 'allowed', rules: [] });
});

both('evidence that was changed afterwards: refused by the tools and by us', async (t) => {
  await copyWithChangedEvidence(from(), repositoryOf('sensitive', 'changed'), image);
  t.deepEqual(await accepted('changed', image), [false, false, false, false]);
  const { exitCode, rules } = await ourVerdict(t, 'changed', image);
  t.is(exitCode, 10);
  for (const rule of ['image-signature', ...kinds]) t.true(rules.includes(rule), rule);
});

both('evidence of another image: refused by the tools and by us', async (t) => {
  const other = await attachToAnother(from(), repositoryOf('sensitive', 'another'), image);
  t.not(other, image);
  t.deepEqual(await accepted('another', other), [false, false, false, false]);
  const { exitCode, rules } = await ourVerdict(t, 'another', other);
  t.is(exitCode, 10);
  for (const rule of ['image-signature', ...kinds]) t.true(rules.includes(rule), rule);
});
