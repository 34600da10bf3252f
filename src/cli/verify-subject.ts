import { AmlpromoteError } from '../domain/errors.ts';
import { releaseCounterOf, tags } from '../domain/names.ts';
import { looksLikeReference, parseReference } from '../domain/reference.ts';
import { loadPolicy } from '../manifest/policy.ts';
import type { ZoneName } from '../manifest/zones.ts';
import { requireApprovedOrigin } from '../policy/zones.ts';
import { verifyImage, verifyRelease } from '../steps/verify.ts';
import type { VerificationReport } from '../steps/verify.ts';
import { systemClock } from './clock.ts';
import { readReleaseFile } from './release-file.ts';
import type { Side } from './settings.ts';
import { resolveReference } from './subject.ts';
import { registryOf } from './wiring.ts';
import type { Context } from './wiring.ts';

const zoneOf = { outside: 'nonsensitive', inside: 'sensitive' } as const satisfies Record<Side, ZoneName>;

/** A release where it is, or an image reference with what is attached to it; under the policy of that side. */
export async function verifySubject(
  context: Context,
  argument: string,
  wanted: Side | undefined,
): Promise<VerificationReport> {
  const { zones } = context.zones;
  const ports = { clock: systemClock, progress: context.progress };
  if (looksLikeReference(argument)) {
    const { host, repository, tag } = parseReference(argument);
    requireImageTag(argument, tag);
    const side = sideOfHost(context, host);
    const registry = await registryOf(context, zoneOf[side]);
    const image = await resolveReference(registry, argument);
    const policy = await loadPolicy(context.settings.policy(side));
    return await verifyImage(
      { host, repository, image, content: registry.repository(repository) },
      policy,
      ports,
    );
  }
  const document = await readReleaseFile(argument);
  requireApprovedOrigin(context.zones, document);
  const side = wanted ?? (zones.sensitive.access ? 'inside' : 'outside');
  const registry = await registryOf(context, zoneOf[side]);
  const content = registry.repository(document.repository);
  const policy = await loadPolicy(context.settings.policy(side));
  return await verifyRelease(
    {
      document,
      host: registry.host,
      repository: document.repository,
      content,
      ...(side === 'inside' ? { receipts: content } : {}),
    },
    policy,
    ports,
  );
}

/** Some tags name something else than an image, and every rule would say so in its own puzzling way. */
function requireImageTag(argument: string, tag: string | undefined): void {
  if (tag === undefined || (tag !== tags.receipts && releaseCounterOf(tag) === undefined)) return;
  throw new AmlpromoteError('USAGE', `${argument} is not an image`, {
    nextSteps: ['Give an image by its version or digest, or a whole release by its release.json.'],
  });
}

function sideOfHost(context: Context, host: string): Side {
  const { nonsensitive, sensitive } = context.zones.zones;
  if (host === sensitive.registry.host) return 'inside';
  if (host === nonsensitive.registry.host) return 'outside';
  throw new AmlpromoteError('USAGE', `${host} is neither of the registries of ${context.zones.file}`, {
    nextSteps: [`Give an image of ${nonsensitive.registry.host} or ${sensitive.registry.host}.`],
  });
}
