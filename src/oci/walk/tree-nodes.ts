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

export type NodeKind = TreeNode['kind'];

/** Something in the tree, and a path to it. */
export interface Located {
  readonly path: string;
  readonly node: TreeNode;
}
