import { emptyMoments, type Moments, mergeMoments, momentsOf, standardErrorOf, valueOfMoments } from './moments.js';
import type { RoundTermArrays } from './terms.js';

/**
 * Moments whose numerators and denominators are kept over 2^exponent. In a ratio a common factor of all weights cancels,
 * so parts of a log that each scaled their weights by their own largest can be put on one scale; a power of two does it
 * without rounding.
 */
export interface ScaledMoments {
  readonly exponent: number;
  readonly moments: Moments;
}

/** Below every scale: that of no rows, and of rows whose weights are all 0. */
const noScale = Number.MIN_SAFE_INTEGER;

/** The identity of `mergeScaledMoments`. */
export const emptyScaledMoments = (): ScaledMoments => ({ exponent: noScale, moments: emptyMoments() });

/**
 * The moments of a plain mean (logScale null: exponent 0), or of a ratio whose numerator and denominator were both
 * divided by e^logScale; -Infinity where all weights are 0.
 * @throws PopeError where the columns are not finite or of different lengths.
 */
export function scaledMomentsOf(terms: RoundTermArrays, logScale: number | null = null): ScaledMoments {
  if (logScale === null) return { exponent: 0, moments: momentsOf(terms) };
  if (logScale === -Infinity) return { exponent: noScale, moments: momentsOf(terms) };
  const exponent = Math.ceil(logScale / Math.LN2);
  const factor = Math.exp(logScale - exponent * Math.LN2);
  const scaled = (column: Float64Array | null) => column?.map((value) => value * factor) ?? null;
  const moments = momentsOf({
    ...terms,
    numerator: terms.numerator.map((value) => value * factor),
    denominator: scaled(terms.denominator),
  });
  return { exponent, moments };
}

/** How often the scaled columns a and b enter each sum: a, b, c, n, then the products aa, ab, ... nn. */
const degrees = [1, 1, 0, 0, 2, 2, 1, 1, 2, 1, 1, 0, 0, 0];

function onScale({ exponent, moments }: ScaledMoments, common: number): Moments {
  if (exponent === common) return moments;
  const factor = 2 ** (exponent - common);
  const scaled = (sums: Float64Array) => sums.map((sum, k) => sum * factor ** degrees[k]!);
  return { rows: moments.rows, high: scaled(moments.high), low: scaled(moments.low) };
}

/** The moments of both sets of rows, on the larger scale: commutative and associative to rounding. */
export function mergeScaledMoments(x: ScaledMoments, y: ScaledMoments): ScaledMoments {
  const exponent = Math.max(x.exponent, y.exponent);
  return { exponent, moments: mergeMoments(onScale(x, exponent), onScale(y, exponent)) };
}

/** The value, on which the scale has no influence; NaN where undefined. */
export const valueOfScaled = ({ moments }: ScaledMoments): number => valueOfMoments(moments);

/** Its standard error, likewise. */
export const standardErrorOfScaled = ({ moments }: ScaledMoments): number => standardErrorOf(moments);
