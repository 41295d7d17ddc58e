import { leavesOf, mapTree, type Tree } from '../tensor/index.js';
import type { Backend } from './backend.js';
import { tensor } from './create.js';

/**
 * The tensors of a tree on another backend: how a model, its optimizer's state or a batch moves as a whole. What is there
 * already stays itself, and the originals of the others stay as they are.
 * @throws PopeError where the backend has no such dtype.
 */
export async function moveTo<T extends Tree>(tree: T, backend: Backend): Promise<T> {
  const copies = await Promise.all(
    leavesOf(tree).map(async (leaf) =>
      leaf.device === backend ? leaf : tensor(await leaf.data(), { shape: leaf.shape, dtype: leaf.dtype, backend }),
    ),
  );
  return mapTree(tree, (_, i) => copies[i]);
}
