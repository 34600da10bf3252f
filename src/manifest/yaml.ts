import type * as Yaml from 'yaml';

/** A problem at an offset of the text; line and column are worked out when it is printed. */
export interface Problem {
  readonly offset: number;
  readonly message: string;
}

export type KeyPath = readonly (string | number)[];

/** A strictly read YAML document: plain data, and where each part of it stands in the text. */
export interface YamlSource {
  readonly data: unknown;
  readonly problems: readonly Problem[];
  /** Offset of the value at a path, or of the nearest parent that exists. */
  valueAt(path: KeyPath): number;
  /** Offset of a key, e.g. to point at a misspelt one. */
  keyAt(path: KeyPath, key: string): number;
  /** A plain (unquoted) scalar as it was written: `1.10` where `data` has 1.1. */
  writtenAt(path: KeyPath): string | undefined;
}

const maxDepth = 32;

/**
 * YAML 1.2 core schema without what makes a file mean other than it looks: anchors, aliases, tags, merge keys, directives,
 * several documents, keys that are not text, duplicate keys. All such problems are reported, not only the first.
 */
export async function readYaml(text: string): Promise<YamlSource> {
  const yaml = await import('yaml');
  const documents = yaml.parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    // Quadratic in the library; `Walker` finds duplicates with a set.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const [document, second] = [...(Array.isArray(documents) ? documents : [])];
  const problems: Problem[] = [];
  if (!document) return emptySource([{ offset: 0, message: 'the file is empty' }]);
  for (const error of [...document.errors, ...document.warnings])
    problems.push({ offset: error.pos[0], message: sentence(error.message) });
  if (second)
    problems.push({
      offset: second.range[0],
      message: 'a manifest is one document: remove "---" and what follows',
    });
  problems.push(...directives(document));

  const walker = new Walker(yaml, problems);
  const data = document.contents === null ? null : walker.read(document.contents, [], 0);
  const root = document.contents;
  return {
    data,
    problems,
    valueAt: (path) => walker.place(path)?.value ?? root?.range[0] ?? 0,
    keyAt: (path, key) => walker.place([...path, key])?.key ?? walker.place(path)?.value ?? 0,
    writtenAt: (path) => walker.place(path)?.written,
  };
}

const emptySource = (problems: readonly Problem[]): YamlSource => ({
  data: null,
  problems,
  valueAt: () => 0,
  keyAt: () => 0,
  writtenAt: () => undefined,
});

const sentence = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);

function directives(document: Yaml.Document.Parsed): readonly Problem[] {
  const { yaml, tags } = document.directives;
  if (!yaml.explicit && Object.keys(tags).length === 1) return [];
  return [{ offset: 0, message: 'directives (%YAML, %TAG) are not allowed' }];
}

interface Place {
  readonly key?: number;
  readonly value: number;
  readonly written?: string;
}

/** Builds plain data from the syntax tree and remembers where everything was. */
class Walker {
  readonly #yaml: typeof Yaml;
  readonly #problems: Problem[];
  readonly #places = new Map<string, Place>();

  constructor(yaml: typeof Yaml, problems: Problem[]) {
    this.#yaml = yaml;
    this.#problems = problems;
  }

  place(path: KeyPath): Place | undefined {
    return this.#places.get(JSON.stringify(path));
  }

  read(node: Yaml.ParsedNode, path: KeyPath, depth: number, key?: number): unknown {
    const offset = node.range[0];
    this.#refuseProperties(node, offset);
    if (depth > maxDepth) return this.#refuse(offset, `is nested deeper than ${String(maxDepth)}`);
    const { isAlias, isMap, isSeq } = this.#yaml;
    const scalar = this.#yaml.isScalar(node) ? node : undefined;
    const written = scalar?.type === 'PLAIN' ? scalar.source : undefined;
    this.#places.set(JSON.stringify(path), {
      value: offset,
      ...(key === undefined ? {} : { key }),
      ...(written === undefined ? {} : { written }),
    });
    if (isAlias(node))
      return this.#refuse(offset, `YAML aliases (*${node.source}) are not allowed: write the value out`);
    if (isMap(node)) return this.#readMap(node.items, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.read(item, [...path, index], depth + 1));
    return scalar?.value;
  }

  #readMap(
    pairs: readonly Yaml.Pair<Yaml.ParsedNode, Yaml.ParsedNode | null>[],
    path: KeyPath,
    depth: number,
  ): unknown {
    const result: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      const offset = key.range[0];
      const name = this.#readKey(key, offset);
      if (name === undefined) continue;
      if (Object.hasOwn(result, name)) {
        this.#refuse(offset, `duplicate key "${name}"`);
        continue;
      }
      const child = [...path, name];
      if (value) result[name] = this.read(value, child, depth + 1, offset);
      else {
        result[name] = null;
        this.#places.set(JSON.stringify(child), { key: offset, value: offset });
      }
    }
    return result;
  }

  #readKey(key: Yaml.ParsedNode, offset: number): string | undefined {
    this.#refuseProperties(key, offset);
    const value: unknown = this.#yaml.isScalar(key) ? (key as Yaml.Scalar).value : undefined;
    if (value === '<<') return this.#refuse(offset, 'merge keys (<<) are not allowed: write the values out');
    if (value === '__proto__') return this.#refuse(offset, 'key "__proto__" is not allowed');
    if (typeof value === 'string') return value;
    const source = this.#yaml.isScalar(key) ? ((key as Yaml.Scalar).source ?? '') : '';
    return this.#refuse(
      offset,
      source ? `key ${source} is not text: quote it: "${source}"` : 'a key must be text',
    );
  }

  #refuseProperties(node: Yaml.Node, offset: number): void {
    if (node.tag !== undefined) this.#refuse(offset, 'YAML tags (!…) are not allowed');
    if ('anchor' in node && node.anchor)
      this.#refuse(offset, `YAML anchors (&${node.anchor}) are not allowed`);
  }

  #refuse(offset: number, message: string): void {
    this.#problems.push({ offset, message });
  }
}
