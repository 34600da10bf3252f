import type http from 'node:http';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import type { Digest } from '../../../src/domain/digest.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { sha256 } from '../../../src/domain/sha256.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { systemClock } from '../../../src/oci/registry/retry.ts';
import { blobOf, json, ociError, registryAt, startWire } from './wire.ts';

const subject = { ...blobOf('subject'), mediaType: mediaTypes.ociManifest };
const refused = { instanceOf: AmlpromoteError, code: 'CONTENT_INVALID' };
const referrer = (name: string, artifactType: string) => ({
  ...blobOf(name),
  mediaType: mediaTypes.ociManifest,
  artifactType,
});
const index = (...manifests: readonly object[]) => ({
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests,
});
const indexHeaders = { 'content-type': mediaTypes.ociIndex };

/** Answers HEAD of a manifest by its digest. */
function found(response: http.ServerResponse, url: string | undefined): void {
  const digest = url?.slice(url.lastIndexOf('/') + 1);
  if (digest === undefined) response.writeHead(404).end();
  else
    response
      .writeHead(200, {
        'content-type': mediaTypes.ociManifest,
        'content-length': '1',
        'docker-content-digest': digest,
      })
      .end();
}

test('tags: pages are followed; null is an empty list', async (t) => {
  const wire = await startWire(t, (request, response) => {
    if (request.url?.includes('last=b')) json(response, 200, { name: 'a', tags: null });
    else if (request.url?.includes('last=a'))
      json(response, 200, { tags: ['b'] }, { link: '<?n=1000&last=b>; rel=next' });
    else json(response, 200, { tags: ['a'] }, { link: '</v2/x/tags/list?n=1000&last=a>; rel="next"' });
  });
  t.deepEqual(await registryAt(wire).repository('x').tags(), ['a', 'b']);
  t.is(wire.log.length, 3);
});

test('threat 17: tags without end', async (t) => {
  const wire = await startWire(t, (_request, response, self) =>
    json(
      response,
      200,
      { tags: ['a'] },
      { link: `</v2/x/tags/list?last=${String(self.log.length)}>; rel="next"` },
    ),
  );
  await t.throwsAsync(
    registryAt(wire, { limits: { pages: 7 } })
      .repository('x')
      .tags(),
    refused,
  );
  t.is(wire.log.length, 7);
});

test('threat 17: a page that names itself as the next', async (t) => {
  const wire = await startWire(t, (request, response) =>
    json(response, 200, { tags: ['a'] }, { link: `<${request.url ?? ''}>; rel="next"` }),
  );
  await t.throwsAsync(registryAt(wire).repository('x').tags(), refused);
  t.is(wire.log.length, 1);
});

test('threat 17: a next page on another host', async (t) => {
  const wire = await startWire(t, (_request, response) =>
    json(response, 200, { tags: ['a'] }, { link: '<https://evil.test/v2/x/tags/list>; rel="next"' }),
  );
  await t.throwsAsync(registryAt(wire).repository('x').tags(), { ...refused, message: /another host/ });
});

for (const tags of [['ok', '../x'], ['\u001b[31m'], [1], 'abc', [''.padEnd(129, 'a')]]) {
  test(`malformed tags: ${JSON.stringify(tags).slice(0, 20)}`, async (t) => {
    const wire = await startWire(t, (_request, response) => json(response, 200, { tags }));
    await t.throwsAsync(registryAt(wire).repository('x').tags(), refused);
  });
}

test('referrers: API pages and the tag schema are merged and filtered', async (t) => {
  const wire = await startWire(t, (request, response) => {
    if (request.method === 'HEAD') found(response, request.url);
    else if (request.url?.includes('/manifests/'))
      json(response, 200, index(referrer('c', 'x/y'), referrer('a', 'x/y')), indexHeaders);
    else if (request.url?.includes('page=2')) json(response, 200, index(referrer('b', 'x/z')), indexHeaders);
    else
      json(response, 200, index(referrer('a', 'x/y')), {
        ...indexHeaders,
        link: `<${request.url ?? ''}&page=2>; rel="next"`,
      });
  });
  const repository = registryAt(wire).repository('x');
  const digests = async (type?: string) =>
    (await repository.referrers(subject.digest, type)).map((one) => one.digest);
  t.deepEqual(await digests('x/y'), [sha256('a'), sha256('c')]);
});

