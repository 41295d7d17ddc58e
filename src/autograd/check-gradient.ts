import { type Backend, tensor } from '../backend/index.js';
import { normal, type Random, seededRandom } from '../random/index.js';
import { leavesOf, mapTree, namedLeaves, scope, type Tensor, type Tree } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { vjp } from './grad.js';

export interface CheckGradientOptions {
  /** Step of the differences, relative to max(1, |x_i|); 1e-5. */
  readonly epsilon?: number;
  /** Largest |analytic - numeric| / max(1, |analytic|, |numeric|) that passes; 1e-6. */
  readonly tolerance?: number;
  /** Draws the weights with which a value of several elements is summed; a fixed seed where absent. */
  readonly random?: Random;
}

/** How far the gradient was from central differences, and where it was worst. */
export interface GradientReport {
  readonly maxError: number;
  /** null where x has no elements. */
  readonly worst: {
    readonly path: string;
    readonly index: number;
    readonly analytic: number;
    readonly numeric: number;
  } | null;
}

/**
 * As `checkGradient`, without judging: compares the gradient of f at x with central differences, element by element.
 * A difference that is NaN counts as infinite.
 */
export function compareGradient<X extends Tree>(
  f: (x: X) => Tensor,
  x: X,
  options: CheckGradientOptions = {},
): GradientReport {
  const { epsilon = 1e-5, random = seededRandom(0) } = options;
  if (!(epsilon > 0)) throw invalid('epsilon', epsilon, 'a positive number');
  return scope(() => {
    for (const [path, leaf] of namedLeaves(x)) {
      if (leaf.dtype !== 'float64')
        throw invalid(path || 'x', leaf.dtype, 'a float64 tensor: smaller floats drown the differences');
    }
    const { value, pullback } = vjp(f, x);
    const weights = Float64Array.from({ length: value.size }, () => (value.size === 1 ? 1 : normal(random)));
    const cotangent = tensor(weights, { shape: value.shape, dtype: value.dtype, backend: value.device as Backend });
    const analytic = leavesOf(pullback(cotangent)).map((d) => d.dataSync());
    const points = leavesOf(x).map((leaf) => leaf.dataSync());
    const valueAt = (): number =>
      scope(() => {
        const moved = mapTree(x, (leaf, i) =>
          tensor(points[i], { shape: leaf.shape, backend: leaf.device as Backend }),
        );
        const values = f(moved).dataSync();
        return weights.reduce((total, w, i) => total + w * values[i], 0);
      });
    let maxError = 0;
    let worst: GradientReport['worst'] = null;
    namedLeaves(x).forEach(([path], leaf) => {
      const point = points[leaf];
      point.forEach((at, index) => {
        const step = epsilon * Math.max(1, Math.abs(at));
        const [above, below] = [at + step, at - step];
        point[index] = above;
        const high = valueAt();
        point[index] = below;
        const low = valueAt();
        point[index] = at;
        const numeric = (high - low) / (above - below);
        const a = analytic[leaf][index];
        const gap = Math.abs(a - numeric) / Math.max(1, Math.abs(a), Math.abs(numeric));
        const error = Number.isNaN(gap) ? Infinity : gap;
        if (worst !== null && error <= maxError) return;
        maxError = error;
        worst = { path, index, analytic: a, numeric };
      });
    });
    return { maxError, worst };
  });
}

/**
 * Checks the gradient of f at x against central differences in float64, for every element of x.
 * f may return any shape: several elements are summed with random weights.
 * @returns the worst element and its error.
 * @throws PopeError naming the worst element where its error exceeds the tolerance, or where x is not float64.
 */
export function checkGradient<X extends Tree>(
  f: (x: X) => Tensor,
  x: X,
  options: CheckGradientOptions = {},
): GradientReport {
  const report = compareGradient(f, x, options);
  const { tolerance = 1e-6 } = options;
  const { maxError, worst } = report;
  if (worst !== null && !(maxError <= tolerance)) {
    throw new PopeError(
      `gradient of ${worst.path || 'x'}[${worst.index}] is ${worst.analytic}; expected ${worst.numeric} by central differences (error ${maxError.toExponential(2)}, tolerance ${tolerance}).`,
      { argument: worst.path || 'x', got: worst.analytic, expected: `${worst.numeric}`, code: 'wrong_gradient' },
    );
  }
  return report;
}
