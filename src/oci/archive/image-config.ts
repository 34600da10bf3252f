import { AmlpromoteError } from '../../domain/errors.ts';
import type { Digest } from '../../domain/digest.ts';
import { parseDigest } from '../../domain/digest.ts';
import { canonicalBytes } from '../../json/canonical.ts';
import { parseImageConfig } from '../image-config.ts';

/**
 * Members of `config` that mean something when the image runs: those of the image specification (config.md) and Docker's
 * additions that engines read back. The rest is about the container that the engine built in.
 */
const runtimeKeys = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'OnBuild',
  'Shell',
  'StopTimeout',
] as const;

const platformKeys = ['architecture', 'os', 'variant', 'os.version', 'os.features'] as const;

export interface EngineConfig {
  readonly diffIds: readonly Digest[];
  /** As it goes into the store: the same for the same image, whenever and wherever it was built. */
  bytes(created: string): Uint8Array;
}

/**
 * Reads the engine's image configuration and writes it again without what differs from build to build: container ids,
 * host names, engine version, times. `created` (RFC 3339) replaces every time.
 * @throws CONTENT_INVALID
 */
export function readEngineConfig(bytes: Uint8Array): EngineConfig {
  const where = "the engine's image configuration";
  const { body } = parseImageConfig(bytes, where);
  const rootfs = objectOf(body.rootfs, `${where}: rootfs`);
  const listed = arrayOf(rootfs.diff_ids ?? [], `${where}: diff_ids`);
  const diffIds = listed.map((id) => parseDigest(typeof id === 'string' ? id : '', `${where}: diff_ids`));
  const history = arrayOf(body.history ?? [], `${where}: history`).map((step) =>
    objectOf(step, `${where}: history`),
  );
  const config = objectOf(body.config ?? {}, `${where}: config`);
  return {
    diffIds,
    bytes: (created) =>
      canonicalBytes({
        ...pick(body, platformKeys),
        ...pick(body, ['author']),
        created,
        config: pick(config, runtimeKeys),
        rootfs: { type: 'layers', diff_ids: diffIds },
        history: history.map((step) => ({
          ...pick(step, ['created_by', 'comment', 'author', 'empty_layer']),
          created,
        })),
      }),
  };
}

/** Without what is null or empty: engines differ in whether they write it. */
function pick(value: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  const entries = keys
    .map((key): [string, unknown] => [key, value[key]])
    .filter(([, member]) => !isEmpty(member));
  return Object.fromEntries(entries);
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (typeof value === 'object' && Object.keys(value).length === 0);

function objectOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new AmlpromoteError('CONTENT_INVALID', `${where}: expected an object`);
}

function arrayOf(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw new AmlpromoteError('CONTENT_INVALID', `${where}: expected an array`);
}
