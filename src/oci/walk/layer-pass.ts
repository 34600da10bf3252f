import type { DirectoryNode } from './tree-nodes.ts';

/** One layer on its way into the tree. */
export interface LayerPass {
  readonly layer: number;
  /** What this layer made. */
  readonly added: Positions;
  /** Directories of lower layers that this one has whited out. */
  readonly cleared: Positions;
  readonly problems: string[];
}

/** Names in directories. Not nodes: hard links give one node many names. */
export class Positions {
  readonly #names = new Map<DirectoryNode, Set<string>>();

  add(directory: DirectoryNode, name: string): void {
    const names = this.#names.get(directory);
    if (names) names.add(name);
    else this.#names.set(directory, new Set([name]));
  }

  has(directory: DirectoryNode, name: string): boolean {
    return this.#names.get(directory)?.has(name) === true;
  }
}

/** Takes away what lower layers have in a directory. @returns true when something of this layer is left. */
export function clear(directory: DirectoryNode, added: Positions): boolean {
  let left = false;
  for (const [name, child] of directory.children) {
    const within = child.kind === 'directory' && clear(child, added);
    if (within || added.has(directory, name)) left = true;
    else directory.children.delete(name);
  }
  return left;
}

export function removeLower(pass: LayerPass, directory: DirectoryNode, name: string, path: string): void {
  const existing = directory.children.get(name);
  if (!existing) return;
  const isOwn = pass.added.has(directory, name);
  const left = existing.kind === 'directory' && clear(existing, pass.added);
  if (isOwn || left) pass.problems.push(`${path} whites out what its own layer adds`);
  else directory.children.delete(name);
  if (existing.kind === 'directory') pass.cleared.add(directory, name);
}

/** Some runtimes show what lower layers had in such a directory, some do not. */
export function noteMadeAgain(pass: LayerPass, directory: DirectoryNode, name: string, path: string): void {
  if (pass.cleared.has(directory, name))
    pass.problems.push(`${path} is whited out and made again in one layer`);
}