test('referrers: an answer that is no index is an error, not an empty list', async (t) => {
  const wire = await startWire(t, (_request, response) => json(response, 200, {}));
  await t.throwsAsync(registryAt(wire).repository('x').referrers(subject.digest), refused);
});

/** Entries that somebody with push rights can bring into a listing, by an artifact or by hand. */
const junkEntries: readonly unknown[] = [
  { ...referrer('junk', 'x/y'), annotations: { a: 1 } },
  { ...referrer('junk', 'x/z'), annotations: { a: null } },
  { ...referrer('junk', 'x/z'), annotations: ['a'] },
  { ...referrer('junk', 'x/z'), annotations: JSON.parse('{"__proto__":"x"}') as unknown },
  { ...referrer('junk', 'x/z'), annotations: { a: '\ud800', b: 1.5 } },
  { ...referrer('junk', 'x/y'), size: -1 },
  { ...referrer('junk', 'x/y'), size: 1.5 },
  { ...referrer('junk', 'x/y'), mediaType: '' },
  { ...referrer('junk', 'x/y'), mediaType: 'application/vnd.docker.distribution.manifest.v1+json' },
  { ...referrer('junk', 'x/y'), digest: 'sha256:no' },
  { ...referrer('junk', 'no type') },
  { ...referrer('junk', 'x/z'), urls: ['https://evil.test/'] },
  { ...referrer('junk', 'x/z'), data: 'AAAA' },
  { ...referrer('junk', 'x/z'), platform: { os: 1 } },
  { ...referrer('junk', 'x/z'), Size: 7 },
  {},
  null,
  7,
  [[]],
];

/** Answers the API with `api`, or as if there were none, and the tag with `tag`. */
const listing = async (
  t: ExecutionContext,
  lists: { api?: unknown; tag?: unknown; there?: readonly Digest[] },
) => {
  const wire = await startWire(t, (request, response) => {
    if (request.method === 'HEAD') {
      found(response, lists.there?.some((digest) => request.url?.endsWith(digest)) ? request.url : undefined);
      return;
    }
    const list = request.url?.includes('/manifests/') ? lists.tag : lists.api;
    if (list === undefined) ociError(response, 404, '', '');
    else json(response, 200, list, indexHeaders);
  });
  return registryAt(wire).repository('x');
};

test('threat 13: junk entries of a listing fall out, wherever they are, and the others stay', async (t) => {
  const good = [referrer('a', 'x/y'), referrer('b', 'x/y')];
  const wanted = good.map(({ digest }) => digest);
  const pick = fc.array(fc.constantFrom(...junkEntries), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(pick, pick, pick, fc.constantFrom('api', 'tag'), async (one, two, three, where) => {
      const list = index(...([...one, good[0], ...two, good[1], ...three] as object[]));
      const repository = await listing(t, { [where]: list });
      const found = (await repository.referrers(subject.digest, 'x/y')).map(({ digest }) => digest);
      // What only has odd annotations is listed: it is judged by its content.
      t.deepEqual(
        found.filter((digest) => digest !== sha256('junk')),
        wanted,
      );
    }),
    { numRuns: 40 },
  );
});

test('threat 76: where the API answers, the tag adds what is there, and no ghosts, however many', async (t) => {
  const [mine, old, ghost] = [referrer('a', 'x/y'), referrer('old', 'x/y'), referrer('ghost', 'x/y')];
  const look = async (tag: readonly object[], api?: readonly object[]): Promise<readonly Digest[]> => {
    const lists = { tag: index(...tag), ...(api && { api: index(...api) }), there: [old.digest] };
    return (await (await listing(t, lists)).referrers(subject.digest, 'x/y')).map(({ digest }) => digest);
  };
  t.deepEqual(await look([ghost, mine, old, ghost], [mine]), [mine.digest, old.digest]);
  const crowd = Array.from({ length: 300 }, (_, at) => referrer(`ghost ${String(at)}`, 'x/y'));
  t.deepEqual(await look([...crowd, old], [mine]), [mine.digest]);
  // Where there is only the tag, nothing is left out: what is not there is for the reader to say.
  t.is((await look([...crowd, old])).length, 301);
});

