/** Media types and artifact types of everything that the tool reads or writes. */
export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayerTar: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  notationSignature: 'application/vnd.cncf.notary.signature',
  notationEnvelope: 'application/jose+json',
  sigstoreBundle: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  dssePayload: 'application/vnd.in-toto+json',
  /** The image manifest (YAML of the data scientist, as canonical JSON) and its smoke inputs. */
  imageManifestArtifact: 'application/vnd.amlpromote.image-manifest.v1+json',
  smokeInput: 'application/vnd.amlpromote.smoke-input.v1',
  /** Inside: which index a counter, which image a version is given to, while an import admits it. */
  claim: 'application/vnd.amlpromote.claim.v1+json',
  /** Local only, never believed by another zone: facts that a later step turns into attestations. */
  buildFacts: 'application/vnd.amlpromote.build-facts.v1+json',
  scanResult: 'application/vnd.amlpromote.scan-result.v1+json',
  cyclonedx: 'application/vnd.cyclonedx+json',
  scanReport: 'application/vnd.amlpromote.scan-report.v1+json',
} as const;

/** Annotation keys on the release index and on its descriptors. */
export const annotations = {
  name: 'dev.amlpromote.name',
  version: 'dev.amlpromote.version',
  release: 'dev.amlpromote.release',
  repository: 'dev.amlpromote.repository',
  /** On a descriptor of the release index: which part it plays, a `ReleaseRole`. */
  role: 'dev.amlpromote.role',
  /** On a claim: the tag that is claimed, and the digest that it is to name. */
  claimed: 'dev.amlpromote.claimed',
  claimedFor: 'dev.amlpromote.claimed-for',
  /** On an image manifest: the build key, sha256 hex. */
  buildKey: 'dev.amlpromote.build-key',
  /** On a stored scan result: scanner and advisory database that made it, `Scanner.cacheKey()`. */
  scanKey: 'dev.amlpromote.scan-key',
  /** On a stored scan result or build facts: see `ports/seal.ts`. */
  seal: 'dev.amlpromote.seal',
  predicateType: 'dev.sigstore.bundle.predicateType',
  bundleContent: 'dev.sigstore.bundle.content',
  created: 'org.opencontainers.image.created',
  refName: 'org.opencontainers.image.ref.name',
  baseName: 'org.opencontainers.image.base.name',
  baseDigest: 'org.opencontainers.image.base.digest',
} as const;

/** in-toto predicate types. A verifier names the one it wants; a signature alone proves nothing (threat 12). */
export const predicateTypes = {
  sbom: 'https://cyclonedx.org/bom',
  provenance: 'https://slsa.dev/provenance/v1',
  scan: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  approval: 'https://amlpromote.dev/approval/v1',
  receipt: 'https://slsa.dev/verification_summary/v1',
} as const;

export const isIndexType = (mediaType: string): boolean =>
  mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerManifestList;

export const isImageManifestType = (mediaType: string): boolean =>
  mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;
