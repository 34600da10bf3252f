import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { BuildFacts } from '../../src/domain/build.ts';
import type { Descriptor } from '../../src/domain/descriptor.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { mediaTypes, predicateTypes } from '../../src/domain/media-types.ts';
import type { Release, ReleaseDocument, ReleaseRole } from '../../src/domain/release.ts';
import type { ScanReport } from '../../src/domain/scan.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { pushArtifact } from '../../src/evidence/artifact.ts';
import type { EvidenceArtifact } from '../../src/evidence/artifact.ts';
import { attest } from '../../src/evidence/attestation.ts';
import { encodeCarriedManifest } from '../../src/evidence/carried-manifest.ts';
import type { CarriedManifest } from '../../src/evidence/carried-manifest.ts';
import { signNotation } from '../../src/evidence/notation.ts';
import { provenancePredicate } from '../../src/evidence/predicates/provenance.ts';
import { scanPredicate } from '../../src/evidence/predicates/scan.ts';
import { encodeReleaseIndex } from '../../src/evidence/release-index.ts';
import { loadPolicy } from '../../src/manifest/policy.ts';
import type { Policy } from '../../src/manifest/policy.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import type { Repository } from '../../src/ports/content.ts';
import type { Signer } from '../../src/ports/signer.ts';
import { releaseSubject, temporaryFolder } from './identities.ts';
import type { TestIdentities } from './identities.ts';
import { report } from './scan-reports.ts';

/** A policy as the security team would write it, read by the real loader. `changes` replace whole sections. */
export function testPolicy(
  identities: TestIdentities,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<Policy> {
  const file = path.join(temporaryFolder('policy'), 'policy.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'amlpromote/v1',
      kind: 'Policy',
      trust: {
        signers: [{ name: 'release', ca: identities.files.releaseCa, subject: releaseSubject }],
        receipts: [{ name: 'receipt', certificate: identities.files.receipt }],
      },
      ...changes,
    }),
  );
  return loadPolicy(file);
}

/** What images of `pushImage` begin with, and end. */
export const sampleLayer = sha256(Buffer.alloc(10_240));

/** A small image: one layer of zeros, one config. `flavour` makes it another one. */
export async function pushImage(
  target: Repository,
  flavour = '',
  config: Readonly<Record<string, unknown>> = {},
): Promise<Descriptor> {
  const layer = gzipSync(Buffer.alloc(10_240));
  const bytes = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: { flavour } },
      rootfs: { type: 'layers', diff_ids: [sampleLayer] },
      ...config,
    }),
  );
  const blob = (mediaType: string, content: Uint8Array): EvidenceArtifact['blobs'][number] => ({
    descriptor: { mediaType, digest: sha256(content), size: content.byteLength },
    bytes: content,
  });
  const blobs = [blob(mediaTypes.ociConfig, bytes), blob(mediaTypes.ociLayerGzip, layer)];
  const manifest = encodeManifest({
    mediaType: mediaTypes.ociManifest,
    config: blobs[0]!.descriptor,
    layers: [blobs[1]!.descriptor],
  });
  await pushArtifact(target, { manifest, blobs });
  return manifest.descriptor;
}

export const factsFor = (image: Digest, changes: Partial<BuildFacts> = {}): BuildFacts => ({
  image,
  kind: 'engine',
  buildKey: 'a'.repeat(64),
  source: { repository: 'https://git.example/churn', commit: 'b'.repeat(40), dirty: false },
  bases: [{ name: 'python:3.12-slim', digest: sha256('base'), role: 'root', layers: [sampleLayer] }],
  dockerfile: 'Dockerfile',
  argNames: ['BASE', 'BUILD_ID'],
  args: { BASE: 'python:3.12-slim' },
  platform: 'linux/amd64',
  builder: { name: 'docker', version: '20.10' },
  identity: 'https://ci.example/run/7',
  startedAt: '2026-11-21T09:00:00Z',
  finishedAt: '2026-11-21T09:05:00Z',
  ...changes,
});

/** The same as version 0.1.0 recorded it: the values of all arguments, and bases without roles. */
export function oldFactsFor(image: Digest, changes: Partial<BuildFacts> = {}): BuildFacts {
  const { argNames, ...facts } = factsFor(image);
  const values = argNames?.map((name): [string, string] => [name, facts.args?.[name] ?? '7']);
  return {
    ...facts,
    args: Object.fromEntries(values ?? []),
    bases: facts.bases.map(({ name, digest }) => ({ name, ...(digest === undefined ? {} : { digest }) })),
    ...changes,
  };
}

