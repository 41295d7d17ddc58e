import { dtypeOf, type Handle, sizeOf, type TypedArray } from '../../tensor/index.js';
import type { Backend, MapName, ZipName } from '../backend.js';
import { cast } from './cast.js';
import { dropout } from './dropout.js';
import { fusedVerbs } from './fused.js';
import { gather, putAlongAdd, scatterAdd, takeAlong } from './gather.js';
import { mapLoops } from './map.js';
import { matmulVerb } from './matmul.js';
import { concat, expand, pad, permute, slice } from './movement.js';
import { arrayOf } from './operand.js';
import { createPool } from './pool.js';
import { argmax, reduce } from './reduce.js';
import { where } from './where.js';
import { zip } from './zip.js';

const masks: ReadonlySet<MapName | ZipName> = new Set([
  'isFinite',
  'equal',
  'notEqual',
  'less',
  'lessEqual',
  'greater',
  'greaterEqual',
] as const); // prettier-ignore

/**
 * The backend in plain JavaScript: the reference, and the one that runs everywhere. A handle is a typed array.
 * @param options.keepBytes how many bytes of freed buffers wait for reuse, 256 MiB by default.
 */
export function createJsBackend(options: { readonly keepBytes?: number } = {}): Backend {
  const pool = createPool(options.keepBytes ?? 256 * 1024 * 1024);
  const { take } = pool;
  const copy = (handle: Handle): TypedArray => (handle as TypedArray).slice();
  return {
    name: 'js',
    read: async (handle) => copy(handle),
    readSync: copy,
    free: (handle) => pool.give(handle as TypedArray),
    upload(data) {
      const out = take(dtypeOf(data), data.length);
      out.set(data);
      return out;
    },
    fill: (dtype, size, value) => take(dtype, size).fill(value),
    cast(x, dtype) {
      const out = take(dtype, x.size);
      cast(out, x, dtype);
      return out;
    },
    map(name, x) {
      const out = take(masks.has(name) ? 'int32' : x.dtype, x.size);
      mapLoops[name](out, arrayOf(x));
      return out;
    },
    zip(name, x, y, shape) {
      const out = take(masks.has(name) ? 'int32' : x.dtype, sizeOf(shape));
      zip(name, out, x, y, shape);
      return out;
    },
    where(c, x, y, shape) {
      const out = take(x.dtype, sizeOf(shape));
      where(out, c, x, y, shape);
      return out;
    },
    reduce(name, x, axes) {
      const out = take(x.dtype, sizeOf(x.shape.filter((_, i) => !axes.includes(i))));
      reduce(name, out, arrayOf(x), x.shape, axes);
      return out;
    },
    argmax(x, axis) {
      const out = take('int32', sizeOf(x.shape.filter((_, i) => i !== axis)));
      argmax(out, arrayOf(x), x.shape, axis);
      return out;
    },
    dropout(x, rate, key) {
      const out = take(x.dtype, x.size);
      dropout(out, arrayOf(x), rate, key);
      return out;
    },
    permute(x, axes) {
      const out = take(x.dtype, x.size);
      permute(out, x, axes);
      return out;
    },
    expand(x, shape) {
      const out = take(x.dtype, sizeOf(shape));
      expand(out, x, shape);
      return out;
    },
    slice(x, starts, sizes) {
      const out = take(x.dtype, sizeOf(sizes));
      slice(out, x, starts, sizes);
      return out;
    },
    pad(x, before, after, value) {
      const shape = x.shape.map((n, i) => before[i] + n + after[i]);
      const out = take(x.dtype, sizeOf(shape));
      pad(out, x, before, shape, value);
      return out;
    },
    concat(xs, axis) {
      const out = take(
        xs[0].dtype,
        xs.reduce((size, x) => size + x.size, 0),
      );
      concat(out, xs, axis);
      return out;
    },
    gather(x, indices, axis) {
      const out = take(x.dtype, sizeOf(x.shape.filter((_, i) => i !== axis)) * indices.size);
      gather(out, x, indices, axis);
      return out;
    },
    scatterAdd(shape, indices, updates, axis) {
      const out = take(updates.dtype, sizeOf(shape));
      scatterAdd(out, shape, indices, updates, axis);
      return out;
    },
    takeAlong(x, indices, axis) {
      const out = take(x.dtype, indices.size);
      takeAlong(out, x, indices, axis);
      return out;
    },
    putAlongAdd(shape, indices, updates, axis) {
      const out = take(updates.dtype, sizeOf(shape));
      putAlongAdd(out, shape, indices, updates, axis);
      return out;
    },
    matmul: matmulVerb(pool),
    ...fusedVerbs(pool),
  };
}

/** The shared instance: the default backend. */
export const jsBackend: Backend = createJsBackend();
