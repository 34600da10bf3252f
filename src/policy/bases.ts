import { withoutTag } from '../domain/reference.ts';
import type { BuildClaims, RecordedBase } from '../domain/build.ts';
import { beginsWith, scratchBase } from '../domain/build.ts';
import { matchesGlob } from '../domain/names.ts';
import type { Reason } from '../domain/verdict.ts';
import type { ImageFacts } from './image.ts';

type Built = Pick<ImageFacts, 'diffIds' | 'builds'>;

/**
 * Whether the image comes from allowed bases only. Names and digests are what the signer of the provenance says; that the
 * image stands on its root base is proven by the layers it begins with, or else inconclusive. Where several provenances
 * are trusted, each one's bases must be allowed and none may be contradicted; one that proves the root suffices.
 */
export function baseReasons({ diffIds, builds = [] }: Built, allowed: readonly string[]): readonly Reason[] {
  if (allowed.length === 0) return [];
  const known = builds.filter(({ bases }) => bases.length > 0);
  if (known.length === 0) {
    const detail = 'the policy allows certain bases only, and nothing says what this image was built from';
    return [{ code: 'BASE_UNKNOWN', verdict: 'inconclusive', subject: 'base image', detail }];
  }
  const bases = known.flatMap((build) => build.bases);
  return [...bases.flatMap((base) => judgeName(base, allowed)), ...judgeRoots(known, diffIds)];
}

function judgeName(base: RecordedBase, allowed: readonly string[]): readonly Reason[] {
  const { name, role } = base;
  if (!allowed.some((entry) => isAllowedBy(entry, base))) {
    const detail = `allowed are ${allowed.join(', ')}`;
    return [{ code: 'BASE_NOT_ALLOWED', verdict: 'refused', subject: name, detail }];
  }
  if (role !== 'copy' && role !== 'frontend') return [];
  const detail = `${uses[role]}: allowed by the name and digest that the provenance claims; nothing in the image proves them`;
  return [{ code: 'BASE_CLAIMED', verdict: 'allowed', subject: name, detail }];
}

const uses = { copy: 'files were copied from it', frontend: 'it read the Dockerfile' } as const;

function isAllowedBy(entry: string, { name, digest }: RecordedBase): boolean {
  // Any content begins with nothing: only a policy that says so in this word means it.
  if (name === scratchBase) return entry === scratchBase;
  const spellings = [
    name,
    ...(digest === undefined ? [] : [`${name}@${digest}`, `${untagged(name)}@${digest}`]),
  ];
  return spellings.some((spelling) => matchesGlob(entry, spelling));
}

function judgeRoots(
  builds: readonly BuildClaims[],
  diffIds: readonly string[] | undefined,
): readonly Reason[] {
  const roots = builds.map(({ bases }) => bases.find(({ role }) => role === 'root'));
  const stated = roots.filter((root) => root?.layers !== undefined);
  const contradicted = stated.find((root) => !isProven(root, diffIds));
  if (contradicted)
    return [unproven(contradicted.name, 'the image does not begin with the layers of this base')];
  if (stated.length > 0) return [];
  const [name] = roots.flatMap((root) => root?.name ?? []);
  return [
    unproven(
      name ?? builds[0]?.bases[0]?.name ?? 'base image',
      'the provenance does not state the layers of the base (amlpromote 0.1.0 did not): build again with --rebuild and sign',
    ),
  ];
}

/** No layers prove nothing, but that the image was built from scratch. */
const isProven = (root: RecordedBase | undefined, diffIds: readonly string[] | undefined): boolean =>
  root?.layers !== undefined &&
  diffIds !== undefined &&
  (root.layers.length > 0 || root.name === scratchBase) &&
  beginsWith(diffIds, root.layers);

const unproven = (subject: string, detail: string): Reason => ({
  code: 'BASE_UNPROVEN',
  verdict: 'inconclusive',
  subject,
  detail,
});

const untagged = (name: string): string => withoutTag(name.split('@')[0] ?? '');
