import type { LayerPass } from './layer-pass.ts';
import { Positions, clear, noteMadeAgain, removeLower } from './layer-pass.ts';
import type { LayerEntry } from './listing.ts';
import { printableName } from './names.ts';
import type { DirectoryNode, Located, TreeNode } from './tree-nodes.ts';

/** Symlinks followed on one path; the limit of Linux. */
const maxHops = 40;

/** The file system that a container sees: layers laid over each other, base first (image-spec layer.md). */
export class ImageTree {
  readonly #root: DirectoryNode = { kind: 'directory', children: new Map() };

  /**
   * Lays the entries of a layer over what is there, one after the other, as runtimes do; a whiteout takes away what lower
   * layers have, never what its own layer adds. Where runtimes would disagree about what is left (some unpack each layer
   * for itself and never see the links of lower ones, some lay it over them), more is kept, and it is said.
   * @returns what could not be applied, or not surely, in words
   */
  apply(layer: number, entries: readonly LayerEntry[]): readonly string[] {
    const pass: LayerPass = { layer, added: new Positions(), cleared: new Positions(), problems: [] };
    entries.forEach((entry, index) => {
      const { parent, name } = split(entry.path);
      if (name.startsWith('.wh.')) this.#whiteOut(pass, entry.path, parent, name);
      else this.#add(pass, entry, index);
    });
    return pass.problems.map(printableName);
  }

  /** The node at a path, symlinks followed, the last one too. */
  lookup(path: string): TreeNode | undefined {
    return this.#resolve(path, { followLast: true }).node;
  }

  /** Everything, by its real path. */
  *nodes(): Generator<Located> {
    yield* below('', this.#root);
  }

  /**
   * What is reached through the symbolic links that lead to directories, by the paths that lead there, links within
   * followed too: to `maxDepth` names behind the link, each directory once for each link. @returns false when that is
   * more than `budget`, and not everything was given
   */
  *aliases(maxDepth: number, budget: number): Generator<Located, boolean> {
    let left = budget;
    for (const { path: link, node: start } of this.nodes()) {
      const target = start.kind === 'symlink' ? this.lookup(link) : undefined;
      if (target?.kind !== 'directory') continue;
      const seen = new Set<TreeNode>([target]);
      const stack = [{ path: link, directory: target, depth: 1 }];
      for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
        for (const [name, child] of top.directory.children) {
          if ((left -= 1) < 0) return false;
          const path = `${top.path}/${name}`;
          yield { path, node: child };
          const node = child.kind === 'symlink' ? this.lookup(path) : child;
          if (node?.kind !== 'directory' || seen.has(node) || top.depth >= maxDepth) continue;
          seen.add(node);
          stack.push({ path, directory: node, depth: top.depth + 1 });
        }
      }
    }
    return true;
  }

