import path from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { AmlpromoteError } from '../../domain/errors.ts';
import { readInput as readFile, whyUnreadable } from '../../files/read-input.ts';
import { systemCode } from '../../files/system-code.ts';
import { maxSmokeInputBytes } from '../../evidence/carried-manifest.ts';
import type { CarriedInput, CarriedManifest } from '../../evidence/carried-manifest.ts';
import { resolveVersion } from '../../manifest/image.ts';
import type { ImageSpec, SmokeInput } from '../../manifest/image.ts';

/**
 * What of an image manifest crosses with an image: everything that the inside steps need, and the local smoke inputs as bytes.
 * @throws MANIFEST_INVALID for a smoke input that is missing or larger than 1 MiB
 */
export async function carriedOf(
  spec: ImageSpec,
  image: Digest,
): Promise<{ manifest: CarriedManifest; inputs: readonly Uint8Array[] }> {
  const inputs: Uint8Array[] = [];
  const manifest: CarriedManifest = {
    apiVersion: 'amlpromote/v1',
    kind: 'CarriedManifest',
    name: spec.name,
    version: resolveVersion(spec, image),
    repository: spec.repository,
    environment: { ...spec.environment },
    ...(spec.smoke ? { smoke: { ...spec.smoke, inputs: await packed(spec.smoke.inputs, inputs) } } : {}),
  };
  return { manifest, inputs };
}

/** Packs the files in the order of their names, so that the same manifest gives the same artifact. */
async function packed(
  declared: Readonly<Record<string, SmokeInput>>,
  into: Uint8Array[],
): Promise<Record<string, CarriedInput>> {
  const result: Record<string, CarriedInput> = {};
  for (const [name, input] of Object.entries(declared).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!('file' in input)) {
      result[name] = input;
      continue;
    }
    result[name] = { type: 'uri_file', file: path.basename(input.file), layer: into.length };
    into.push(await readInput(input.file));
  }
  return result;
}

async function readInput(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file, maxSmokeInputBytes).catch((cause: unknown) => {
    if (systemCode(cause) === 'EFBIG') return undefined;
    throw new AmlpromoteError('MANIFEST_INVALID', `smoke input ${file}: ${whyUnreadable(cause)}`, { cause });
  });
  if (bytes) return bytes;
  throw new AmlpromoteError('MANIFEST_INVALID', `smoke input ${file} is larger than 1 MiB`, {
    nextSteps: [
      'Smoke inputs travel with the release: use a small sample, or the output of another smoke job.',
    ],
  });
}
