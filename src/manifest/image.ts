import type { Digest } from '../domain/digest.ts';
import { shortHex } from '../domain/digest.ts';
import { loadManifest } from './load.ts';
import type { FileCheck } from './files.ts';
import type { ParsedImage } from './schema/image.ts';

/**
 * An image manifest, validated, defaults applied, relative paths made absolute:
 * `source` is `{kind: 'build', context, dockerfile (within the context), args, target?, platform, builder}` or
 * `{kind: 'image', from: 'registry' | 'layout', …, digest}`; `smoke.inputs` are `{type: 'uri_file', file}`,
 * `{type: 'uri_file' | 'uri_folder', job, output}` or `{type: 'literal', value}`; `smoke.timeoutSeconds`.
 */
export type ImageSpec = ParsedImage & {
  /** Absolute path of the manifest. */
  readonly file: string;
};

export type ImageSource = ImageSpec['source'];
export type BuildSource = Extract<ImageSource, { kind: 'build' }>;
export type ExistingImageSource = Extract<ImageSource, { kind: 'image' }>;
export type Smoke = NonNullable<ImageSpec['smoke']>;
export type SmokeInput = Smoke['inputs'][string];

/** `version: auto` becomes the first 12 hex digits of the image digest. */
export const resolveVersion = (image: Pick<ImageSpec, 'version'>, digest: Digest): string =>
  image.version === 'auto' ? shortHex(digest) : image.version;

/** @throws MANIFEST_INVALID with every problem of the file at `file:line:column` */
export async function loadImage(file: string): Promise<ImageSpec> {
  const { imageSchema } = await import('./schema/image.ts');
  const { value, path } = await loadManifest(file, { kind: 'Image', schema: imageSchema, files: filesOf });
  return { ...value, file: path };
}

function filesOf({ source, smoke }: ParsedImage): readonly FileCheck[] {
  const sources: FileCheck[] = [];
  if (source.kind === 'build') {
    sources.push({ at: ['source', 'build', 'context'], file: source.context, is: 'directory' });
    const dockerfile = `${source.context}/${source.dockerfile}`;
    sources.push({ at: ['source', 'build', 'dockerfile'], file: dockerfile, is: 'file' });
  } else if (source.from === 'layout') {
    sources.push({ at: ['source', 'image'], file: source.layout, is: 'directory' });
  }
  const inputs = Object.entries(smoke?.inputs ?? {}).flatMap(([name, input]): FileCheck[] =>
    'file' in input
      ? [{ at: ['smoke', 'inputs', name, 'path'], file: input.file, is: 'file', maxBytes: 1024 * 1024 }]
      : [],
  );
  return [...sources, ...inputs];
}
