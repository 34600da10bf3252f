import type { Descriptor, ManifestContent } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { hexOf } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import { sha256 } from '../../domain/sha256.ts';
import { refusePage } from '../../network/causes.ts';
import { encodeManifest, parseIndex, referrerOf } from '../manifest.ts';
import { pullScope } from './auth.ts';
import type { Client } from './client.ts';
import { protocolError } from './errors.ts';
import { putManifest, readManifest } from './manifests.ts';
import { pages } from './pages.ts';

/** Where registries without the API keep the list (distribution-spec, "Referrers Tag Schema"). */
const referrersTag = (subject: Digest): string => `sha256-${hexOf(subject)}`;

/** The API's list and the tag's, each digest once. Either may be missing: a registry may have learnt the API later. */
export async function listReferrers(
  client: Client,
  repository: string,
  subject: Digest,
  artifactType: string | undefined,
): Promise<readonly Descriptor[]> {
  const lists = await Promise.all([
    fromApi(client, repository, subject, artifactType),
    fromTag(client, repository, subject),
  ]);
  const found = new Map<Digest, Descriptor>();
  for (const descriptor of lists.flat()) {
    if (artifactType !== undefined && descriptor.artifactType !== artifactType) continue;
    if (!found.has(descriptor.digest)) found.set(descriptor.digest, descriptor);
  }
  return [...found.values()];
}

async function fromApi(
  client: Client,
  repository: string,
  subject: Digest,
  artifactType: string | undefined,
): Promise<readonly Descriptor[]> {
  const what = `list the referrers of ${repository}@${subject}`;
  const url = new URL(`/v2/${repository}/referrers/${subject}`, client.base);
  if (artifactType !== undefined) url.searchParams.set('artifactType', artifactType);
  const found: Descriptor[] = [];
  const request = {
    scope: pullScope(repository),
    what,
    headers: { accept: mediaTypes.ociIndex },
    most: 4 * 1024 * 1024,
    // What does not know the API may say so in any form (a 404 of the web server in front): then the tag schema decides, and its
    // manifest is asked for without this leave.
    pageMeansNone: true,
  };
  for await (const answer of pages(client, url, request)) {
    if (answer.status === 404) return [];
    if (answer.status !== 200) throw client.errorOf(answer, what);
    const type = answer.headers['content-type']?.split(';')[0]?.trim();
    // Something that answers 200 to everything is not a list of nothing.
    refusePage(answer.status, type, client.host, what);
    if (type !== mediaTypes.ociIndex) throw protocolError(client.host, `answers ${what} with something else`);
    const descriptor = { mediaType: type, digest: sha256(answer.body), size: answer.body.byteLength };
    found.push(...parseIndex({ descriptor, bytes: answer.body }).manifests);
    if (found.length > 100_000)
      throw protocolError(client.host, `does not come to an end when asked to ${what}`);
  }
  return found;
}

async function fromTag(client: Client, repository: string, subject: Digest): Promise<readonly Descriptor[]> {
  const content = await readManifest(client, repository, referrersTag(subject));
  return content ? parseIndex(content).manifests : [];
}

/** Updates of one list by this process take turns; those of others show as a lost race. */
export type ListLocks = Map<string, Promise<void>>;

/**
 * Enters a manifest into its subject's list where the registry does not do it itself: read, add, write, read again; once more
 * when somebody else wrote in between. The registry has no compare-and-swap, so the reading again is what there is.
 */
export async function enterReferrer(
  client: Client,
  repository: string,
  content: ManifestContent,
  locks: ListLocks,
): Promise<void> {
  const referrer = referrerOf(content);
  if (!referrer) return;
  const key = `${repository}@${referrer.subject.digest}`;
  const previous = locks.get(key) ?? Promise.resolve();
  const mine = previous.then(async () =>
    enter(client, repository, referrer.subject.digest, referrer.descriptor),
  );
  const settled = mine.catch(() => undefined);
  locks.set(key, settled);
  try {
    await mine;
  } finally {
    if (locks.get(key) === settled) locks.delete(key);
  }
}

async function enter(
  client: Client,
  repository: string,
  subject: Digest,
  descriptor: Descriptor,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const known = await fromTag(client, repository, subject);
    if (known.some((one) => one.digest === descriptor.digest)) return;
    const list = encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: [...known, descriptor] });
    await putManifest(client, repository, list, referrersTag(subject));
    if ((await fromTag(client, repository, subject)).some((one) => one.digest === descriptor.digest)) return;
    if (!(await client.pause(attempt, undefined))) {
      throw new AmlpromoteError(
        'OPERATION_FAILED',
        `${client.host}: others keep overwriting the list of referrers of ${repository}@${subject}`,
        { nextSteps: ['Let the other promotions of this image finish, then run again.'] },
      );
    }
  }
}
