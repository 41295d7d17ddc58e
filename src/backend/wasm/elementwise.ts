import { broadcastStrides, bytesPerElement, type Shape, sizeOf } from '../../tensor/index.js';
import type { Backend, MapName, Operand, ZipName } from '../backend.js';
import { dropoutThreshold } from '../js/dropout.js';
import { forEachBlock, mergeAxes } from '../js/walk.js';
import { type Engine, suffixOf } from './engine.js';
import { type KernelName, mapKernels, zipKernels } from './kernels.js';
import { addressOf } from './memory.js';

/** Elements of a piece that is worth another thread's while; a multiple of 16, so that pieces begin at whole lines. */
const ELEMENTS = 1 << 15;

const mapped: ReadonlySet<MapName> = new Set(mapKernels);
const zipped: ReadonlySet<ZipName> = new Set(zipKernels);

type ElementwiseVerb = 'map' | 'zip' | 'dropout';

/** `map`, `zip` and `dropout` with kernels; what has none goes to `other`. */
export function elementwiseVerbs(
  { memory, dispatch }: Engine,
  other: Pick<Backend, ElementwiseVerb>,
): Pick<Backend, ElementwiseVerb> {
  return {
    map(name, x) {
      if (x.dtype !== 'float32' || !mapped.has(name)) return other.map(name, x);
      const out = memory.allocate(x.size * 4);
      dispatch(`${name}_f32` as KernelName, x.size, ELEMENTS, [addressOf(x), out.address]);
      return out;
    },
    dropout(x, rate, key) {
      if (x.dtype !== 'float32') return other.dropout(x, rate, key);
      const out = memory.allocate(x.size * 4);
      const args = [addressOf(x), dropoutThreshold(rate), 1 / (1 - rate), ...key, out.address];
      dispatch('dropout_f32', x.size, ELEMENTS, args);
      return out;
    },
    zip(name, x, y, shape) {
      if (name === 'geluGrad' && x.dtype === 'float32' && x.size === y.size && x.size === sizeOf(shape)) {
        const out = memory.allocate(x.size * 4);
        dispatch('geluGrad_f32', x.size, ELEMENTS, [addressOf(x), addressOf(y), out.address]);
        return out;
      }
      const kernel = kernelOf(name, x);
      if (kernel === null) return other.zip(name, x, y, shape);
      const size = sizeOf(shape);
      const bytes = bytesPerElement[x.dtype];
      const out = memory.allocate(size * bytes);
      const isFlat = (z: Operand): boolean => z.size === size || z.size === 1;
      if (isFlat(x) && isFlat(y)) {
        run(kernel, size, +(x.size === size), +(y.size === size), addressOf(x), addressOf(y), out.address, bytes);
      } else {
        broadcast(kernel, x, y, shape, out.address, bytes);
      }
      return out;
    },
  };

  /** Elements in one row, cut into rows of ELEMENTS so that threads may share them. */
  function run(
    kernel: KernelName,
    size: number,
    xCol: number,
    yCol: number,
    a: number,
    b: number,
    to: number,
    bytes: number,
  ): void {
    const rows = Math.floor(size / ELEMENTS);
    const done = rows * ELEMENTS;
    if (rows > 0) dispatch(kernel, rows, 1, [ELEMENTS, a, xCol * ELEMENTS, xCol, b, yCol * ELEMENTS, yCol, to]);
    if (done === size) return;
    const skip = done * bytes;
    dispatch(kernel, 1, 1, [size - done, a + xCol * skip, 0, xCol, b + yCol * skip, 0, yCol, to + skip]);
  }

  function broadcast(kernel: KernelName, x: Operand, y: Operand, shape: Shape, to: number, bytes: number): void {
    const nest = mergeAxes(shape, [broadcastStrides(x.shape, shape), broadcastStrides(y.shape, shape)]);
    const last = nest.sizes.length - 1;
    const [rows, cols] = [nest.sizes[last - 1], nest.sizes[last]];
    const [u, v] = nest.steps;
    const grain = Math.max(1, Math.floor(ELEMENTS / cols));
    forEachBlock(nest, [0, 0], (at, [i, j]) => {
      const left = [addressOf(x) + i * bytes, u[last - 1], u[last]];
      const right = [addressOf(y) + j * bytes, v[last - 1], v[last]];
      dispatch(kernel, rows, grain, [cols, ...left, ...right, to + at * bytes]);
    });
  }
}

function kernelOf(name: ZipName, x: Operand): KernelName | null {
  if (x.dtype === 'int32' || !zipped.has(name)) return null;
  return `${name}_${suffixOf(x.dtype)}` as KernelName;
}
