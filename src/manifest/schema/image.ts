import * as z from 'zod';
import {
  isEnvironmentName,
  isRepositoryName,
  isReservedRepository,
  isReservedTag,
  isTag,
} from '../../domain/names.ts';
import { formatPlatform, parsePlatform } from '../../domain/platform.ts';
import type { ResolvePath } from './fields.ts';
import { apiVersion, filePath, filled, identifier, text } from './fields.ts';
import { smokeSchema } from './smoke.ts';
import { parseSourceImage } from './source-image.ts';

const linuxAmd64 = { os: 'linux', architecture: 'amd64' } as const;

const buildSchema = (resolve: ResolvePath) =>
  z
    .strictObject({
      context: filePath(resolve)
        .describe('Directory that is sent to the builder, relative to this file. `.dockerignore` applies.')
        .meta({ examples: ['../../images/churn-train'] }),
      dockerfile: filled(1024)
        .refine((value) => !value.startsWith('/') && !value.split('/').includes('..'), {
          error: 'must be a path within the build context',
        })
        .default('Dockerfile')
        .describe('Path of the Dockerfile within the context.'),
      args: z
        .record(identifier, z.string().max(4096))
        .default({})
        .describe(
          'Build arguments. Their names are part of the provenance, and engines write values into the image: no secrets.',
        ),
      publicArgs: z
        .array(identifier)
        .max(256)
        .exactOptional()
        .describe(
          'Arguments whose values the provenance states as well. Of all others it has the names only.',
        )
        .meta({ examples: [['BASE']] }),
      target: filled(128).exactOptional().describe('Stage to build; by default the last one.'),
      platform: z
        .string()
        .refine((value) => parsePlatform(value) !== undefined, {
          error: 'is not a platform: write os/architecture, e.g. linux/amd64',
        })
        .transform((value) => parsePlatform(value) ?? linuxAmd64)
        .prefault(formatPlatform(linuxAmd64))
        .describe('os/architecture[/variant] of the image.'),
      builder: z
        .enum(['engine'], {
          error: 'is not available: this version builds with the Docker-compatible engine (builder: engine)',
        })
        .default('engine')
        .describe('What builds the image.'),
      secrets: z
        .array(z.unknown())
        .max(0, {
          error:
            'build secrets need builder: buildx, which this version does not have; ' +
            'use a private base image or a stage that is built elsewhere, never a build argument',
        })
        .exactOptional()
        .describe('Build secrets; not available with builder: engine.'),
    })
    .superRefine(({ args, publicArgs = [] }, context) => {
      for (const [index, name] of publicArgs.entries())
        if (!Object.hasOwn(args, name))
          context.addIssue({
            code: 'custom',
            path: ['publicArgs', index],
            message: `names ${name}, which is not under args`,
          });
    });

const sourceSchema = (resolve: ResolvePath) =>
  z
    .strictObject({
      build: buildSchema(resolve).exactOptional().describe('Build it from a Dockerfile.'),
      image: z
        .string()
        .refine((value) => parseSourceImage(value, resolve) !== undefined, {
          error:
            'is not an image by digest: write host/repository@sha256:… or oci:DIRECTORY@sha256:… (a tag may move, so a digest is required)',
        })
        .exactOptional()
        .describe('Promote an existing image, named by digest.')
        .meta({ examples: ['mcr.microsoft.com/azureml/base@sha256:…', 'oci:../vendor-layout@sha256:…'] }),
    })
    .refine((source) => (source.build === undefined) !== (source.image === undefined), {
      error: 'must have exactly one of build and image',
    })
    .transform(({ build, image }) => {
      const existing = image === undefined ? undefined : parseSourceImage(image, resolve);
      if (existing) return existing;
      if (!build) throw new TypeError('a refined source has a build or an image');
      const { context, dockerfile, args, platform, builder, target, publicArgs } = build;
      const chosen = {
        ...(target === undefined ? {} : { target }),
        ...(publicArgs === undefined ? {} : { publicArgs }),
      };
      return { kind: 'build' as const, context, dockerfile, args, platform, builder, ...chosen };
    })
    .meta({ oneOf: [{ required: ['build'] }, { required: ['image'] }] });

/** The data scientist's file: what to build, what it is for, how to smoke it. */
export const imageSchema = (resolve: ResolvePath) =>
  z
    .strictObject({
      apiVersion,
      kind: z.literal('Image'),
      name: text(
        isEnvironmentName,
        'is not an environment name: a letter or digit, then up to 254 letters, digits, "_" or "-" (no dot), and not starting with AzureML or Microsoft',
      )
        .describe('Name of the Azure ML environment.')
        .meta({ examples: ['churn-train'], pattern: '^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$' }),
      version: text(
        isTag,
        'is not a version: letters, digits, ".", "_" and "-", at most 128, not starting with "." or "-"',
      )
        .refine((value) => !isReservedTag(value), {
          error:
            'is reserved for the tags that amlpromote itself sets (build-…, release-…, receipts, receipt-…, records, posture, revocations, p-…, sha256-…)',
        })
        .describe(
          'Immutable version; `auto` stands for the first 12 hex digits of the image digest. Quote it.',
        )
        .meta({ examples: ['1.4.0', 'auto'], pattern: '^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$' }),
      release: z
        .int({ error: 'is not a whole number' })
        .min(1, { error: 'must be at least 1' })
        .max(999_999_999, { error: 'must be less than 1000000000' })
        .exactOptional()
        .describe(
          'Counter of the release; by default one more than the highest published. Inside refuses to go back.',
        ),
      repository: text(
        isRepositoryName,
        'is not a repository name (lower-case letters, digits, separators, "/")',
      )
        .refine((value) => !isReservedRepository(value), {
          error: 'is reserved: amlpromote keeps things of its own below amlpromote/ and quarantine/',
        })
        .describe('Repository in both registries.')
        .meta({ examples: ['ml/churn-train'] }),
      source: sourceSchema(resolve).describe('Where the image comes from: exactly one of build and image.'),
      environment: z
        .strictObject({
          description: z.string().max(4096).exactOptional(),
          tags: z.record(filled(256), z.string().max(256)).default({}),
          uses: z
            .array(z.enum(['batch-training', 'batch-inference']))
            .max(16)
            .default([])
            .describe('What the environment is for; register checks the image against it.'),
        })
        .prefault({})
        .describe('How the environment is described in the workspace.'),
      smoke: smokeSchema(resolve).exactOptional().describe('The job that proves that the image runs there.'),
    })
    .meta({ title: 'amlpromote image manifest' });

export type ParsedImage = z.output<ReturnType<typeof imageSchema>>;
