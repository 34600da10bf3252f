import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { BenchImage } from './image.ts';
import type { OurCopy, Place } from './ours.ts';
import type { End } from './peers.ts';

/** One line of the table: what is copied from where to where, from which state. */
export interface Row {
  readonly name: string;
  /** As in the performance targets: ratios to Debian's skopeo, and to the fastest peer. */
  readonly target: string;
  /** Brings the target into the state that a run starts from. */
  reset(run: number): Promise<void>;
  readonly ours: (run: number) => OurCopy;
  readonly peers: (run: number) => { readonly from: End; readonly to: End };
}

export interface Hosts {
  readonly source: string;
  readonly target: string;
  readonly sourceTls: string;
  readonly targetTls: string;
  readonly throttled: string;
  readonly ca: string;
}

export interface Folders {
  /** Content of the target registry. */
  readonly target: string;
  /** The same after v1 was copied to it. */
  readonly targetWithV1: string;
  /** Our store with v1. */
  readonly store: string;
  /** Scratch for layouts and stores that are written. */
  readonly scratch: string;
}

export function benchRows(image: BenchImage, hosts: Hosts, folders: Folders): readonly Row[] {
  const [v1] = image.versions;
  if (!v1) throw new Error('the image has no versions');
  const empty = async (): Promise<void> => {
    await rm(folders.target, { recursive: true, force: true });
    await mkdir(folders.target, { recursive: true });
  };
  const withV1 = async (): Promise<void> => {
    await rm(folders.target, { recursive: true, force: true });
    await hardlinked(folders.targetWithV1, folders.target);
  };
  const written = path.join(folders.scratch, 'written');
  const clean = async (): Promise<void> => rm(written, { recursive: true, force: true });

  const between = (from: string, to: string, tag: string, tls: boolean): Pick<Row, 'ours' | 'peers'> => {
    const place = (host: string): Place => ({
      host,
      repository: 'bench',
      tag,
      ...(tls ? { ca: hosts.ca } : {}),
    });
    const end = (host: string): End => ({ kind: 'registry', host, repository: 'bench', tag, tls });
    return {
      ours: () => ({ from: place(from), to: place(to) }),
      peers: () => ({ from: end(from), to: end(to) }),
    };
  };
  const plain = (host: string, repository: string): End => ({
    kind: 'registry',
    host,
    repository,
    tag: 'v1',
    tls: false,
  });

  return [
    {
      name: 'registry → registry, cold',
      target: '≤ 0.95 skopeo, ≤ 1.0 fastest',
      reset: empty,
      ...between(hosts.source, hosts.target, 'v1', false),
    },
    {
      name: 'registry → registry, TLS',
      target: '≤ 0.85 skopeo',
      reset: empty,
      ...between(hosts.sourceTls, hosts.targetTls, 'v1', true),
    },
    {
      name: 'store → registry',
      target: '≤ 0.70 skopeo, ≤ 1.0 fastest',
      reset: empty,
      ours: () => ({
        from: { store: folders.store, repository: 'bench', tag: 'v1' },
        to: { host: hosts.target, repository: 'bench', tag: 'v1' },
      }),
      peers: () => ({
        from: { kind: 'layout', directory: v1.directory, tag: 'v1' },
        to: plain(hosts.target, 'bench'),
      }),
    },
    {
      name: 'registry → store',
      target: '≤ 0.65 skopeo, ≤ 1.0 fastest',
      reset: clean,
      ours: () => ({
        from: { host: hosts.source, repository: 'bench', tag: 'v1' },
        to: { store: written, repository: 'bench', tag: 'v1' },
      }),
      peers: () => ({
        from: plain(hosts.source, 'bench'),
        to: { kind: 'layout', directory: written, tag: 'v1' },
      }),
    },
    {
      name: 'nothing to do',
      target: '≤ 1.2 skopeo',
      reset: withV1,
      ...between(hosts.source, hosts.target, 'v1', false),
    },
    {
      name: 'two layers changed',
      target: '≤ 1.2 skopeo',
      reset: withV1,
      ...between(hosts.source, hosts.target, 'v2', false),
    },
    {
      name: 'mount from a sibling',
      target: '≤ 1.0 skopeo',
      reset: withV1,
      ours: () => ({
        from: { host: hosts.target, repository: 'bench', tag: 'v1' },
        to: { host: hosts.target, repository: 'sibling', tag: 'v1' },
        mountFrom: 'bench',
      }),
      peers: () => ({ from: plain(hosts.target, 'bench'), to: plain(hosts.target, 'sibling') }),
    },
    {
      name: 'throttled link (60 MB/s a connection, 20 ms)',
      target: '≤ 0.65 skopeo',
      reset: empty,
      ...between(hosts.throttled, hosts.target, 'v1', false),
    },
  ];
}

/** A copy in no time: the registry replaces files, it does not write into them. */
async function hardlinked(from: string, to: string): Promise<void> {
  const { spawnSync } = await import('node:child_process');
  const result = spawnSync('cp', ['-al', from, to]);
  if (result.status !== 0) await cp(from, to, { recursive: true });
}
