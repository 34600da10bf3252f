import type { Descriptor, ManifestContent } from '../../domain/descriptor.ts';
import type { Digest } from '../../domain/digest.ts';
import { hexOf } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { mapInOrder } from '../../domain/map-in-order.ts';
import { mediaTypes } from '../../domain/media-types.ts';
import { sha256 } from '../../domain/sha256.ts';
import { refusePage } from '../../network/causes.ts';
import { parseListing } from '../listing.ts';
import { encodeManifest, referrerOf } from '../manifest.ts';
import { pullScope } from './auth.ts';
import type { Client } from './client.ts';
import { protocolError } from './errors.ts';
import { putManifest, readManifest, resolveManifest } from './manifests.ts';
import { pages } from './pages.ts';

/** Where registries without the API keep the list (distribution-spec, "Referrers Tag Schema"). */
const referrersTag = (subject: Digest): string => `sha256-${hexOf(subject)}`;

/**
 * The API's list and the tag's, each digest once. Either may be missing: a registry may have learnt the API later. The tag's is for
 * anybody to write, and to empty: where the API answers, a list under the tag that is none is passed over, as is what it names
 * besides and the registry does not have, or all of that when it is a crowd.
 * @throws CONTENT_INVALID when there is only a list under the tag, and it is none
 */
export async function listReferrers(
  client: Client,
  repository: string,
  subject: Digest,
  artifactType: string | undefined,
): Promise<readonly Descriptor[]> {
  const [api, tag] = await Promise.all([
    fromApi(client, repository, subject, artifactType),
    fromTag(client, repository, subject).catch((error: unknown) => {
      if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID') return error;
      throw error;
    }),
  ]);
  if (tag instanceof AmlpromoteError && !api) throw tag;
  const found = new Map<Digest, Descriptor>((api ?? []).map((one) => [one.digest, one]));
  const tagged = new Map<Digest, Descriptor>();
  for (const one of tag instanceof AmlpromoteError ? [] : ofType(tag, artifactType))
    if (!found.has(one.digest) && !tagged.has(one.digest)) tagged.set(one.digest, one);
  const besides = [...tagged.values()];
  if (!api) return besides;
  if (besides.length > maxBesides) return [...found.values()];
  const there = await mapInOrder(besides, atOnce, async (one) =>
    (await resolveManifest(client, repository, one.digest)) ? [one] : [],
  );
  return [...found.values(), ...there.flat()];
}

/** More than anybody attaches to one image; each is asked for. */
const maxBesides = 256;
const atOnce = 8;

/** Not every registry filters, and none does it in the list under the tag. */
const ofType = (listed: readonly Descriptor[], artifactType: string | undefined): readonly Descriptor[] =>
  artifactType === undefined ? listed : listed.filter((one) => one.artifactType === artifactType);

/** Undefined when the registry does not know the API. */
async function fromApi(
  client: Client,
  repository: string,
  subject: Digest,
  artifactType: string | undefined,
): Promise<readonly Descriptor[] | undefined> {
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
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw client.errorOf(answer, what);
    const type = answer.headers['content-type']?.split(';')[0]?.trim();
    // Something that answers 200 to everything is not a list of nothing.
    refusePage(answer.status, type, client.host, what);
    if (type !== mediaTypes.ociIndex) throw protocolError(client.host, `answers ${what} with something else`);
    const descriptor = { mediaType: type, digest: sha256(answer.body), size: answer.body.byteLength };
    found.push(...ofType(parseListing({ descriptor, bytes: answer.body }).entries, artifactType));
    if (found.length > 100_000)
      throw protocolError(client.host, `does not come to an end when asked to ${what}`);
  }
  return found;
}

async function fromTag(client: Client, repository: string, subject: Digest): Promise<readonly Descriptor[]> {
  const tag = referrersTag(subject);
  try {
    const content = await readManifest(client, repository, tag);
    return content ? parseListing(content).entries : [];
  } catch (error) {
    if (error instanceof AmlpromoteError && error.code === 'CONTENT_INVALID')
      throw unreadableTag(client, `${repository}:${tag}`, error);
    throw error;
  }
}

