import * as z from 'zod';
import type { BuildFacts } from '../../domain/build.ts';
import { hasRoles, scratchBase } from '../../domain/build.ts';
import type { Digest } from '../../domain/digest.ts';
import { hexOf, isDigest } from '../../domain/digest.ts';
import { malformed } from '../check.ts';
import { digestField, mustEqual, parseWith, timeField } from './fields.ts';

/** What a build type means is told at these addresses' pages in `docs/`. Version 1 is what amlpromote 0.1.0 wrote. */
const buildTypes = {
  1: {
    engine: 'https://amlpromote.dev/build/engine/v1',
    'source-image': 'https://amlpromote.dev/build/source-image/v1',
  },
  2: {
    engine: 'https://amlpromote.dev/build/engine/v2',
    'source-image': 'https://amlpromote.dev/build/source-image/v2',
  },
} as const;

type Form = keyof typeof buildTypes;

/**
 * SLSA provenance v1. `externalParameters` hold what the build was asked for (of the arguments all names, and the values
 * that the manifest calls public), `internalParameters` what is only claimed (identity), derived (key) or to be proven (the
 * layers of the root base); dependencies are the bases and the source commit, with digests where they are known.
 * @param form by default that in which the facts were recorded; 1 for readers of version 0.1.0, which know no roles
 */
export const provenancePredicate = (facts: BuildFacts, form: Form = formOf(facts)): unknown => {
  const bases = form === 1 ? withoutRoles(facts.bases) : facts.bases;
  return {
    buildDefinition: {
      buildType: buildTypes[form][facts.kind],
      externalParameters: {
        platform: facts.platform,
        ...(facts.dockerfile === undefined ? {} : { dockerfile: facts.dockerfile }),
        ...(facts.argNames === undefined || form === 1 ? {} : { argNames: facts.argNames }),
        ...(facts.args === undefined ? {} : { args: facts.args }),
        ...(facts.target === undefined ? {} : { target: facts.target }),
        ...(facts.source === undefined ? {} : { source: facts.source }),
      },
      internalParameters: {
        image: facts.image,
        identity: facts.identity,
        bases,
        ...(facts.buildKey === undefined ? {} : { buildKey: facts.buildKey }),
      },
      resolvedDependencies: dependenciesOf(bases, facts.source),
    },
    runDetails: {
      builder: {
        id: `https://amlpromote.dev/builder/${encodeURIComponent(facts.builder.name)}`,
        version: { [facts.builder.name]: facts.builder.version },
      },
      metadata: { startedOn: facts.startedAt, finishedOn: facts.finishedAt },
    },
  };
};

const formOf = (facts: BuildFacts): Form => (hasRoles(facts) ? 2 : 1);

/** As version 0.1.0 listed them: neither `scratch` nor what reads the Dockerfile. */
const withoutRoles = (bases: BuildFacts['bases']): BuildFacts['bases'] =>
  bases
    .filter(({ name, role }) => role === undefined || (role !== 'frontend' && name !== scratchBase))
    .map(({ name, digest }) => ({ name, ...(digest === undefined ? {} : { digest }) }));

function dependenciesOf(bases: BuildFacts['bases'], source: BuildFacts['source']): unknown[] {
  const repository = source?.repository ?? 'local';
  return [
    ...bases
      .filter(({ name, role }) => role !== 'root' || name !== scratchBase)
      .map(({ name, digest }) => ({
        uri: `docker://${name}`,
        ...(digest !== undefined && isDigest(digest) ? { digest: { sha256: hexOf(digest) } } : {}),
      })),
    ...(source ? [{ uri: `git+${repository}`, digest: { gitCommit: source.commit } }] : []),
  ];
}

/** More than any engine can stack. */
const maxLayers = 1024;

const text = z.string().max(64 * 1024);

const asked = {
  platform: text,
  dockerfile: text.exactOptional(),
  args: z.record(text, text).exactOptional(),
  target: text.exactOptional(),
  source: z
    .strictObject({ repository: text.exactOptional(), commit: text, dirty: z.boolean() })
    .exactOptional(),
};

const recorded = { image: digestField, identity: text, buildKey: text.exactOptional() };

const runDetails = z.looseObject({
  builder: z.looseObject({ version: z.record(text, text) }),
  metadata: z.looseObject({ startedOn: timeField, finishedOn: timeField }),
});

const baseV2 = z.strictObject({
  name: text.min(1),
  digest: digestField.exactOptional(),
  role: z.enum(['root', 'copy', 'frontend']),
  layers: z.array(digestField).max(maxLayers).exactOptional(),
});

const definitions = [
  z.looseObject({
    buildType: z.enum(Object.values(buildTypes[1])),
    externalParameters: z.strictObject(asked),
    internalParameters: z.strictObject({
      ...recorded,
      bases: z.array(z.strictObject({ name: text, digest: text.exactOptional() })),
    }),
  }),
  z.looseObject({
    buildType: z.enum(Object.values(buildTypes[2])),
    externalParameters: z.strictObject({ ...asked, argNames: z.array(text).exactOptional() }),
    internalParameters: z.strictObject({ ...recorded, bases: z.array(baseV2) }),
  }),
] as const;

const predicateSchema = z.looseObject({
  buildDefinition: z.discriminatedUnion('buildType', definitions),
  runDetails,
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
    kind: isEngine(buildDefinition.buildType) ? 'engine' : 'source-image',
    ...buildDefinition.externalParameters,
    ...buildDefinition.internalParameters,
    builder: { name: builder[0], version: builder[1] },
    startedAt: runDetails.metadata.startedOn,
    finishedAt: runDetails.metadata.finishedOn,
  };
  const form = isForm2(buildDefinition.buildType) ? 2 : 1;
  if (form === 2) checkClaims(facts, where);
  mustEqual(predicate, provenancePredicate(facts, form), where);
  if (facts.image !== image) malformed(where, `it tells how ${facts.image} was made`);
  return facts;
}

const isEngine = (type: string): boolean => type === buildTypes[1].engine || type === buildTypes[2].engine;
const isForm2 = (type: string): boolean => Object.values<string>(buildTypes[2]).includes(type);

/** What version 2 promises: one root, layers of the root only, and a name for each value. */
function checkClaims({ kind, bases, argNames, args }: BuildFacts, where: string): void {
  const [root, ...others] = bases.filter(({ role }) => role === 'root');
  if (!root || others.length > 0) malformed(where, 'must name one root base');
  if (bases.some(({ role, layers }) => role !== 'root' && layers))
    malformed(where, 'names layers of a base that is not the root');
  const { name, digest, layers } = root;
  // Every image begins with no layers: only a build from scratch may say that of its root.
  if (name === scratchBase ? layers?.length !== 0 || digest !== undefined : layers?.length === 0)
    malformed(where, 'the layers of the root base contradict its name');
  if ((kind === 'engine') !== (argNames !== undefined))
    malformed(where, 'must name its build arguments, if it was a build');
  const names = new Set(argNames);
  if (argNames && [...names].sort().join() !== argNames.join())
    malformed(where, 'its build arguments are not in order');
  if (Object.keys(args ?? {}).some((key) => !names.has(key)))
    malformed(where, 'has the value of a build argument that it does not name');
}
