import { fc } from '@fast-check/vitest';
import type { Shape } from '../../src/tensor/index.js';

export interface ShapeConstraints {
  readonly minRank?: number;
  readonly maxRank?: number;
  readonly minSize?: number;
  readonly maxSize?: number;
}

/** Shapes of rank 0 to 4 with sizes 0 to 4; shrinks to fewer axes and to sizes of the minimum. */
export function shapes({
  minRank = 0,
  maxRank = 4,
  minSize = 0,
  maxSize = 4,
}: ShapeConstraints = {}): fc.Arbitrary<number[]> {
  const size =
    minSize === 0
      ? fc.oneof(
          { weight: 9, arbitrary: fc.integer({ min: 1, max: maxSize }) },
          { weight: 1, arbitrary: fc.constant(0) },
        )
      : fc.integer({ min: minSize, max: maxSize });
  return fc.array(size, { minLength: minRank, maxLength: maxRank, size: 'max' });
}

/** `count` shapes that broadcast together, and the shape to which they do. */
export function broadcastable(
  count: number,
  constraints?: ShapeConstraints,
): fc.Arbitrary<{ parts: Shape[]; full: Shape }> {
  return shapes(constraints).chain((full) =>
    fc
      .array(
        fc.tuple(
          fc.nat({ max: full.length }),
          fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }),
        ),
        {
          minLength: count - 1,
          maxLength: count - 1,
        },
      )
      .chain((cuts) => {
        const parts: Shape[] = cuts.map(([lead, ones]) => full.map((n, i) => (ones[i] ? 1 : n)).slice(lead));
        return fc
          .nat({ max: count - 1 })
          .map((at) => ({ parts: [...parts.slice(0, at), full, ...parts.slice(at)], full }));
      }),
  );
}

/** A permutation of the axes of a rank. */
export const axisOrder = (rank: number): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray(
    Array.from({ length: rank }, (_, i) => i),
    { minLength: rank, maxLength: rank },
  );

/** Some axes of a rank, ascending. */
export const axisSubset = (rank: number): fc.Arbitrary<number[]> =>
  fc.subarray(Array.from({ length: rank }, (_, i) => i));
