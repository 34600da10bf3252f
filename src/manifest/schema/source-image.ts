import type { Digest } from '../../domain/digest.ts';
import { isDigest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { parseReference } from '../../domain/reference.ts';
import type { ResolvePath } from './fields.ts';

/** An existing image to promote: in a registry, or in an OCI image layout on disk (absolute path). */
export type SourceImage =
  | { kind: 'image'; from: 'registry'; host: string; repository: string; digest: Digest }
  | { kind: 'image'; from: 'layout'; layout: string; digest: Digest };

/** `host/repository[:tag]@sha256:…` or `oci:DIRECTORY@sha256:…`; undefined for anything else, and without a digest. */
export function parseSourceImage(written: string, resolve: ResolvePath): SourceImage | undefined {
  if (written.startsWith('oci:')) {
    const at = written.lastIndexOf('@');
    const digest = written.slice(at + 1);
    if (at <= 'oci:'.length || !isDigest(digest)) return undefined;
    return { kind: 'image', from: 'layout', layout: resolve(written.slice('oci:'.length, at)), digest };
  }
  try {
    const { host, repository, digest } = parseReference(written);
    return digest && { kind: 'image', from: 'registry', host, repository, digest };
  } catch (error) {
    if (error instanceof AmlpromoteError) return undefined;
    throw error;
  }
}
