import { assertRange, invalid } from '../../util/index.js';
import { incompleteBetaPair } from './incomplete-beta.js';
import { logBeta } from './log-gamma.js';
import { normalCdf, normalQuantile } from './normal.js';

/** [P(T > t), P(0 < T < t)] for t >= 0 and finite df: halves of I_x(df/2, 1/2) and its complement, x = df/(df + t^2). */
function tailAndCentre(t: number, df: number): readonly [number, number] {
  const r = t / Math.sqrt(df);
  const far = r > 1e100;
  const x = far ? 1 / r / r : 1 / (1 + r * r);
  const y = far ? 1 : (r * r) / (1 + r * r);
  const logX = far ? -2 * Math.log(r) : -Math.log1p(r * r);
  const logY = far ? 0 : r < 1 ? 2 * Math.log(r) - Math.log1p(r * r) : -Math.log1p(1 / r / r);
  const [tail, centre] = incompleteBetaPair({ x, y, logX, logY }, df / 2, 0.5);
  return [tail / 2, centre / 2];
}

/** log of t times the density at t > 0. */
function logSlope(t: number, df: number): number {
  const r = t / Math.sqrt(df);
  const logX = r > 1e100 ? -2 * Math.log(r) : -Math.log1p(r * r);
  return ((df + 1) / 2) * logX + Math.log(r) - logBeta(df / 2, 0.5);
}

/**
 * The distribution function of Student's t with df >= 1 degrees of freedom (not necessarily whole; Infinity is the
 * normal). Relative error below 1e-13 for df up to 1e8 (checked against mpmath).
 * @throws PopeError where t is NaN or df < 1.
 */
export function studentCdf(t: number, df: number): number {
  assertRange('df', df, 1, Infinity);
  if (typeof t !== 'number' || Number.isNaN(t)) throw invalid('t', t, 'a number');
  if (df === Infinity) return normalCdf(t);
  if (Math.abs(t) === Infinity) return t < 0 ? 0 : 1;
  const [tail, centre] = tailAndCentre(Math.abs(t), df);
  return t < 0 ? tail : 0.5 + centre;
}

/**
 * The quantile of Student's t, 0 <= p <= 1 (infinite at the ends), df >= 1; relative error below
 * 1e-13 of what p determines.
 * Newton's method on log t against the log of the tail (or, near the median, of the centre), where both are nearly
 * straight, kept inside a bracket.
 * @throws PopeError outside that domain.
 */
export function studentQuantile(p: number, df: number): number {
  assertRange('p', p, 0, 1);
  assertRange('df', df, 1, Infinity);
  if (df === Infinity) return normalQuantile(p);
  if (p === 0.5) return 0;
  if (p === 0 || p === 1) return p === 0 ? -Infinity : Infinity;
  const tail = Math.min(p, 1 - p);
  const useTail = tail < 0.25;
  const goal = Math.log(useTail ? tail : Math.abs(p - 0.5));
  let low = -745;
  let high = 709;
  let u = Math.log(Math.abs(normalQuantile(p)));
  for (let step = 0; step < 200; step++) {
    const t = Math.exp(u);
    const reached = Math.log(tailAndCentre(t, df)[useTail ? 0 : 1]);
    const above = useTail ? reached < goal : reached > goal;
    if (above) high = u;
    else low = u;
    const slope = Math.exp(logSlope(t, df) - reached) * (useTail ? -1 : 1);
    let next = u - (reached - goal) / slope;
    if (!(next > low && next < high)) next = (low + high) / 2;
    const done = Math.abs(next - u) <= 2e-15 * Math.max(1, Math.abs(u)) || next === u;
    u = next;
    if (done) break;
  }
  return p < 0.5 ? -Math.exp(u) : Math.exp(u);
}