test('a list of null is an empty one, as Go writes it', async (t) => {
  const tag = { ...index(), manifests: null };
  t.deepEqual(await (await listing(t, { tag })).referrers(subject.digest, 'x/y'), []);
});

test('a null in annotations is an empty string in a listing, as Go reads it', async (t) => {
  const entry = { ...referrer('a', 'x/y'), annotations: { a: null, b: 'c', d: '\ud800' } };
  const [found] = await (await listing(t, { api: index(entry) })).referrers(subject.digest, 'x/y');
  t.deepEqual(found?.annotations, { a: '', b: 'c', d: '\ufffd' });
});

test('a listing with members nested without end is read', async (t) => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const text = JSON.stringify(index(referrer('a', 'x/y'))).replace('[{', `[${deep},{`);
  const wire = await startWire(t, (request, response) => {
    if (request.url?.includes('/manifests/')) ociError(response, 404, '', '');
    else response.writeHead(200, indexHeaders).end(text);
  });
  t.is((await registryAt(wire).repository('x').referrers(subject.digest, 'x/y')).length, 1);
});

test('threat 17: a flood of junk pushes nothing out', async (t) => {
  const junk = Array.from({ length: 15_000 }, (_, at) => referrer(`junk ${String(at)}`, 'x/z'));
  const list = index(...junk, ...Array.from({ length: 20_000 }, () => ({})), referrer('a', 'x/y'));
  const found = [
    await (await listing(t, { api: list })).referrers(subject.digest, 'x/y'),
    await (await listing(t, { tag: list })).referrers(subject.digest, 'x/y'),
  ];
  t.deepEqual(
    found.map((one) => one.map(({ digest }) => digest)),
    [[sha256('a')], [sha256('a')]],
  );
});

for (const [what, tag] of [
  ['no index', { ...index(), mediaType: mediaTypes.ociManifest }],
  ['without manifests', { schemaVersion: 2 }],
  ['no JSON object', 7],
] as const) {
  test(`a list under the tag that is ${what} counts only where there is no API`, async (t) => {
    const entry = referrer('a', 'x/y');
    const found = await (await listing(t, { api: index(entry), tag })).referrers(subject.digest, 'x/y');
    t.deepEqual(found, [entry]);
    const error = await t.throwsAsync((await listing(t, { tag })).referrers(subject.digest, 'x/y'), refused);
    t.regex(error.message, /x:sha256-[0-9a-f]{64}.*(?:says|expected)/);
    t.regex(error.nextSteps.join(' '), /`sha256-[0-9a-f]{64}`/);
  });
}

test('tag schema: who enters an artifact is not kept from it by junk entries', async (t) => {
  let list: unknown = index(...([...junkEntries, referrer('a', 'x/y')] as object[]));
  const wire = await startWire(t, async (request, response) => {
    const body = await readBody(request);
    if (request.method === 'PUT') {
      if (request.url?.includes('sha256-')) list = JSON.parse(body.toString());
      response.writeHead(201).end();
    } else if (request.url?.includes('/referrers/')) ociError(response, 404, '', '');
    else json(response, 200, list, indexHeaders);
  });
  const repository = registryAt(wire).repository('x');
  await repository.pushManifest(evidence);
  const digests = (await repository.referrers(subject.digest)).map(({ digest }) => digest);
  t.deepEqual(digests, [sha256('junk'), sha256('a'), evidence.descriptor.digest]);
});

test('threat 17: referrers without end', async (t) => {
  const wire = await startWire(t, (request, response, self) => {
    if (request.url?.includes('/manifests/')) ociError(response, 404, '', '');
    else
      json(response, 200, index(), {
        ...indexHeaders,
        link: `</v2/x/referrers/${subject.digest}?p=${String(self.log.length)}>; rel="next"`,
      });
  });
  await t.throwsAsync(
    registryAt(wire, { limits: { pages: 5 } })
      .repository('x')
      .referrers(subject.digest),
    refused,
  );
});

const evidence = encodeManifest({
  mediaType: mediaTypes.ociManifest,
  config: blobOf('{}'),
  layers: [],
  subject,
  artifactType: 'x/y',
});