const unreadableTag = (client: Client, reference: string, cause: AmlpromoteError): AmlpromoteError =>
  new AmlpromoteError(
    'CONTENT_INVALID',
    `${client.host}/${reference} should be the list of what is attached to an image, but cannot be read: ${cause.message}`,
    {
      nextSteps: [
        `Anybody who may push can write the tag \`${reference.slice(reference.indexOf(':') + 1)}\`: find out who did.`,
        'Point it at the index that it named before, or delete the tag; then promote or import again, which attaches what is missing.',
      ],
      cause,
    },
  );

/** What this process does to one list: its updates take turns, and none of its entries is forgotten by a later one. */
interface ListWork {
  last: Promise<void>;
  readonly ours: Map<Digest, Descriptor>;
}
export type ListLocks = Map<string, ListWork>;

/**
 * Enters a manifest into its subject's list where the registry does not do it itself. There is no compare-and-swap, so another
 * process that read before we wrote may overwrite us after we looked: hence read, merge, write, and look again after a pause,
 * twice; each time all that we entered, and all that we have seen in it meanwhile. Bounded.
 */
export async function enterReferrer(
  client: Client,
  repository: string,
  content: ManifestContent,
  locks: ListLocks,
): Promise<void> {
  const referrer = referrerOf(content);
  if (!referrer) return;
  const subject = referrer.subject.digest;
  const key = `${repository}@${subject}`;
  const work: ListWork = locks.get(key) ?? { last: Promise.resolve(), ours: new Map() };
  locks.set(key, work);
  work.ours.set(referrer.descriptor.digest, referrer.descriptor);
  const mine = work.last.then(async () => enter(client, repository, subject, work.ours));
  work.last = mine.catch(() => undefined);
  await mine;
}

/** @throws OPERATION_FAILED when it has grown too large to be written */
function listOf(entries: ReadonlyMap<Digest, Descriptor>, tag: string): ManifestContent {
  try {
    return encodeManifest({ mediaType: mediaTypes.ociIndex, manifests: [...entries.values()] });
  } catch (cause) {
    throw new AmlpromoteError(
      'OPERATION_FAILED',
      `nothing more can be entered into the list ${tag}: it is full`,
      {
        nextSteps: [
          'Find out who fills it. Point the tag at the index that it named before, or delete it; then run again, which attaches what is missing.',
        ],
        cause,
      },
    );
  }
}

/** Looks without a loss that end it: the race of another's read and write is over by then. */
const quietLooks = 2;

async function enter(
  client: Client,
  repository: string,
  subject: Digest,
  ours: ReadonlyMap<Digest, Descriptor>,
): Promise<void> {
  const wanted = new Map<Digest, Descriptor>();
  let written = false;
  let quiet = 0;
  let lost = 0;
  for (;;) {
    const known = await fromTag(client, repository, subject);
    for (const one of [...known, ...ours.values()]) if (!wanted.has(one.digest)) wanted.set(one.digest, one);
    const there = new Set(known.map(({ digest }) => digest));
    if ([...wanted.keys()].every((digest) => there.has(digest))) {
      // Entered by an earlier run, which has looked already.
      if (!written || quiet === quietLooks) return;
      quiet += 1;
      await client.pause(Math.min(1 + lost, client.limits.attempts - 1), undefined);
      continue;
    }
    if (written) lost += 1;
    if (lost > 0 && !(await client.pause(lost, undefined))) {
      throw new AmlpromoteError(
        'OPERATION_FAILED',
        `${client.host}: others keep overwriting the list of referrers of ${repository}@${subject}`,
        { nextSteps: ['Let the other promotions of this image finish, then run again.'] },
      );
    }
    const latest = lost > 0 ? await fromTag(client, repository, subject) : known;
    for (const one of latest) if (!wanted.has(one.digest)) wanted.set(one.digest, one);
    // In the order of the list: whoever reads pages or diffs sees additions at the end.
    const merged = new Map([...latest, ...wanted.values()].map((one) => [one.digest, one]));
    const list = listOf(merged, `${client.host}/${repository}:${referrersTag(subject)}`);
    await putManifest(client, repository, list, referrersTag(subject));
    written = true;
    quiet = 0;
  }
}
