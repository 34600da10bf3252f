import { matchesGlob } from '../domain/names.ts';
import { isSamePlatform } from '../domain/platform.ts';
import type { Decision, Reason } from '../domain/verdict.ts';
import { decide } from '../domain/verdict.ts';
import type { PolicyRules } from '../manifest/policy.ts';
import { formatSize } from '../manifest/units.ts';

/** What the image rules look at. */
export interface ImageFacts {
  /** `linux/amd64`; each platform of an image index is judged by itself. */
  readonly platform: string;
  /** Sum of the layer blobs as stored. */
  readonly sizeBytes: number;
  /** `User` of the image config; absent or empty means root (image-spec, config.md). */
  readonly user?: string;
  /** From the (signed) provenance; undefined when there is none to look at. */
  readonly bases?: readonly { readonly name: string; readonly digest?: string }[];
}

/** Image × policy. */
export function evaluateImage(facts: ImageFacts, policy: Pick<PolicyRules, 'image'>): Decision {
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
  return decide([...reasons, ...baseReasons(facts, rules.allowedBases)]);
}

/** `name`, `name:group`, `uid`, `uid:gid`; the uid in any spelling of zero (to Go's Atoi, `-0` is one). */
function isRoot(user = ''): boolean {
  const [name = ''] = user.trim().split(':');
  return name === '' || name === 'root' || /^[+-]?0+$/.test(name);
}

function baseReasons({ bases }: ImageFacts, allowed: readonly string[]): readonly Reason[] {
  if (allowed.length === 0) return [];
  if (!bases || bases.length === 0) {
    const detail = 'the policy allows certain bases only, and nothing says what this image was built from';
    return [{ code: 'BASE_UNKNOWN', verdict: 'inconclusive', subject: 'base image', detail }];
  }
  return bases
    .filter(({ name, digest }) => {
      const spellings = [
        name,
        ...(digest === undefined ? [] : [`${name}@${digest}`, `${untagged(name)}@${digest}`]),
      ];
      return !allowed.some((glob) => spellings.some((spelling) => matchesGlob(glob, spelling)));
    })
    .map(({ name }) => ({
      code: 'BASE_NOT_ALLOWED',
      verdict: 'refused',
      subject: name,
      detail: `allowed are ${allowed.join(', ')}`,
    }));
}

const untagged = (name: string): string => name.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
