import type Docker from 'dockerode';
import { unlessAborted } from './stream.ts';

/** What differs between engines and matters to a build. */
export interface EngineTraits {
  readonly name: string;
  readonly version: string;
  readonly buildKit: 'preferred' | 'possible' | 'none';
  /** False where `ONBUILD` of an image stands in none of the API's answers. */
  readonly tellsTriggers: boolean;
  /** False when the engine has no default network (`--bridge=none`): build steps then run without one. */
  readonly hasNetwork: boolean;
}

/** API versions that brought BuildKit (Docker 18.09) and made it the default (Docker 23). */
const buildKitSince = 1.39;
const buildKitDefaultSince = 1.42;

export async function readTraits(docker: Docker, signal: AbortSignal): Promise<EngineTraits> {
  const version = await unlessAborted(docker, docker.version(), signal);
  // Older engines leave the list out, whatever the type says.
  const { Components: components = [] } = version as Partial<typeof version>;
  const isPodman = components.some(({ Name }) => /podman/i.test(Name));
  const api = apiNumber(version.ApiVersion);
  const base = { name: isPodman ? 'podman' : 'docker', version: version.Version, tellsTriggers: !isPodman };
  if (isPodman) return { ...base, buildKit: 'none', hasNetwork: true };
  const networks = await unlessAborted(docker, docker.listNetworks(), signal);
  return {
    ...base,
    buildKit: api >= buildKitDefaultSince ? 'preferred' : api >= buildKitSince ? 'possible' : 'none',
    // Docker creates "bridge" ("nat" on Windows) unless it was told to have none.
    hasNetwork: networks.some(({ Name }) => Name === 'bridge' || Name === 'nat'),
  };
}

/** The BuildKit of Docker 23 knows here-documents; the one before it (0.8) leaves them to the frontend of `# syntax=`. */
export const hereDocumentsOf = ({ buildKit }: EngineTraits): 'known' | 'by syntax' | 'unknown' =>
  buildKit === 'preferred' ? 'known' : buildKit === 'possible' ? 'by syntax' : 'unknown';

/** "1.41" → 1.41; comparable as long as the minor version has two digits, which it has had since 1.10 (2014). */
const apiNumber = (text: string): number => Number.parseFloat(text) || 0;
