/** One copy by our side, as a process of its own: what the bench times. `node ours.js '{"from":…,"to":…}'` */
import { readFile } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import type { Registry } from '../src/ports/content.ts';

export interface Place {
  /** `host:port`, or the directory of a store. */
  readonly host?: string;
  readonly store?: string;
  /** PEM file; then https. */
  readonly ca?: string;
  readonly repository: string;
  readonly tag: string;
}

export interface OurCopy {
  readonly from: Place;
  readonly to: Place;
  readonly mountFrom?: string;
}

// As bin/run.js does.
enableCompileCache();
const { copyContent } = await import('../src/oci/copy.ts');
const { createRegistry } = await import('../src/oci/registry/registry.ts');

async function open(place: Place): Promise<Registry> {
  if (place.store !== undefined) return (await import('../src/oci/store/store.ts')).openStore(place.store);
  const { host = '', ca } = place;
  if (ca === undefined) return createRegistry({ host, scheme: 'http' });
  const { Agent } = process.getBuiltinModule('node:https');
  return createRegistry({ host, agent: new Agent({ keepAlive: true, ca: await readFile(ca) }) });
}

const job = JSON.parse(process.argv[2] ?? '{}') as OurCopy;
const from = (await open(job.from)).repository(job.from.repository);
const to = (await open(job.to)).repository(job.to.repository);
const root = await from.resolve(job.from.tag);
if (!root) throw new Error('the source has no such tag');
await copyContent({
  from,
  to,
  root,
  tag: job.to.tag,
  ...(job.mountFrom === undefined ? {} : { mountFrom: job.mountFrom }),
});
