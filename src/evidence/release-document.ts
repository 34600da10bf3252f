import * as z from 'zod';
import { isDigest } from '../domain/digest.ts';
import type { Digest } from '../domain/digest.ts';
import { AmlpromoteError } from '../domain/errors.ts';
import {
  isEnvironmentName,
  isImageRepository,
  isRegistryHost,
  isVersion,
  maxCounter,
} from '../domain/names.ts';
import type { ReleaseDocument } from '../domain/release.ts';
import { parseStrictJson } from '../json/strict.ts';

const digest = z.string().refine((text): text is Digest => isDigest(text), 'expected sha256:<64 hex digits>');

/** `release.json`, as written by `amlpromote release` and read by every step inside. */
const releaseDocumentSchema = z.strictObject({
  apiVersion: z.literal('amlpromote/v1'),
  kind: z.literal('Release'),
  registry: z.string().refine(isRegistryHost, 'expected a registry host'),
  repository: z
    .string()
    .refine(isImageRepository, 'expected a repository name that is not below amlpromote/ or quarantine/'),
  name: z.string().refine(isEnvironmentName, 'expected an Azure ML environment name'),
  version: z.string().refine(isVersion, 'expected a version'),
  release: z.int().min(1).max(maxCounter),
  index: z.strictObject({
    digest,
    size: z
      .int()
      .min(1)
      .max(4 * 1024 * 1024),
  }),
  signatures: z.array(digest).min(1).max(16),
});

/**
 * @param where file name for messages
 * @throws MANIFEST_INVALID: a release.json that does not read is a wrong argument, not a refused release.
 */
export function parseReleaseDocument(bytes: Uint8Array, where = 'release.json'): ReleaseDocument {
  const parsed = releaseDocumentSchema.safeParse(parseJson(bytes, where));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || '(document)'}: ${issue.message}`,
  );
  throw new AmlpromoteError('MANIFEST_INVALID', `${where}: ${problems.join('; ')}`, {
    nextSteps: ['Use the release.json exactly as `amlpromote release` wrote it.'],
  });
}

function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return parseStrictJson(bytes, { where, maxBytes: 64 * 1024, maxDepth: 8 });
  } catch (cause) {
    throw new AmlpromoteError(
      'MANIFEST_INVALID',
      cause instanceof Error ? cause.message : `${where}: not readable`,
      {
        nextSteps: ['Use the release.json exactly as `amlpromote release` wrote it.'],
        cause,
      },
    );
  }
}

/** Two-space JSON with a final newline: people read it and put it into a pipeline's artifacts. */
export const formatReleaseDocument = (document: ReleaseDocument): string =>
  `${JSON.stringify(document, null, 2)}\n`;
