import { bytesPerElement, type FloatDType, type Shape, sizeOf } from '../../tensor/index.js';
import type { Operand } from '../backend.js';
import { matrixStarts } from '../js/matmul.js';
import { type Engine, suffixOf } from './engine.js';
import type { Block } from './memory.js';

/** One product: m x k by k x n, each side as stored or transposed. */
export interface Product {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeX: boolean;
  readonly transposeY: boolean;
}

/** Multiplications of a piece that is worth another thread's while: about a tenth of a millisecond. */
const PIECE = 1 << 21;

/** Rows up to which the right side is packed panel by panel, just before use, and the left stays in the cache. */
const FEW_ROWS = 128;

/** Pieces of rows (panels, matrices), each of `work` multiplications; a multiple of the tile's rows. */
export const grainOf = (work: number): number => 4 * Math.max(1, Math.round(PIECE / 4 / Math.max(1, work)));

/** Writes the product of the matrices at addresses x and y to `to`; `bias` is the address of a row to add, or 0. */
export function multiply(
  { memory, dispatch, threads }: Engine,
  dtype: FloatDType,
  x: number,
  y: number,
  { m, k, n, transposeX, transposeY }: Product,
  to: number,
  bias = 0,
): void {
  const f = suffixOf(dtype);
  const bytes = bytesPerElement[dtype];
  const panels = Math.ceil((n * bytes) / 32);
  const right = transposeY ? [y, 1, k] : [y, n, 1];
  if (m < 4) {
    const left = transposeX ? [x, 1, m] : [x, k, 1];
    dispatch(`multiplyRow_${f}`, m, m, [...left, ...right, k, n, to, bias]);
    return;
  }
  const groups = Math.ceil(m / 4);
  const rows = transposeX ? memory.allocate(groups * 4 * k * bytes) : null;
  if (rows !== null) dispatch(`packRows_${f}`, groups, grainOf(64 * k), [x, k, m, rows.address]);
  const left = rows === null ? [x, 4 * k, k, 1] : [rows.address, 4 * k, 1, 4];
  if (m <= FEW_ROWS) {
    const scratch = memory.allocate(threads * 64 * k);
    const args = [...left, ...right, m, k, n, to, 0, bias, scratch.address];
    dispatch(`multiplyPanels_${f}`, panels, grainOf((32 / bytes) * k * m), args, { argument: 13, bytes: 64 * k });
    memory.free(scratch);
  } else {
    const packed = memory.allocate(panels * k * 32);
    dispatch(`pack_${f}`, panels, grainOf(128 * k), [...right, k, n, packed.address]);
    dispatch(`multiply_${f}`, m, grainOf(k * n), [...left, packed.address, k, n, to, 0, bias]);
    memory.free(packed);
  }
  if (rows !== null) memory.free(rows);
}

/** The matmul verb. */
export const matmulVerb =
  (engine: Engine) =>
  (x: Operand, y: Operand, transposeX: boolean, transposeY: boolean, shape: Shape): Block => {
    const { memory, dispatch, threads } = engine;
    const dtype = x.dtype as FloatDType;
    const [m, n] = shape.slice(-2);
    const k = x.shape[x.shape.length - (transposeX ? 2 : 1)];
    const bytes = bytesPerElement[dtype];
    const count = sizeOf(shape.slice(0, -2));
    const out = memory.allocate(count * m * n * bytes);
    if (count * m * n === 0) return out;
    const [a, b] = [(x.handle as Block).address, (y.handle as Block).address];
    if (count === 1) {
      multiply(engine, dtype, a, b, { m, k, n, transposeX, transposeY }, out.address);
      return out;
    }
    const starts = [matrixStarts(x.shape, shape), matrixStarts(y.shape, shape)];
    const table = memory.allocate(8 * count);
    const panels = Math.ceil((n * bytes) / 32);
    const own = panels * k * 32 + (transposeX ? Math.ceil(m / 4) * 4 * k * bytes : 0);
    const scratch = memory.allocate(threads * own);
    const numbers = memory.int32;
    for (let i = 0, at = table.address / 4; i < count; i++, at += 2) {
      numbers[at] = a + starts[0][i] * bytes;
      numbers[at + 1] = b + starts[1][i] * bytes;
    }
    const args = [table.address, +transposeX, +transposeY, m, k, n, out.address, scratch.address];
    const grain = Math.max(1, Math.round(PIECE / Math.max(1, m * k * n)));
    dispatch(`batch_${suffixOf(dtype)}`, count, grain, args, { argument: 7, bytes: own });
    memory.free(table);
    memory.free(scratch);
    return out;
  };
