import type { Descriptor } from '../../src/domain/descriptor.ts';
import { annotations, mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import type { MemoryRegistry } from './memory-registry.ts';

/** Annotations as a Go registry takes and lists them, and as others may. */
export const junkAnnotations: readonly unknown[] = [
  { a: null },
  { a: 1 },
  { a: 1.5 },
  { a: '\ud800' },
  JSON.parse('{"__proto__":"x"}'),
  { [annotations.predicateType]: null },
  ['a'],
  'a',
];

export const junkTypes: readonly unknown[] = [
  mediaTypes.sigstoreBundle,
  mediaTypes.notationSignature,
  'application/vnd.example.junk',
  'no type',
  7,
];

/** What somebody attaches who may push and nothing else. */
export function attachJunk(
  registry: MemoryRegistry,
  repository: string,
  subject: Descriptor,
  junk: { readonly artifactType: unknown; readonly annotations: unknown },
): Descriptor {
  const { mediaType, digest, size } = subject;
  const empty = registry.putBlob(repository, '{}', mediaTypes.ociEmpty);
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: empty,
    layers: [empty],
    subject: { mediaType, digest, size },
    ...junk,
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const descriptor = {
    mediaType: mediaTypes.ociManifest,
    digest: sha256(bytes),
    size: bytes.byteLength,
  };
  return registry.putManifest(repository, { descriptor, bytes });
}
