import type * as Yaml from 'yaml';
import type { KeyPath, Problem } from './problem.ts';

const maxDepth = 32;

interface Place {
  readonly key?: number;
  readonly value: number;
  readonly written?: string;
}

type MapPair = Yaml.Pair<Yaml.ParsedNode, Yaml.ParsedNode | null>;

/** Builds plain data from the syntax tree, remembers where everything was, and names what a manifest may not use. */
export class Walker {
  readonly problems: Problem[] = [];
  readonly #yaml: typeof Yaml;
  readonly #places = new Map<string, Place>();

  constructor(yaml: typeof Yaml) {
    this.#yaml = yaml;
  }

  place(path: KeyPath): Place | undefined {
    return this.#places.get(JSON.stringify(path));
  }

  refuse(offset: number, message: string): void {
    this.problems.push({ offset, message });
  }

  /** What is refused reads as undefined. */
  read(node: Yaml.ParsedNode, path: KeyPath, depth: number, key?: number): unknown {
    const offset = node.range[0];
    const { isAlias, isMap, isScalar, isSeq } = this.#yaml;
    const written = isScalar(node) && node.type === 'PLAIN' ? node.source : undefined;
    this.#places.set(JSON.stringify(path), {
      value: offset,
      ...(key === undefined ? {} : { key }),
      ...(written === undefined ? {} : { written }),
    });
    this.#refuseProperties(node, offset);
    if (depth > maxDepth) this.refuse(offset, `nested deeper than ${String(maxDepth)}`);
    else if (isAlias(node))
      this.refuse(offset, `YAML aliases (*${node.source}) are not allowed: write the value out`);
    else if (isMap(node)) return this.#readMap(node.items, path, depth);
    else if (isSeq(node)) return this.#readList(node.items, path, depth);
    else return node.value;
    return undefined;
  }

  #readList(items: readonly Yaml.ParsedNode[], path: KeyPath, depth: number): readonly unknown[] {
    return items.map((item, index) => this.read(item, [...path, index], depth + 1));
  }

  #readMap(pairs: readonly MapPair[], path: KeyPath, depth: number): unknown {
    const result: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      const offset = key.range[0];
      const name = this.#readKey(key, offset);
      if (name === undefined) continue;
      if (Object.hasOwn(result, name)) {
        this.refuse(offset, `duplicate key "${name}"`);
      } else if (value) {
        result[name] = this.read(value, [...path, name], depth + 1, offset);
      } else {
        result[name] = null;
        this.#places.set(JSON.stringify([...path, name]), { key: offset, value: offset });
      }
    }
    return result;
  }

  #readKey(key: Yaml.ParsedNode, offset: number): string | undefined {
    this.#refuseProperties(key, offset);
    const scalar = this.#yaml.isScalar(key) ? key : undefined;
    const value = scalar?.value;
    if (value === '<<') this.refuse(offset, 'merge keys (<<) are not allowed: write the values out');
    else if (value === '__proto__') this.refuse(offset, 'key "__proto__" is not allowed');
    else if (typeof value === 'string') return value;
    else if (scalar?.source)
      this.refuse(offset, `key ${scalar.source} is not text: quote it: "${scalar.source}"`);
    else this.refuse(offset, 'a key must be text');
    return undefined;
  }

  #refuseProperties(node: Yaml.ParsedNode, offset: number): void {
    if (node.tag !== undefined) this.refuse(offset, 'YAML tags (!…) are not allowed');
    if ('anchor' in node && node.anchor)
      this.refuse(offset, `YAML anchors (&${node.anchor}) are not allowed`);
  }
}
