import type * as Yaml from 'yaml';
import type { KeyPath, Problem } from './problem.ts';
import { Walker } from './yaml-walker.ts';

/** A strictly read YAML document: plain data, and where each part of it stands in the text. */
export interface YamlSource {
  readonly data: unknown;
  readonly problems: readonly Problem[];
  /** False when the syntax is broken, so that `data` is not worth looking at. */
  readonly readable: boolean;
  /** Offset of the value at a path, or of the nearest parent that exists. */
  valueAt(path: KeyPath): number;
  /** Offset of a key, e.g. to point at a misspelt one. */
  keyAt(path: KeyPath, key: string): number;
  /** A plain (unquoted) scalar as it was written: `1.10` where `data` has 1.1. */
  writtenAt(path: KeyPath): string | undefined;
}

/**
 * YAML 1.2 core schema without what makes a file mean other than it looks: anchors, aliases, tags, merge keys, directives,
 * several documents, keys that are not text, duplicate keys. All such problems are reported, not only the first.
 */
export async function readYaml(text: string): Promise<YamlSource> {
  const yaml = await import('yaml');
  const documents = yaml.parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    // Quadratic in the library; `Walker` finds duplicates by hash.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const [document, second] = Array.isArray(documents) ? documents : [];
  const walker = new Walker(yaml);
  if (!document?.contents) walker.refuse(0, 'the file is empty');
  const data = document?.contents ? walker.read(document.contents, [], 0) : null;
  const syntax = [...(document?.errors ?? []), ...(document?.warnings ?? [])].map(
    ({ pos, message }): Problem => ({ offset: pos[0], message: sentence(message) }),
  );
  if (second) walker.refuse(second.range[0], 'a manifest is one document: remove "---" and what follows');
  if (document && hasDirectives(document)) walker.refuse(0, 'directives (%YAML, %TAG) are not allowed');
  return {
    data,
    problems: [...syntax, ...walker.problems],
    readable: syntax.length === 0 && Boolean(document?.contents),
    valueAt: (path) => nearest(walker, path),
    keyAt: (path, key) => walker.place([...path, key])?.key ?? nearest(walker, path),
    writtenAt: (path) => walker.place(path)?.written,
  };
}

const sentence = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);

const hasDirectives = ({ directives: { yaml, tags } }: Yaml.Document.Parsed): boolean =>
  yaml.explicit === true || Object.keys(tags).length > 1;

function nearest(walker: Walker, path: KeyPath): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const place = walker.place(path.slice(0, length));
    if (place) return place.value;
  }
  return 0;
}
