import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { mediaTypes } from '../../src/domain/media-types.ts';
import { sha256 } from '../../src/domain/sha256.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';

const MiB = 1024 * 1024;
const chunk = Buffer.alloc(MiB, 'amlpromote');

const digestOf = (chunks: number): string => {
  const hash = createHash('sha256');
  for (let index = 0; index < chunks; index += 1) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
};

/** Two registries in one process: one makes an image of one large layer as it is read, the other throws away what it gets. */
async function startServers(layerMiB: number) {
  const layer = {
    mediaType: mediaTypes.ociLayerTar,
    digest: digestOf(layerMiB) as never,
    size: layerMiB * MiB,
  };
  const config = { mediaType: mediaTypes.ociConfig, digest: sha256('{}'), size: 2 };
  const manifest = encodeManifest({ mediaType: mediaTypes.ociManifest, config, layers: [layer] });
  let received = 0;
  const source = http.createServer((request, response) => {
    if (request.url?.includes('/manifests/')) {
      response.setHeader('content-type', mediaTypes.ociManifest);
      response.end(manifest.bytes);
    } else if (request.url?.includes(config.digest)) response.end('{}');
    else {
      response.setHeader('content-length', layer.size);
      let left = layerMiB;
      const more = (): void => {
        for (let room = true; room && left > 0; left -= 1) room = response.write(chunk);
        if (left === 0) response.end();
        else response.once('drain', more);
      };
      more();
    }
  });
  const target = http.createServer((request, response) => {
    request.on('data', (data: Buffer) => (received += data.byteLength));
    request.on('end', () => {
      if (request.method === 'POST') response.writeHead(202, { location: '/v2/b/blobs/uploads/1' }).end();
      else response.writeHead(request.method === 'PUT' ? 201 : 404).end();
    });
  });
  const ports = await Promise.all(
    [source, target].map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    }),
  );
  const close = (): void => [source, target].forEach((server) => server.close().closeAllConnections());
  return { ports, root: manifest.descriptor, received: () => received, close };
}

async function peakOf(layerMiB: number): Promise<{ peak: number; received: number }> {
  const servers = await startServers(layerMiB);
  const child = fork(new URL('copy-child.ts', import.meta.url), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const exit = once(child, 'exit');
  child.send({ ports: servers.ports, root: servers.root });
  const [message] = (await once(child, 'message')) as [{ peak: number }];
  await exit;
  servers.close();
  return { peak: message.peak, received: servers.received() };
}

test('memory does not grow with the image: 64 MiB and 768 MiB peak alike', async (t) => {
  const small = await peakOf(64);
  const large = await peakOf(768);
  t.true(large.received > 768 * MiB);
  t.log(
    `peak RSS: ${(small.peak / MiB).toFixed(0)} MiB for 64 MiB, ${(large.peak / MiB).toFixed(0)} MiB for 768 MiB`,
  );
  t.true(large.peak < 300 * MiB);
  // A busy machine collects garbage late; what is kept would be all of the 704 MiB more.
  t.true(large.peak - small.peak < 176 * MiB);
});
