import { AmlpromoteError } from '../domain/errors.ts';
import { releaseCounterOf, tags } from '../domain/names.ts';
import { looksLikeReference, parseReference } from '../domain/reference.ts';
import type { Verifier } from '../sides/verify.ts';
import type { VerificationReport } from '../steps/verify.ts';
import { viewInside, viewOutside } from './open.ts';
import { readReleaseFile } from './release-file.ts';
import type { Side } from './settings.ts';
import type { Context } from './wiring.ts';

const viewSide = async (context: Context, side: Side): Promise<Verifier> =>
  side === 'inside' ? await viewInside(context) : await viewOutside(context);

/** A release where it is, or an image reference with what is attached to it; under the policy of that side. */
export async function verifySubject(
  context: Context,
  argument: string,
  wanted: Side | undefined,
): Promise<VerificationReport> {
  if (looksLikeReference(argument)) {
    const { host, tag } = parseReference(argument);
    requireImageTag(argument, tag);
    const side = await viewSide(context, sideOfHost(context, host));
    return await side.verifyImage(await side.resolve(argument));
  }
  const document = await readReleaseFile(argument);
  const here = context.zones.zones.sensitive.access ? 'inside' : 'outside';
  const side = await viewSide(context, wanted ?? here);
  return await side.verify(document);
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