  #whiteOut(pass: LayerPass, path: string, parent: string, whiteout: string): void {
    const opaque = whiteout === '.wh..wh..opq';
    // Other `.wh..wh.` names are bookkeeping of AUFS: no files.
    if (!opaque && whiteout.startsWith('.wh..wh.')) return;
    const name = whiteout.slice('.wh.'.length);
    if (name === '' || name === '.' || name === '..') {
      pass.problems.push(`a whiteout without a name: ${path}`);
      return;
    }
    const { node, throughLink } = this.#resolve(parent, { followLast: true, pass });
    if (node?.kind !== 'directory') return;
    if (throughLink) pass.problems.push(`${path} is a whiteout behind a symbolic link of a lower layer`);
    else if (opaque) clear(node, pass.added);
    else removeLower(pass, node, name, path);
  }

  #add(pass: LayerPass, entry: LayerEntry, index: number): void {
    if (entry.path === '') return;
    const { parent, name } = split(entry.path);
    const { node: directory, throughLink } = this.#resolve(parent, { followLast: true, create: true, pass });
    if (directory?.kind !== 'directory') {
      pass.problems.push(`${entry.path} lies below something that is not a directory`);
      return;
    }
    const existing = directory.children.get(name);
    const made = this.#nodeOf(pass, entry, index, existing);
    if (!made) return;
    if (throughLink && existing && existing !== made)
      pass.problems.push(
        `${entry.path} takes the place of something behind a symbolic link of a lower layer`,
      );
    // Runtimes in a user namespace leave devices out, and show what lies below.
    if (made.kind === 'other' && existing && existing.kind !== 'other')
      pass.problems.push(`${entry.path} is a device or pipe that takes the place of something else`);
    if (made.kind === 'directory' && existing !== made) noteMadeAgain(pass, directory, name, entry.path);
    directory.children.set(name, made);
    pass.added.add(directory, name);
  }

  #nodeOf(
    pass: LayerPass,
    entry: LayerEntry,
    index: number,
    existing: TreeNode | undefined,
  ): TreeNode | undefined {
    switch (entry.kind) {
      case 'directory':
        return existing?.kind === 'directory' ? existing : { kind: 'directory', children: new Map() };
      case 'file':
        return { kind: 'file', layer: pass.layer, entry: index };
      case 'symlink':
        return { kind: 'symlink', target: entry.link };
      case 'other':
        return { kind: 'other' };
      case 'global':
        if (existing) pass.problems.push(`${entry.path} is also the name of a pax global header`);
        return undefined;
      case 'hardlink': {
        const target = this.#resolve(entry.link, { followLast: false }).node;
        if (target && target.kind !== 'directory') return target;
        pass.problems.push(`${entry.path} is a hard link to ${entry.link}, which is no file`);
        return undefined;
      }
    }
  }

  /** With `create`, what is missing of the path is made, like `mkdir -p` within the root. */
  #resolve(path: string, options: ResolveOptions): Resolved {
    const { followLast, create = false, pass } = options;
    const pending = path.split('/').reverse();
    const trail: DirectoryNode[] = [];
    let here: DirectoryNode = this.#root;
    let hops = 0;
    let throughLink = false;
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        here = trail.pop() ?? this.#root;
        continue;
      }
      let next = here.children.get(part);
      if (next?.kind === 'symlink' && (followLast || pending.length > 0)) {
        hops += 1;
        if (hops > maxHops) return { node: undefined, throughLink };
        throughLink ||= pass !== undefined && !pass.added.has(here, part);
        if (next.target.startsWith('/')) {
          here = this.#root;
          trail.length = 0;
        }
        pending.push(...next.target.split('/').reverse());
        continue;
      }
      if (!next && create) {
        next = { kind: 'directory', children: new Map() };
        if (pass) {
          noteMadeAgain(pass, here, part, path);
          pass.added.add(here, part);
        }
        here.children.set(part, next);
      }
      if (next?.kind !== 'directory') {
        const isLast = pending.every((rest) => rest === '' || rest === '.');
        return { node: isLast ? next : undefined, throughLink };
      }
      trail.push(here);
      here = next;
    }
    return { node: here, throughLink };
  }
}

interface ResolveOptions {
  readonly followLast: boolean;
  readonly create?: boolean;
  readonly pass?: LayerPass;
}

interface Resolved {
  readonly node: TreeNode | undefined;
  /** A symbolic link that another layer made was followed. */
  readonly throughLink: boolean;
}

function* below(prefix: string, root: DirectoryNode): Generator<Located> {
  const stack: { readonly prefix: string; readonly directory: DirectoryNode }[] = [
    { prefix, directory: root },
  ];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    for (const [name, node] of top.directory.children) {
      yield { path: top.prefix + name, node };
      if (node.kind === 'directory') stack.push({ prefix: `${top.prefix}${name}/`, directory: node });
    }
  }
}

function split(path: string): { readonly parent: string; readonly name: string } {
  const slash = path.lastIndexOf('/');
  return { parent: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}
