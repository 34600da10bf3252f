import type { Descriptor } from '../domain/descriptor.ts';
import type { ObjectShape } from '../json/shape.ts';
import { checkShape } from '../json/shape.ts';
import { parseStrictJson } from '../json/strict.ts';
import type { ContentReader } from '../ports/content.ts';
import { readBlob } from './verified.ts';

/** Image configs that are larger are refused. */
const maxConfigBytes = 8 * 1024 * 1024;

/** What decides what runs, of an image config (image-spec config.md). */
export interface ImageConfig {
  /** Undefined when absent, `null` or empty: to Go all one. */
  readonly os: string | undefined;
  readonly architecture: string | undefined;
  readonly variant: string | undefined;
  readonly user: string | undefined;
  /** `rootfs.diff_ids`, as they stand there. */
  readonly diffIds: readonly string[];
  /** The whole document; its known members have the types of the specification. */
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * The one reader of image configs. Every object whose keys are fixed is read as Go reads it, at every depth: by
 * image-spec (specs-go/v1 `Image`, which containerd decodes) and by Docker, whose engine knows more members. One of them
 * under another spelling would run another image than the one that was scanned (threat 5).
 * @throws CONTENT_INVALID
 */
export function parseImageConfig(bytes: Uint8Array, where: string): ImageConfig {
  const parsed = parseStrictJson(bytes, { where, maxBytes: maxConfigBytes, numbers: 'integers' });
  const body = checkShape(parsed, imageShape, where);
  const { config, rootfs } = body;
  return {
    os: textOf(body.os),
    architecture: textOf(body.architecture),
    variant: textOf(body.variant),
    user: textOf(memberOf(config, 'User')),
    diffIds: textsOf(memberOf(rootfs, 'diff_ids')),
    body,
  };
}

/** @throws CONTENT_INVALID; whatever `readBlob` throws */
export const readImageConfig = async (
  reader: Pick<ContentReader, 'blob'>,
  config: Descriptor,
  where = `image config ${config.digest}`,
): Promise<ImageConfig> => parseImageConfig(await readBlob(reader, config, maxConfigBytes), where);

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;

/** `config` (image-spec `ImageConfig`; Docker's additions of docker-image-spec) and what older engines wrote there as well. */
const containerShape: ObjectShape = {
  members: {
    User: 'text',
    ExposedPorts: 'set',
    Env: 'texts',
    Entrypoint: 'texts',
    Cmd: 'texts',
    Volumes: 'set',
    WorkingDir: 'text',
    Labels: 'textMap',
    StopSignal: 'text',
    ArgsEscaped: 'boolean',
    Healthcheck: {
      members: {
        Test: 'texts',
        Interval: 'integer',
        Timeout: 'integer',
        StartPeriod: 'integer',
        StartInterval: 'integer',
        Retries: 'integer',
      },
    },
    OnBuild: 'texts',
    Shell: 'texts',
    StopTimeout: 'integer',
    Hostname: 'text',
    Domainname: 'text',
    AttachStdin: 'boolean',
    AttachStdout: 'boolean',
    AttachStderr: 'boolean',
    Tty: 'boolean',
    OpenStdin: 'boolean',
    StdinOnce: 'boolean',
    Image: 'text',
    NetworkDisabled: 'boolean',
    MacAddress: 'text',
  },
};

/** image-spec `Image` with `Platform` in it; Docker's image (image.Image, image.V1Image); BuildKit's two members. */
const imageShape: ObjectShape = {
  members: {
    created: 'text',
    author: 'text',
    architecture: 'text',
    os: 'text',
    'os.version': 'text',
    'os.features': 'texts',
    variant: 'text',
    config: containerShape,
    rootfs: { members: { type: 'text', diff_ids: 'texts' } },
    history: {
      listOf: {
        members: {
          created: 'text',
          created_by: 'text',
          author: 'text',
          comment: 'text',
          empty_layer: 'boolean',
        },
      },
    },
    id: 'text',
    parent: 'text',
    comment: 'text',
    container: 'text',
    container_config: containerShape,
    docker_version: 'text',
    Size: 'integer',
    'moby.buildkit.buildinfo.v1': 'text',
    'moby.buildkit.cache.v0': 'text',
  },
};
