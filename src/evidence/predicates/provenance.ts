import * as z from 'zod';
import type { BuildFacts } from '../../domain/build.ts';
import type { Digest } from '../../domain/digest.ts';
import { hexOf, isDigest } from '../../domain/digest.ts';
import { malformed } from '../check.ts';
import { digestField, mustEqual, parseWith, timeField } from './fields.ts';

/** What a build type means is told at these addresses' pages in `docs/`. */
const buildTypes = {
  engine: 'https://amlpromote.dev/build/engine/v1',
  'source-image': 'https://amlpromote.dev/build/source-image/v1',
} as const;

/**
 * SLSA provenance v1. `externalParameters` hold what the build was asked for, `internalParameters` what is only claimed
 * (identity) or derived (key); dependencies are the bases and the source commit, with digests where they are known.
 */
export const provenancePredicate = (facts: BuildFacts): unknown => ({
  buildDefinition: {
    buildType: buildTypes[facts.kind],
    externalParameters: {
      platform: facts.platform,
      ...(facts.dockerfile === undefined ? {} : { dockerfile: facts.dockerfile }),
      ...(facts.args === undefined ? {} : { args: facts.args }),
      ...(facts.target === undefined ? {} : { target: facts.target }),
      ...(facts.source === undefined ? {} : { source: facts.source }),
    },
    internalParameters: {
      image: facts.image,
      identity: facts.identity,
      bases: facts.bases,
      ...(facts.buildKey === undefined ? {} : { buildKey: facts.buildKey }),
    },
    resolvedDependencies: dependenciesOf(facts),
  },
  runDetails: {
    builder: {
      id: `https://amlpromote.dev/builder/${encodeURIComponent(facts.builder.name)}`,
      version: { [facts.builder.name]: facts.builder.version },
    },
    metadata: { startedOn: facts.startedAt, finishedOn: facts.finishedAt },
  },
});

function dependenciesOf({ bases, source }: BuildFacts): unknown[] {
  const repository = source?.repository ?? 'local';
  return [
    ...bases.map(({ name, digest }) => ({
      uri: `docker://${name}`,
      ...(digest !== undefined && isDigest(digest) ? { digest: { sha256: hexOf(digest) } } : {}),
    })),
    ...(source ? [{ uri: `git+${repository}`, digest: { gitCommit: source.commit } }] : []),
  ];
}

const text = z.string().max(64 * 1024);

const predicateSchema = z.looseObject({
  buildDefinition: z.looseObject({
    buildType: z.enum(Object.values(buildTypes)),
    externalParameters: z.strictObject({
      platform: text,
      dockerfile: text.exactOptional(),
      args: z.record(text, text).exactOptional(),
      target: text.exactOptional(),
      source: z
        .strictObject({ repository: text.exactOptional(), commit: text, dirty: z.boolean() })
        .exactOptional(),
    }),
    internalParameters: z.strictObject({
      image: digestField,
      identity: text,
      bases: z.array(z.strictObject({ name: text, digest: text.exactOptional() })),
      buildKey: text.exactOptional(),
    }),
  }),
  runDetails: z.looseObject({
    builder: z.looseObject({ version: z.record(text, text) }),
    metadata: z.looseObject({ startedOn: timeField, finishedOn: timeField }),
  }),
});

/**
 * The facts back from a signed predicate.
 * @throws CONTENT_INVALID when it is of another build type, contradicts itself, or is about another image
 */
export function parseProvenance(predicate: unknown, image: Digest, where: string): BuildFacts {
  const { buildDefinition, runDetails } = parseWith(predicateSchema, predicate, where);
  const [builder, ...more] = Object.entries(runDetails.builder.version);
  if (!builder || more.length > 0) malformed(where, 'must name one builder');
  const facts: BuildFacts = {
    kind: buildDefinition.buildType === buildTypes.engine ? 'engine' : 'source-image',
    ...buildDefinition.externalParameters,
    ...buildDefinition.internalParameters,
    builder: { name: builder[0], version: builder[1] },
    startedAt: runDetails.metadata.startedOn,
    finishedAt: runDetails.metadata.finishedOn,
  };
  mustEqual(predicate, provenancePredicate(facts), where);
  if (facts.image !== image) malformed(where, `it tells how ${facts.image} was made`);
  return facts;
}
