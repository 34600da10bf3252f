import { join } from 'node:path';
import { parseDigest } from '../../src/domain/digest.ts';
import type { Digest } from '../../src/domain/digest.ts';
import { isDigest } from '../../src/domain/digest.ts';
import { isRepositoryName } from '../../src/domain/names.ts';
import type { SandboxContext } from '../context.ts';
import type { RegistryStore } from '../store/registry.ts';
import type { Repository } from '../store/repository.ts';
import type { RegistryNames, ZoneName } from '../topology.ts';
import { nameUnknown, registryError } from './errors.ts';
import type { RegistrySettings } from './settings.ts';
import { changeSettings, defaultSettings, readSettings } from './settings.ts';

/** One registry's data plane: what its handlers share. */
export interface Plane {
  readonly context: SandboxContext;
  readonly names: RegistryNames;
  readonly store: RegistryStore;
  settings(): RegistrySettings;
  configure(change: Partial<RegistrySettings>): void;
}

export function createPlane(context: SandboxContext, zone: ZoneName): Plane {
  const names = context.topology.registries[zone];
  const directory = join(context.stateDirectory, 'registries', names.name);
  // The sealed registry lets nothing out (posture table).
  const defaults: RegistrySettings =
    zone === 'sensitive' ? { ...defaultSettings, exportPolicy: 'disabled' } : defaultSettings;
  return {
    context,
    names,
    store: context.stores[zone],
    settings: () => readSettings(directory, defaults),
    configure: (change) => {
      changeSettings(directory, change);
    },
  };
}

/** @throws ResponseError 400 NAME_INVALID */
export function checkName(repository: string): string {
  if (isRepositoryName(repository)) return repository;
  throw registryError(400, 'NAME_INVALID', 'invalid repository name', { name: repository });
}

/** @throws ResponseError 400 DIGEST_INVALID */
export function digestOf(text: string): Digest {
  if (isDigest(text)) return parseDigest(text);
  throw registryError(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content', {
    digest: text.slice(0, 100),
  });
}

/** Hex digits of the other registered algorithms (OCI image-spec, descriptor.md#digests). */
const otherDigest = /^(?:sha512:[0-9a-f]{128}|sha384:[0-9a-f]{96}|blake3:[0-9a-f]{64})$/;

export const isOtherDigest = (text: string): boolean => otherDigest.test(text);

/**
 * The digest of something to be found: what is a digest by another algorithm is no mistake, but nothing has it here.
 * @throws ResponseError what `unknown` makes of it; 400 DIGEST_INVALID
 */
export function wantedDigest(text: string, unknown: (text: string) => Error): Digest {
  if (isOtherDigest(text)) throw unknown(text);
  return digestOf(text);
}

/** @throws ResponseError 404 NAME_UNKNOWN */
export function repositoryOf(plane: Plane, name: string): Repository {
  const repository = plane.store.repository(checkName(name));
  if (!repository) throw nameUnknown(name);
  return repository;
}
