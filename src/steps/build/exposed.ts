import type { ManifestContent } from '../../domain/descriptor.ts';
import { parseStrictJson } from '../../json/strict.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { readBlob } from '../../oci/verified.ts';
import type { ContentReader } from '../../ports/content.ts';
import type { BuildSource } from '../../manifest/image.ts';

const maxConfigBytes = 8 * 1024 * 1024;

/** Shorter values are found everywhere. */
const tellingLength = 6;

/**
 * Arguments whose values stand in the image's own configuration, which crosses whatever the evidence leaves out: engines
 * write them into the history of each `RUN` after an `ARG` (`|1 NAME=value /bin/sh -c …`), and a Dockerfile may put them
 * into `ENV` or `LABEL`. Those that the manifest calls public are meant to be there.
 */
export async function exposedArgs(
  { args, publicArgs = [] }: Pick<BuildSource, 'args' | 'publicArgs'>,
  content: ManifestContent,
  reader: ContentReader,
  /** What amlpromote itself has put there: the name of the base may be an argument's value. */
  own: readonly string[],
): Promise<readonly string[]> {
  const hidden = Object.entries(args).filter(([name, value]) => value !== '' && !publicArgs.includes(name));
  if (hidden.length === 0) return [];
  const { config } = parseManifest(content);
  const bytes = await readBlob(reader, config, maxConfigBytes);
  const texts = [...textsOf(parseStrictJson(bytes, { where: `image config ${config.digest}` }))].map((text) =>
    own.reduce((rest, one) => rest.replaceAll(one, ''), text),
  );
  const stands = (name: string, value: string, text: string): boolean =>
    text.includes(`${name}=${value}`) || (value.length >= tellingLength && text.includes(value));
  return hidden
    .filter(([name, value]) => texts.some((text) => stands(name, value, text)))
    .map(([name]) => name);
}

function* textsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const member of Object.values(value)) yield* textsOf(member);
}
