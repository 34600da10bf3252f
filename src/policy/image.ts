import type { BuildClaims } from '../domain/build.ts';
import { isSamePlatform } from '../domain/platform.ts';
import type { Decision, Reason } from '../domain/verdict.ts';
import { decide } from '../domain/verdict.ts';
import type { PolicyRules } from '../manifest/policy.ts';
import { formatSize } from '../manifest/units.ts';
import { baseReasons } from './bases.ts';

/** What the image rules look at. */
export interface ImageFacts {
  /** `linux/amd64`; each platform of an image index is judged by itself. */
  readonly platform: string;
  /** Sum of the layer blobs as stored. */
  readonly sizeBytes: number;
  /** `User` of the image config; absent or empty means root (image-spec, config.md). */
  readonly user?: string;
  /** `rootfs.diff_ids` of the image config, one a layer; absent when it has others. */
  readonly diffIds?: readonly string[];
  /** From (signed) provenance, one each; undefined when there is none to look at. */
  readonly builds?: readonly BuildClaims[];
}

/** Image × policy. */
export const evaluateImage = (facts: ImageFacts, policy: Pick<PolicyRules, 'image'>): Decision =>
  decide([
    ...evaluateManifest(facts, policy).reasons,
    ...baseReasons(facts, policy.image.allowedBases),
    ...argumentReasons(facts, policy.image.args),
  ]);

/** The rules that manifest and config answer, without anybody's word about how the image was made. */
export function evaluateManifest(
  facts: Omit<ImageFacts, 'builds' | 'diffIds'>,
  policy: Pick<PolicyRules, 'image'>,
): Decision {
  const rules = policy.image;
  const reasons: Reason[] = [];
  const refuse = (code: Reason['code'], subject: string, detail: string): void => {
    reasons.push({ code, verdict: 'refused', subject, detail });
  };
  if (!rules.platforms.some((platform) => isSamePlatform(platform, facts.platform)))
    refuse('PLATFORM', facts.platform, `allowed are ${rules.platforms.join(', ')}`);
  // Written this way round so that a size which is no number is refused as well.
  if (!(facts.sizeBytes <= rules.maxSize))
    refuse('IMAGE_SIZE', formatSize(facts.sizeBytes), `more than the ${formatSize(rules.maxSize)} allowed`);
  if (rules.forbidRoot && isRoot(facts.user))
    refuse('RUNS_AS_ROOT', facts.user ?? 'no user', 'the policy wants a user other than root');
  return decide(reasons);
}

/** `name`, `name:group`, `uid`, `uid:gid`; the uid in any spelling of zero (to Go's Atoi, `-0` is one). */
function isRoot(user = ''): boolean {
  const [name = ''] = user.trim().split(':');
  return name === '' || name === 'root' || /^[+-]?0+$/.test(name);
}

/** `args: public`: whoever reads the provenance must be able to see what the build was given. */
function argumentReasons({ builds }: ImageFacts, rule: PolicyRules['image']['args']): readonly Reason[] {
  if (rule !== 'public') return [];
  const subject = 'build arguments';
  if (!builds || builds.length === 0) return [unknownArguments('nothing says how this image was built')];
  return builds.flatMap(({ kind, argNames, args }): readonly Reason[] => {
    if (kind === 'source-image') return [];
    // Version 0.1.0 recorded every value, and no list of names.
    if (!argNames && !args) return [unknownArguments('the provenance does not say which were given')];
    const hidden = (argNames ?? []).filter((name) => !Object.hasOwn(args ?? {}, name));
    if (hidden.length === 0) return [];
    const detail = `the provenance does not state the value of ${hidden.join(', ')}: name it under source.build.publicArgs`;
    return [{ code: 'ARGS_NOT_PUBLIC', verdict: 'refused', subject, detail }];
  });
}

const unknownArguments = (why: string): Reason => ({
  code: 'ARGS_UNKNOWN',
  verdict: 'inconclusive',
  subject: 'build arguments',
  detail: `the policy wants the value of each, and ${why}`,
});
