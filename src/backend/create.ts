import {
  assertHolds,
  assertShape,
  type DType,
  dtypeOf,
  isInt32,
  newArray,
  type Shape,
  showShape,
  sizeOf,
  Tensor,
  type TypedArray,
} from '../tensor/index.js';
import { assertInteger, invalid, PopeError } from '../util/index.js';
import type { Backend } from './backend.js';
import { defaultBackend } from './default.js';

/** Numbers as users write them: a number, or nested lists of one shape. */
export type NestedNumbers = number | readonly NestedNumbers[];

export interface CreateOptions {
  /** float32 where the data do not say otherwise. */
  readonly dtype?: DType;
  readonly backend?: Backend;
}

/**
 * A tensor of nested numbers, or of a typed array with its shape. The data are copied.
 * @param shape default: the nesting's own shape, or one axis for a typed array.
 * @throws PopeError where the nesting is ragged, the shape has another size than the data, or int32 cannot hold them.
 */
export function tensor(
  data: NestedNumbers | TypedArray,
  options: CreateOptions & { readonly shape?: Shape } = {},
): Tensor {
  const typed = ArrayBuffer.isView(data);
  const found = typed ? [data.length] : nestedShape(data);
  const shape = options.shape ?? found;
  assertShape('shape', shape);
  if (sizeOf(shape) !== sizeOf(found)) {
    throw new PopeError(`shape is ${showShape(shape)}, of ${sizeOf(shape)} elements; the data have ${sizeOf(found)}.`, {
      argument: 'shape',
      got: shape,
      expected: `${sizeOf(found)} elements`,
    });
  }
  const dtype = options.dtype ?? (typed ? dtypeOf(data) : 'float32');
  const flat = newArray(dtype, sizeOf(shape));
  const values = typed
    ? data
    : Array.isArray(data)
      ? (data.flat(Number.POSITIVE_INFINITY) as number[])
      : [data as number];
  if (dtype === 'int32' && !(values instanceof Int32Array)) {
    for (let i = 0; i < values.length; i++) if (!isInt32(values[i])) assertHolds(dtype, `data[${i}]`, values[i]);
  }
  flat.set(values);
  const backend = options.backend ?? defaultBackend();
  return Tensor.fromHandle(backend, backend.upload(flat), [...shape], dtype);
}

/** A tensor of `value` everywhere. @throws PopeError where an int32 tensor cannot hold it. */
export function full(shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  assertShape('shape', shape);
  const backend = options.backend ?? defaultBackend();
  const dtype = options.dtype ?? 'float32';
  assertHolds(dtype, 'value', value);
  return Tensor.fromHandle(backend, backend.fill(dtype, sizeOf(shape), value), [...shape], dtype);
}

export const zeros = (shape: Shape, options?: CreateOptions): Tensor => full(shape, 0, options);
export const ones = (shape: Shape, options?: CreateOptions): Tensor => full(shape, 1, options);

/** `value` everywhere, with the shape, dtype and backend of `x`. */
export function fullLike(x: Tensor, value: number): Tensor {
  return full(x.shape, value, { dtype: x.dtype, backend: x.device as Backend });
}

export const zerosLike = (x: Tensor): Tensor => fullLike(x, 0);
export const onesLike = (x: Tensor): Tensor => fullLike(x, 1);

/** A scalar with the dtype and backend of `like`: for constants inside formulas. */
export const scalarLike = (like: Tensor, value: number): Tensor =>
  full([], value, { dtype: like.dtype, backend: like.device as Backend });

/** 0, 1, ... n - 1 (int32 by default). @throws PopeError unless n is an integer from 0 to 2^31. */
export function arange(n: number, options: CreateOptions = {}): Tensor {
  assertInteger('n', n, 0, 2 ** 31);
  const data = newArray(options.dtype ?? 'int32', n);
  for (let i = 0; i < n; i++) data[i] = i;
  return tensor(data, options);
}

function nestedShape(data: NestedNumbers): number[] {
  if (typeof data === 'number') return [];
  if (!Array.isArray(data)) throw invalid('data', data, 'a number, nested lists of numbers, or a typed array');
  if (data.length === 0) return [0];
  const inner = nestedShape(data[0]);
  for (const row of data) {
    const other = nestedShape(row);
    if (showShape(other) !== showShape(inner)) {
      throw new PopeError(
        `data is ragged: parts of shapes ${showShape(inner)} and ${showShape(other)}; expected equal shapes.`,
        {
          argument: 'data',
        },
      );
    }
  }
  return [data.length, ...inner];
}
