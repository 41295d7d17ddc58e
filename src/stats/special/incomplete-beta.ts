import { assertRange, PopeError } from '../../util/index.js';
import { logBeta } from './log-gamma.js';

/**
 * The continued fraction of I_x(a, b) B(a, b) / (x^a (1 - x)^b) in the contracted form of Didonato and Morris (1992,
 * TOMS 708), for x < a/(a + b): with lambda = a y - b x it has no cancellation, however large a or b.
 */
function continuedFraction(x: number, y: number, a: number, b: number): number {
  const c = 1 + a * y - b * x;
  const limit = 1000 + 20 * Math.sqrt(Math.max(a, b));
  let [before, beforeUnder] = [0, 1];
  let [over, under] = [1, (c * a) / (a + 1)];
  let value = over / under;
  for (let n = 1; n <= limit; n++) {
    const w = n * (b - n) * x;
    const s = a + 2 * n - 1;
    const alpha = ((a + n - 1) * (a + n - 1 + b) * w * x) / (s * s);
    const beta = n + w / s + ((a + n) * (c + n * (1 + y))) / (a + 2 * n + 1);
    [before, over] = [over, alpha * before + beta * over];
    [beforeUnder, under] = [under, alpha * beforeUnder + beta * under];
    const next = over / under;
    if (Math.abs(next - value) <= 4e-16 * Math.abs(next)) return next;
    value = next;
    before /= under;
    beforeUnder /= under;
    over = value;
    under = 1;
  }
  throw new PopeError(`incomplete beta did not converge for x = ${x}, a = ${a}, b = ${b}.`, { argument: 'x', got: x });
}

/** A point of [0, 1] with its distance from 1 and both logarithms, each known to full relative precision. */
export interface UnitPoint {
  readonly x: number;
  readonly y: number;
  readonly logX: number;
  readonly logY: number;
}

/** [I_x(a, b), 1 - I_x(a, b)], each accurate unless it is the complement of a value near 1. */
export function incompleteBetaPair({ x, y, logX, logY }: UnitPoint, a: number, b: number): readonly [number, number] {
  if (x === 0 && logX === -Infinity) return [0, 1];
  if (y === 0 && logY === -Infinity) return [1, 0];
  const front = Math.exp(a * logX + b * logY - logBeta(a, b));
  if (a * y > b * x) {
    const lower = front * continuedFraction(x, y, a, b);
    return [lower, 1 - lower];
  }
  const upper = front * continuedFraction(y, x, b, a);
  return [1 - upper, upper];
}

/**
 * The regularised incomplete beta function I_x(a, b), 0 <= x <= 1, a, b > 0. Relative error below 1e-12 for a, b up to
 * a few hundred; beyond, that of x itself is what counts.
 * @throws PopeError outside that domain.
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  assertRange('x', x, 0, 1);
  assertRange('a', a, Number.MIN_VALUE, Number.MAX_VALUE);
  assertRange('b', b, Number.MIN_VALUE, Number.MAX_VALUE);
  return incompleteBetaPair({ x, y: 1 - x, logX: Math.log(x), logY: Math.log1p(-x) }, a, b)[0];
}
