import { fc } from '@fast-check/vitest';
import { type Backend, tensor } from '../../src/backend/index.js';
import { permute, slice } from '../../src/ops/index.js';
import { type DType, type Shape, sizeOf, type Tensor } from '../../src/tensor/index.js';

/** A tensor before it exists: plain numbers, and the way in which it comes about. Shrinks with its numbers. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly data: readonly number[];
  /** Uploaded, or the result of a permutation or of a slice: whoever reads a buffer too far or askew finds out. */
  readonly layout: 'plain' | 'permuted' | 'sliced';
}

export interface NumberConstraints {
  readonly min?: number;
  readonly max?: number;
  /** Multiples of this step, where small differences must not occur. */
  readonly step?: number;
}

/** Numbers in [min, max], -3 to 3 by default, in steps of 1/16: exact in float32, and so are their small sums and products. */
export function numbers({ min = -3, max = 3, step = 1 / 16 }: NumberConstraints = {}): fc.Arbitrary<number> {
  return fc.integer({ min: Math.ceil(min / step), max: Math.floor(max / step) }).map((k) => k * step || 0);
}

export function tensorOf(shape: Shape, constraints?: NumberConstraints): fc.Arbitrary<TensorSpec> {
  const size = sizeOf(shape);
  return fc.record({
    shape: fc.constant(shape),
    data: fc.array(numbers(constraints), { minLength: size, maxLength: size, size: 'max' }),
    layout: fc.constantFrom('plain', 'permuted', 'sliced'),
  });
}

/** Different numbers with gaps of at least 1/4 between them: no ties for max, no kinks near. */
export function distinct(shape: Shape): fc.Arbitrary<TensorSpec> {
  const size = sizeOf(shape);
  return fc.record({
    shape: fc.constant(shape),
    data: fc.shuffledSubarray(
      Array.from({ length: size }, (_, i) => (i - size / 2) / 4 + 1 / 16),
      { minLength: size, maxLength: size },
    ),
    layout: fc.constantFrom('plain', 'permuted', 'sliced'),
  });
}

/** The tensor of a spec. */
export function make({ shape, data, layout }: TensorSpec, dtype: DType, backend: Backend): Tensor {
  const own = tensor(Float64Array.from(data), { shape, dtype, backend });
  if (layout === 'permuted' && shape.length > 1) return permute(permute(own));
  if (layout === 'sliced' && shape.length > 0) {
    const row = sizeOf(shape.slice(1));
    const margin = new Array<number>(row).fill(Number.NaN);
    const wide = dtype === 'int32' ? margin.map(() => -7) : margin;
    const around = tensor(Float64Array.from([...wide, ...data, ...wide]), {
      shape: [shape[0] + 2, ...shape.slice(1)],
      dtype,
      backend,
    });
    return slice(
      around,
      shape.map((_, i) => (i === 0 ? 1 : 0)),
      shape,
    );
  }
  return own;
}
