import type http from 'node:http';
import { Readable } from 'node:stream';
import test from 'ava';
import { AmlpromoteError } from '../../../src/domain/errors.ts';
import { mediaTypes } from '../../../src/domain/media-types.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import type { Repository } from '../../../src/ports/content.ts';
import { blobOf, json, jwt, ociError, registryAt, startWire } from './wire.ts';

const text = 'a layer of some kilobytes'.repeat(100);
const blob = blobOf(text);
const page = '<html><title>Sign in to the network</title></html>';
const content = encodeManifest({ mediaType: mediaTypes.ociManifest, config: blob, layers: [] });
const { digest } = content.descriptor;

/** What asks whether something is there, or takes an answer for it. */
const questions: Readonly<Record<string, (repository: Repository) => Promise<unknown>>> = {
  'is the blob there': (repository) => repository.hasBlob(blob),
  'read the blob': (repository) => repository.blob(blob),
  'resolve a tag': (repository) => repository.resolve('v1'),
  'resolve a digest': (repository) => repository.resolve(digest),
  'read a tag': (repository) => repository.manifest('v1'),
  'read a digest': (repository) => repository.manifest(digest),
  'list the tags': (repository) => repository.tags(),
  'list the referrers': (repository) => repository.referrers(digest),
  'push a blob': (repository) => repository.pushBlob(blob, async () => Readable.from([Buffer.from(text)])),
  'push a manifest': (repository) => repository.pushManifest(content, 'v1'),
};

type Answer = (response: http.ServerResponse) => void;
const answers: Readonly<Record<string, Answer>> = {
  'a page': (response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': page.length });
    response.end(page);
  },
  'a page in chunks': (response) => {
    response.writeHead(200, { 'content-type': 'Text/HTML' }).write(page);
    response.end();
  },
  'an XHTML page': (response) =>
    response.writeHead(200, { 'content-type': 'application/xhtml+xml' }).end(page),
  'a page of the length of the blob': (response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'content-length': blob.size });
    response.end('x'.repeat(blob.size));
  },
  'a page that says 404': (response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end(page);
  },
  'a page that says 403': (response) => {
    response.writeHead(403, { 'content-type': 'text/html' }).end(page);
  },
  'a page that says 201': (response) => {
    response.writeHead(201, { 'content-type': 'text/html' }).end(page);
  },
  'network authentication required (RFC 6585)': (response) => {
    response.writeHead(511, { 'content-type': 'text/html' }).end(page);
  },
  'the JSON of something else': (response) => json(response, 200, { status: 'ok' }),
  'a redirect to a portal': (response) =>
    response.writeHead(302, { location: 'https://127.0.0.1:1/login' }).end(),
};

/** Whatever is asked first decides; an upload may begin with a POST. */
for (const [what, answer] of Object.entries(answers)) {
  for (const [name, ask] of Object.entries(questions)) {
    // An upload takes the answers to its own requests; JSON is no answer to them either, but a registry's error.
    test(`${name}: ${what} is neither "there" nor "not there"`, async (t) => {
      const wire = await startWire(t, (request, response) => {
        request.resume();
        answer(response);
      });
      const repository = registryAt(wire, { limits: { attempts: 1 } }).repository('a');
      const error = await t.throwsAsync(ask(repository), { instanceOf: AmlpromoteError });
      const excused = what === 'the JSON of something else' && /referrers/.test(name);
      if (excused) t.is(error.code, 'CONTENT_INVALID');
      else t.is(error.exitCode, 20, `${error.code} ${error.message}`);
      if (/page|portal/.test(what))
        t.true(['UNREACHABLE', 'NETWORK_DENIED'].includes(error.code), error.code);
      t.true(error.nextSteps.length > 0);
    });
  }
}

test('a proxy that pages in the middle: a blob, its data host, a token', async (t) => {
  const wire = await startWire(t, (request, response, self) => {
    if (request.url?.startsWith('/token')) answers['a page']?.(response);
    else if (request.url?.includes('/elsewhere')) answers['a page']?.(response);
    else if (request.url?.includes('blobs'))
      response.writeHead(307, { location: `http://localhost:${String(self.port)}/elsewhere` }).end();
    else
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="http://${self.host}/token",service="x"` })
        .end();
  });
  const repository = registryAt(wire).repository('a');
  for (const ask of [questions['is the blob there'], questions['read the blob']]) {
    const error = await t.throwsAsync(ask?.(repository) ?? Promise.resolve(), {
      instanceOf: AmlpromoteError,
      code: 'UNREACHABLE',
    });
    t.regex(error.message, /^localhost:\d+: /);
  }
  await t.throwsAsync(repository.resolve('v1'), { instanceOf: AmlpromoteError, code: 'UNREACHABLE' });
});

test('a gateway that pages that the service is down or busy is retried, and told as that', async (t) => {
  for (const [status, code] of [
    [503, 'SERVICE_FAILED'],
    [429, 'THROTTLED'],
    [504, 'TIMEOUT'],
  ] as const) {
    const wire = await startWire(t, (_request, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end(page);
    });
    await t.throwsAsync(registryAt(wire).repository('a').resolve('v1'), {
      instanceOf: AmlpromoteError,
      code,
    });
    t.is(wire.log.length, 5);
  }
});

test('a registry whose web server pages the unknown referrers API away still has the tag schema', async (t) => {
  const wire = await startWire(t, (request, response) => {
    if (request.url?.includes('/referrers/')) answers['a page that says 404']?.(response);
    else ociError(response, 404, 'MANIFEST_UNKNOWN', 'x');
  });
  t.deepEqual(await registryAt(wire).repository('a').referrers(digest), []);
});

test('a data host that names neither digest nor type is believed by the size', async (t) => {
  const wire = await startWire(t, (_request, response) => {
    response.writeHead(200, { 'content-length': blob.size }).end();
  });
  t.true(await registryAt(wire).repository('a').hasBlob(blob));
  const lying = await startWire(t, (_request, response) => {
    response.writeHead(200, { 'content-length': blob.size, 'docker-content-digest': digest }).end();
  });
  await t.throwsAsync(registryAt(lying).repository('a').hasBlob(blob), {
    instanceOf: AmlpromoteError,
    code: 'INTEGRITY_MISMATCH',
  });
});

test('a token that a portal gives is none', async (t) => {
  const wire = await startWire(t, (request, response, self) => {
    if (request.url?.startsWith('/token')) {
      response.writeHead(200, { 'content-type': 'text/html' }).end(JSON.stringify({ token: jwt({}) }));
    } else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${self.host}/token"` }).end();
  });
  await t.throwsAsync(registryAt(wire).repository('a').tags(), {
    instanceOf: AmlpromoteError,
    code: 'UNREACHABLE',
  });
});
