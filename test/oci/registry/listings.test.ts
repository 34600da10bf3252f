import type http from 'node:http';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
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
    if (request.url?.includes('/manifests/'))
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