const readBody = async (request: http.IncomingMessage): Promise<Buffer> =>
  Buffer.concat(await request.toArray());

test('OCI-Subject in the answer: the tag schema is left alone', async (t) => {
  const wire = await startWire(t, (request, response) => {
    request.resume();
    response.writeHead(201, { 'oci-subject': subject.digest }).end();
  });
  await registryAt(wire).repository('x').pushManifest(evidence);
  t.deepEqual(wire.log, [`PUT /v2/x/manifests/${evidence.descriptor.digest}`]);
});

test('tag schema: a lost race is noticed and repaired, nobody loses an entry', async (t) => {
  const theirs = referrer('theirs', 'x/y');
  let list: unknown;
  let races = 1;
  const wire = await startWire(t, async (request, response) => {
    const body = await readBody(request);
    if (request.method === 'PUT') {
      if (request.url?.includes('sha256-')) {
        // Somebody else read the same list before, and writes after us.
        list = races-- > 0 ? index(theirs) : JSON.parse(body.toString());
      }
      response.writeHead(201).end();
    } else if (list === undefined) ociError(response, 404, '', '');
    else json(response, 200, list, indexHeaders);
  });
  await registryAt(wire).repository('x').pushManifest(evidence);
  const entries = (list as ReturnType<typeof index>).manifests as { digest: string }[];
  t.deepEqual(
    entries.map((one) => one.digest),
    [theirs.digest, evidence.descriptor.digest],
  );
});

/** A registry without the API whose answers take their time: reads and writes of several clients interleave. */
function slowTagSchema(lists: { current: { manifests: { digest: string }[] } | undefined }) {
  const latency = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 8));
  };
  return async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const body = await readBody(request);
    if (!request.url?.includes('sha256-')) {
      if (request.method === 'PUT') response.writeHead(201).end();
      else ociError(response, 404, '', '');
      return;
    }
    if (request.method === 'PUT') {
      await latency();
      lists.current = JSON.parse(body.toString()) as { manifests: { digest: string }[] };
      response.writeHead(201).end();
      return;
    }
    const seen = lists.current;
    await latency();
    if (seen === undefined) ociError(response, 404, '', '');
    else json(response, 200, seen, indexHeaders);
  };
}

for (const writers of [2, 3]) {
  test(`tag schema: ${String(writers)} processes enter several each at once, and no entry is lost`, async (t) => {
    const lists: Parameters<typeof slowTagSchema>[0] = { current: undefined };
    const wire = await startWire(t, slowTagSchema(lists));
    const evidenceOf = (writer: number, index: number) =>
      encodeManifest({
        mediaType: mediaTypes.ociManifest,
        config: blobOf('{}'),
        layers: [],
        subject,
        artifactType: `x/${String(writer)}-${String(index)}`,
      });
    const wanted: string[] = [];
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        const repository = registryAt(wire, {
          clock: systemClock,
          random: Math.random,
          limits: { pause: 50, attempts: 9 },
        }).repository('x');
        for (let index = 0; index < 3; index += 1) {
          const one = evidenceOf(writer, index);
          wanted.push(one.descriptor.digest);
          await repository.pushManifest(one);
        }
      }),
    );
    const found = (lists.current?.manifests ?? []).map(({ digest }) => digest);
    t.deepEqual(found.sort(), wanted.sort());
  });
}

test('tag schema: an overwrite after we have looked is noticed', async (t) => {
  const theirs = referrer('theirs', 'x/y');
  let list: unknown;
  let looks = 0;
  const wire = await startWire(t, async (request, response) => {
    const body = await readBody(request);
    if (!request.url?.includes('sha256-')) response.writeHead(201).end();
    else if (request.method === 'PUT') {
      list = JSON.parse(body.toString());
      response.writeHead(201).end();
    } else if (list === undefined) ociError(response, 404, '', '');
    else {
      json(response, 200, list, indexHeaders);
      // Once we have seen our entry, somebody who read before that writes.
      if (++looks === 1) list = index(theirs);
    }
  });
  await registryAt(wire).repository('x').pushManifest(evidence);
  t.deepEqual(
    (list as { manifests: { digest: string }[] }).manifests.map(({ digest }) => digest).sort(),
    [theirs.digest, evidence.descriptor.digest].sort(),
  );
});
