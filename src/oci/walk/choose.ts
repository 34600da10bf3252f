import type { ImageTree } from './tree.ts';
import type { FileNode, Located, TreeNode } from './tree-nodes.ts';
import type { FileSelection, Told, Unmet } from './types.ts';

/** Names behind a link to a directory by which something can be marked: no package manager's are longer. */
const maxAliasDepth = 5;
const aliasBudget = 3_000_000;

export interface ChosenFile {
  readonly path: string;
  readonly node: FileNode;
  readonly role: string;
}

export interface Choice<T> {
  /** In the order of their paths. */
  readonly files: readonly ChosenFile[];
  readonly told: readonly Told<T>[];
  readonly unmet: readonly Unmet[];
  /** False when there are more ways through symbolic links than anybody wants to go. */
  readonly complete: boolean;
}

/**
 * What of an image is to be read: the files whose path is wanted, by every real path that they have; then what symbolic
 * links, lookups and marks lead to, unless it is read as the same thing already.
 */
export function chooseFiles<T>(tree: ImageTree, selection: FileSelection<T>): Choice<T> {
  const chooser = new Chooser(tree, selection);
  for (const found of tree.nodes()) chooser.look(found, true);
  for (const path of selection.lookups) chooser.lookUp(path);
  for (const found of tree.nodes())
    if (found.node.kind === 'symlink' && selection.wants(found.path))
      chooser.choose(found.path, tree.lookup(found.path));
  const aliases = tree.aliases(maxAliasDepth, aliasBudget);
  let next = aliases.next();
  for (; next.done !== true; next = aliases.next()) chooser.look(next.value, false);
  return chooser.finish(next.value);
}

class Chooser<T> {
  readonly #tree: ImageTree;
  readonly #selection: FileSelection<T>;
  readonly #files = new Map<string, ChosenFile>();
  readonly #roles = new Map<FileNode, Set<string>>();
  readonly #marked = new Map<TreeNode, Set<string>>();
  readonly #told: Told<T>[] = [];
  readonly #needs: Unmet[] = [];

  constructor(tree: ImageTree, selection: FileSelection<T>) {
    this.#tree = tree;
    this.#selection = selection;
  }

  /** `isReal`: the path has no links in it, and stands for itself even when its file has other names. */
  look({ path, node }: Located, isReal: boolean): void {
    this.#mark(path, node, isReal);
    if (node.kind === 'file' && this.#selection.wants(path)) this.#choose(path, node, isReal);
  }

  choose(path: string, node: TreeNode | undefined): void {
    if (node?.kind === 'file') this.#choose(path, node, false);
  }

  lookUp(path: string): void {
    const node = this.#tree.lookup(path);
    if (node?.kind === 'directory') {
      for (const name of node.children.keys()) {
        const child = `${path}/${name}`;
        if (this.#selection.wants(child)) this.choose(child, this.#tree.lookup(child));
      }
    } else this.choose(path, node);
  }

  finish(complete: boolean): Choice<T> {
    const unmet = this.#needs.filter(({ needs }) => !needs.some((path) => this.#isMet(path)));
    const files = [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    return { files, told: this.#told, unmet, complete };
  }

  #choose(path: string, node: FileNode, isReal: boolean): void {
    const role = this.#selection.role(path);
    const roles = this.#roles.get(node) ?? new Set<string>();
    if (!isReal && roles.has(role)) return;
    this.#roles.set(node, roles.add(role));
    this.#files.set(path, { path, node, role });
  }

  /** What one path to something has marked, a link to it or around it that ends alike marks no second time. */
  #mark(path: string, node: TreeNode, isReal: boolean): void {
    const mark = this.#selection.marks(path, node.kind);
    if (!mark) return;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const names = this.#marked.get(node) ?? new Set<string>();
    if (!isReal && names.has(name)) return;
    this.#marked.set(node, names.add(name));
    if ('tells' in mark) this.#told.push({ path, value: mark.tells });
    else this.#needs.push({ path, needs: mark.needs });
  }

  /** Whatever becomes of it when it is read: that is said there. */
  #isMet(path: string): boolean {
    const node = this.#tree.lookup(path.replace(/\/$/, ''));
    if (path.endsWith('/')) return node?.kind === 'directory' && node.children.size > 0;
    this.choose(path, node);
    return node?.kind === 'file';
  }
}
