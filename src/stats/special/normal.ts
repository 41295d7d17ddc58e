import { assertRange, invalid } from '../../util/index.js';

const INVERSE_SQRT_TWO_PI = 0.3989422804014327;

/** The standard normal density. */
export function normalPdf(x: number): number {
  return INVERSE_SQRT_TWO_PI * Math.exp(-0.5 * x * x);
}

/**
 * The standard normal distribution function; relative error below 1e-13 down to x = -37.
 * @throws PopeError where x is NaN.
 */
export function normalCdf(x: number): number {
  if (typeof x !== 'number' || Number.isNaN(x)) throw invalid('x', x, 'a number');
  const tail = Math.abs(x) < 2 ? 0.5 - centre(Math.abs(x)) : upperTail(Math.abs(x));
  return x < 0 ? tail : 1 - tail;
}

/** P(0 < Z < x) = pdf(x) (x + x^3/3 + x^5/15 + ...), all terms positive. */
function centre(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 3; term > sum * 1e-17; k += 2) sum += term *= (x * x) / k;
  return normalPdf(x) * sum;
}

/** P(Z > x) = pdf(x) / (x + 1/(x + 2/(x + 3/...))), the fraction read from the inside. */
function upperTail(x: number): number {
  if (x === Infinity) return 0;
  let fraction = x;
  for (let k = 120; k > 0; k--) fraction = x + k / fraction;
  return normalPdf(x) / fraction;
}

const horner = (coefficients: readonly number[], r: number) => coefficients.reduceRight((sum, c) => sum * r + c, 0);

// Wichura 1988, algorithm AS 241 (PPND16); lowest power first.
// biome-ignore format: one polynomial a block
const CENTRE = [
  [3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
    67265.7709270087, 33430.57558358813, 2509.0809287301227],
  [1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854],
] as const;
// biome-ignore format: one polynomial a block
const SHOULDER = [
  [1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045,
    1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 0.0007745450142783414],
  [1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008,
    0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-9],
] as const;
// biome-ignore format: one polynomial a block
const TAIL = [
  [6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487,
    0.026532189526576124, 0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7],
  [1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
    1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15],
] as const;

/**
 * The standard normal quantile, 0 <= p <= 1 (-Infinity at 0, Infinity at 1); relative error about 1e-15 (AS 241).
 * @throws PopeError outside [0, 1].
 */
export function normalQuantile(p: number): number {
  assertRange('p', p, 0, 1);
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * horner(CENTRE[0], r)) / horner(CENTRE[1], r);
  }
  const tail = q < 0 ? p : 1 - p;
  if (tail === 0) return q < 0 ? -Infinity : Infinity;
  const r = Math.sqrt(-Math.log(tail));
  const [shift, parts] = r <= 5 ? ([1.6, SHOULDER] as const) : ([5, TAIL] as const);
  const x = horner(parts[0], r - shift) / horner(parts[1], r - shift);
  return q < 0 ? -x : x;
}
