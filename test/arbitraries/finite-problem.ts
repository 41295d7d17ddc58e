import { fc } from '@fast-check/vitest';
import type { FiniteProblem } from '../../src/ope/index.js';

export interface ProblemConstraints {
  /** Number of contexts; default 1 to 3. */
  readonly contexts?: number;
  /** Number of responses; default 2 to 4. */
  readonly responses?: number;
  /** `full`: pi0 > 0 everywhere; `deficient`: the target answers at least once where pi0 = 0. Default full. */
  readonly support?: 'full' | 'deficient';
  /** Multiples of 1/4 in [-3, 3], [0, 3] or [1/4, 3]. Default signed. */
  readonly reward?: 'signed' | 'nonnegative' | 'positive';
  /** May the target be 0 here and there? Default true. */
  readonly targetZeros?: boolean;
}

const [X, K] = [3, 4];

function table(cell: fc.Arbitrary<number>): fc.Arbitrary<number[][]> {
  return fc.array(fc.array(cell, { minLength: K, maxLength: K }), { minLength: X, maxLength: X });
}

function normalized(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, w) => sum + w, 0);
  return weights.map((w) => w / total);
}

/** Integer weights as a distribution; all zero becomes certainty of the first. */
const distribution = (weights: readonly number[]): number[] =>
  normalized(weights.every((w) => w === 0) ? weights.map((_, k) => (k === 0 ? 1 : 0)) : weights);

const quarters = { signed: [-12, 12], nonnegative: [0, 12], positive: [1, 12] } as const;

/**
 * Problems small enough to enumerate. Tables are drawn at their largest size and cut, so that shrinking the sizes keeps
 * the numbers, and numbers shrink to equal probabilities and rewards near 0.
 */
export function finiteProblem(constraints: ProblemConstraints = {}): fc.Arbitrary<Required<FiniteProblem>> {
  const { support = 'full', reward = 'signed', targetZeros = true } = constraints;
  const [low, high] = quarters[reward];
  const value = (min: number, max: number) => fc.integer({ min, max }).map((q) => q / 4);
  return fc
    .record({
      contexts: constraints.contexts === undefined ? fc.integer({ min: 1, max: X }) : fc.constant(constraints.contexts),
      responses:
        constraints.responses === undefined ? fc.integer({ min: 2, max: K }) : fc.constant(constraints.responses),
      contextProb: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: X, maxLength: X }),
      logging: table(fc.integer({ min: support === 'full' ? 1 : 0, max: 9 })),
      target: table(fc.integer({ min: targetZeros ? 0 : 1, max: 9 })),
      reward: table(value(low, high)),
      predicted: table(value(-12, 12)),
    })
    .map(({ contexts, responses, ...drawn }) => {
      const cut = (rows: number[][]) => rows.slice(0, contexts).map((row) => row.slice(0, responses));
      const logging = cut(drawn.logging);
      const target = cut(drawn.target);
      if (support === 'deficient') {
        // the last response of the first context is never logged, and is sometimes what the target says
        logging[0][responses - 1] = 0;
        target[0][responses - 1] ||= 1;
      }
      return {
        contextProb: normalized(drawn.contextProb.slice(0, contexts)),
        logging: logging.map(distribution),
        target: target.map(distribution),
        reward: cut(drawn.reward),
        predicted: cut(drawn.predicted),
      };
    });
}

/** w_j >= 0 with sum 1; some may be 0. Shrinks to equal weights. */
export const slateWeights = (n: number): fc.Arbitrary<number[]> =>
  fc
    .array(fc.integer({ min: 0, max: 5 }), { minLength: n, maxLength: n })
    .map((weights) => (weights.every((w) => w === 0) ? new Array<number>(n).fill(1 / n) : normalized(weights)));

/** Slate weights of 1 to `most` responses. */
export const anySlate = (most: number): fc.Arbitrary<number[]> => fc.integer({ min: 1, max: most }).chain(slateWeights);

/** A number for every (context, slate, position) of slates of n: rewards that may look at the whole slate. */
export const slateTable = (
  n: number,
): fc.Arbitrary<(context: number, slate: readonly number[], position?: number) => number> =>
  fc.array(value4, { minLength: X * K ** n * n, maxLength: X * K ** n * n, size: 'max' }).map(
    (cells) =>
      (context, slate, position = 0) =>
        cells[slate.reduce((code, y) => code * K + y, context) * n + position],
  );

const value4 = fc.integer({ min: -12, max: 12 }).map((q) => q / 4);
