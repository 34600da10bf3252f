import { AmlpromoteError } from '../../domain/errors.ts';
import { safeText } from '../../network/foreign-text.ts';

/** `WWW-Authenticate` of a registry (RFC 9110 §11.6.1, distribution token specification). */
export type Challenge =
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | undefined };

/**
 * The first challenge that we can answer; undefined when there is none.
 * @throws UNAUTHENTICATED when the realm is not on the registry's own origin (threat 28): neither credentials nor requests
 * go where a registry points.
 */
export function parseChallenge(header: string | undefined, base: URL): Challenge | undefined {
  const match = /^\s*(bearer|basic)\b(.*)$/is.exec((header ?? '').slice(0, 4096));
  if (!match) return undefined;
  if (match[1]?.toLowerCase() === 'basic') return { kind: 'basic' };
  const parameters = parametersOf(match[2] ?? '');
  const realm = URL.parse(parameters.get('realm') ?? '');
  if (!realm) return undefined;
  if (realm.origin !== base.origin || realm.username !== '' || realm.password !== '') {
    throw new AmlpromoteError(
      'UNAUTHENTICATED',
      `${base.host} sends its clients to ${safeText(realm.origin, 100)} for tokens; only its own origin is acceptable`,
      { nextSteps: ['Use a registry that issues its own tokens, or check what answers for this host.'] },
    );
  }
  return { kind: 'bearer', realm, service: parameters.get('service') };
}

function parametersOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const match of text.matchAll(/\b([a-z_]{1,64})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi)) {
    const name = match[1]?.toLowerCase() ?? '';
    // The first wins: a second `realm` must not replace the one that was looked at.
    if (!found.has(name)) found.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '');
  }
  return found;
}
