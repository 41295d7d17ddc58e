import { PopeError } from '../util/index.js';
import { Tensor } from './tensor.js';

/** A tensor, or a nested record or list of trees: parameters, gradients, optimizer states. */
export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree };

type AnyRecord = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is AnyRecord {
  if (value === null || typeof value !== 'object') return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** All tensors of a value in a fixed order; whatever is not a tensor, list or plain record has none. */
export function leavesOf(value: unknown): Tensor[] {
  const leaves: Tensor[] = [];
  const walk = (node: unknown): void => {
    if (node instanceof Tensor) leaves.push(node);
    else if (Array.isArray(node)) for (const child of node) walk(child);
    else if (isRecord(node)) for (const key of Object.keys(node)) walk(node[key]);
  };
  walk(value);
  return leaves;
}

/** Tensors of a tree by dotted path, in the order of `leavesOf`: names for checkpoints and messages. */
export function namedLeaves(tree: Tree): [string, Tensor][] {
  const named: [string, Tensor][] = [];
  const walk = (node: unknown, path: string): void => {
    if (node instanceof Tensor) named.push([path, node]);
    else if (Array.isArray(node))
      for (const [i, child] of node.entries()) walk(child, path === '' ? `${i}` : `${path}.${i}`);
    else if (isRecord(node)) for (const key of Object.keys(node)) walk(node[key], path === '' ? key : `${path}.${key}`);
  };
  walk(tree, '');
  return named;
}

/** The same tree with every tensor replaced. */
export function mapTree<T extends Tree>(tree: T, fn: (tensor: Tensor, index: number) => Tensor): T {
  let index = 0;
  const walk = (node: unknown): unknown => {
    if (node instanceof Tensor) return fn(node, index++);
    if (Array.isArray(node)) return node.map(walk);
    if (isRecord(node)) {
      const mapped: Record<string, unknown> = {};
      for (const key of Object.keys(node)) mapped[key] = walk(node[key]);
      return mapped;
    }
    throw new PopeError('a tree holds something that is neither a tensor nor a list or record of trees.', {
      argument: 'tree',
      got: node,
    });
  };
  return walk(tree) as T;
}

/** `fn` over two trees of one structure. @throws PopeError where they have different numbers of tensors. */
export function zipTree<T extends Tree>(x: T, y: Tree, fn: (a: Tensor, b: Tensor) => Tensor): T {
  const other = leavesOf(y);
  const count = leavesOf(x).length;
  if (other.length !== count) {
    throw new PopeError(`two trees have ${count} and ${other.length} tensors; expected the same structure.`, {
      argument: 'tree',
    });
  }
  return mapTree(x, (a, i) => fn(a, other[i]));
}
