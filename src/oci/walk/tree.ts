import type { LayerEntry } from './listing.ts';

/** A regular file: where its bytes are. Hardlinks share one. */
export interface FileNode {
  readonly kind: 'file';
  /** Index of the layer, and of the entry in it. */
  readonly layer: number;
  readonly entry: number;
}

export interface DirectoryNode {
  readonly kind: 'directory';
  readonly children: Map<string, TreeNode>;
}

export type TreeNode =
  | FileNode
  | DirectoryNode
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'other' };

/** Symlinks followed on one path; the limit of Linux. */
const maxHops = 40;

/** The file system that a container sees: layers laid over each other, base first (image-spec layer.md). */
export class ImageTree {
  readonly #root: DirectoryNode = { kind: 'directory', children: new Map() };

  /**
   * Lays the entries of a layer over what is there. Whiteouts act on the layers below only, wherever they stand in the
   * archive. @returns what could not be applied, in words
   */
  apply(layer: number, entries: readonly LayerEntry[]): readonly string[] {
    const problems: string[] = [];
    const plain: { readonly entry: LayerEntry; readonly index: number }[] = [];
    entries.forEach((entry, index) => {
      const { parent, name } = split(entry.path);
      if (!name.startsWith('.wh.')) plain.push({ entry, index });
      else if (name === '.wh..wh..opq') this.#clear(parent);
      else if (!name.startsWith('.wh..wh.'))
        problems.push(...this.#whiteOut(entry.path, parent, name.slice('.wh.'.length)));
      // Other `.wh..wh.` names are bookkeeping of AUFS: no files.
    });
    for (const { entry, index } of plain) problems.push(...this.#add(layer, entry, index));
    return problems;
  }

  /** The node at a path, symlinks followed, the last one too. */
  lookup(path: string): TreeNode | undefined {
    return this.#resolve(path, true);
  }

  /** Every node but plain directories, with its real path. */
  *nodes(): Generator<{ readonly path: string; readonly node: Exclude<TreeNode, DirectoryNode> }> {
    const stack: { readonly prefix: string; readonly directory: DirectoryNode }[] = [
      { prefix: '', directory: this.#root },
    ];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      for (const [name, node] of top.directory.children) {
        if (node.kind === 'directory') stack.push({ prefix: `${top.prefix}${name}/`, directory: node });
        else yield { path: top.prefix + name, node };
      }
    }
  }

  #clear(path: string): void {
    const directory = this.#resolve(path, true);
    if (directory?.kind === 'directory') directory.children.clear();
  }

  #whiteOut(path: string, parent: string, name: string): readonly string[] {
    if (name === '' || name === '.' || name === '..') return [`a whiteout without a name: ${path}`];
    const directory = this.#resolve(parent, true);
    if (directory?.kind === 'directory') directory.children.delete(name);
    return [];
  }

  #add(layer: number, entry: LayerEntry, index: number): readonly string[] {
    if (entry.path === '') return [];
    const { parent, name } = split(entry.path);
    const directory = this.#makeDirectory(parent);
    if (!directory) return [`${entry.path} lies below something that is not a directory`];
    const existing = directory.children.get(name);
    switch (entry.kind) {
      case 'directory':
        if (existing?.kind !== 'directory')
          directory.children.set(name, { kind: 'directory', children: new Map() });
        return [];
      case 'file':
        directory.children.set(name, { kind: 'file', layer, entry: index });
        return [];
      case 'symlink':
        directory.children.set(name, { kind: 'symlink', target: entry.link });
        return [];
      case 'other':
        directory.children.set(name, { kind: 'other' });
        return [];
      case 'hardlink': {
        const target = this.#resolve(entry.link, false);
        if (!target || target.kind === 'directory')
          return [`${entry.path} is a hard link to ${entry.link}, which is no file`];
        directory.children.set(name, target);
        return [];
      }
    }
  }

  /** Like `mkdir -p` within the root; undefined when a file is in the way. */
  #makeDirectory(path: string): DirectoryNode | undefined {
    const node = this.#resolve(path, true, true);
    return node?.kind === 'directory' ? node : undefined;
  }

  #resolve(path: string, followLast: boolean, create = false): TreeNode | undefined {
    const pending = path.split('/').reverse();
    const trail: DirectoryNode[] = [];
    let here: DirectoryNode = this.#root;
    let hops = 0;
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        here = trail.pop() ?? this.#root;
        continue;
      }
      let next = here.children.get(part);
      if (next?.kind === 'symlink' && (followLast || pending.length > 0)) {
        hops += 1;
        if (hops > maxHops) return undefined;
        if (next.target.startsWith('/')) {
          here = this.#root;
          trail.length = 0;
        }
        pending.push(...next.target.split('/').reverse());
        continue;
      }
      if (!next && create) {
        next = { kind: 'directory', children: new Map() };
        here.children.set(part, next);
      }
      if (next?.kind !== 'directory')
        return pending.every((rest) => rest === '' || rest === '.') ? next : undefined;
      trail.push(here);
      here = next;
    }
    return here;
  }
}

function split(path: string): { readonly parent: string; readonly name: string } {
  const slash = path.lastIndexOf('/');
  return { parent: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}