/** By the scanner that the reports of `scan-reports.ts` name. */
export const bom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  metadata: { tools: { components: [{ type: 'application', name: 'test', version: '1' }] } },
  components: [],
};

export interface ReleaseOptions {
  readonly now: Date;
  readonly signer: Signer;
  readonly counter?: number;
  readonly version?: string;
  readonly flavour?: string;
  readonly image?: Descriptor;
  readonly report?: Partial<ScanReport>;
  readonly facts?: Partial<BuildFacts>;
  /** Facts as version 0.1.0 recorded them. */
  readonly oldFacts?: boolean;
  readonly carried?: Partial<CarriedManifest>;
  /** Smoke inputs that `carried` refers to by layer. */
  readonly inputs?: readonly Uint8Array[];
  /** Another signer, or none, for one part. */
  readonly signers?: Partial<Record<'index' | 'signature' | 'sbom' | 'scan' | 'provenance', Signer | null>>;
  /** Listed as well. */
  readonly extra?: Release['evidence'];
}

export interface SignedRelease {
  readonly image: Descriptor;
  readonly index: Descriptor;
  readonly document: ReleaseDocument;
  /** Digest of the manifest that plays a part. */
  readonly parts: Readonly<Partial<Record<ReleaseRole, Descriptor>>>;
}

/** A whole release in a repository, each part as the real steps make it; what `options` says is made otherwise. */
export async function pushRelease(target: Repository, options: ReleaseOptions): Promise<SignedRelease> {
  const { now } = options;
  const image = options.image ?? (await pushImage(target, options.flavour));
  const signerOf = (part: keyof NonNullable<ReleaseOptions['signers']>): Signer | null =>
    options.signers?.[part] === undefined ? options.signer : options.signers[part];
  const parts: Partial<Record<ReleaseRole, Descriptor>> = {};
  const push = async (role: ReleaseRole, artifact: EvidenceArtifact): Promise<void> => {
    await pushArtifact(target, artifact);
    parts[role] = artifact.manifest.descriptor;
  };
  const imageSigner = signerOf('signature');
  if (imageSigner) await push('signature', await signNotation(image, imageSigner, now));
  const predicates = {
    sbom: bom,
    scan: scanPredicate(report({ image: image.digest, ...options.report })),
    provenance: provenancePredicate(
      (options.oldFacts === true ? oldFactsFor : factsFor)(image.digest, options.facts),
    ),
  };
  for (const kind of ['sbom', 'scan', 'provenance'] as const) {
    const signer = signerOf(kind);
    if (!signer) continue;
    const predicateType = predicateTypes[kind];
    const request = { subject: image, name: target.name, predicateType, predicate: predicates[kind] };
    await push(kind, await attest(request, signer, now));
  }
  const carried: CarriedManifest = {
    apiVersion: 'amlpromote/v1',
    kind: 'CarriedManifest',
    name: 'churn-train',
    version: options.version ?? '1.4.0',
    repository: 'ml/churn-train',
    environment: { tags: {}, uses: [] },
    ...options.carried,
  };
  await push('image-manifest', encodeCarriedManifest(carried, options.inputs ?? [], image));
  const release: Omit<Release, 'index'> = {
    name: 'churn-train',
    version: options.version ?? '1.4.0',
    release: options.counter ?? 7,
    repository: 'ml/churn-train',
    image,
    evidence: [
      ...Object.entries(parts).map(([role, descriptor]) => ({
        role: role as Exclude<ReleaseRole, 'image'>,
        descriptor,
      })),
      ...(options.extra ?? []),
    ],
  };
  const index = encodeReleaseIndex(release);
  await target.pushManifest(index, `release-${release.release}`);
  const indexSigner = signerOf('index');
  const signatures: Digest[] = [];
  if (indexSigner) {
    const artifact = await signNotation(index.descriptor, indexSigner, now);
    await pushArtifact(target, artifact);
    signatures.push(artifact.manifest.descriptor.digest);
  }
  return {
    image,
    index: index.descriptor,
    parts,
    document: {
      apiVersion: 'amlpromote/v1',
      kind: 'Release',
      registry: 'dev.azurecr.test',
      repository: release.repository,
      name: release.name,
      version: release.version,
      release: release.release,
      index: { digest: index.descriptor.digest, size: index.descriptor.size },
      signatures,
    },
  };
}
