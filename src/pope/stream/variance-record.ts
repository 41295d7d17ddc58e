import type { VarianceResult } from '../result.js';
import { varianceIdentity } from '../variance.js';

/** The sums behind T3 and T4 of one reward: of w m, w m sign R, w m^2 and w m log m, with m = rho |R| over e^top. */
export interface VarianceRecord {
  /** The largest log m; -Infinity where all are 0. */
  readonly top: number;
  readonly z: number;
  readonly v: number;
  readonly second: number;
  /** Of w m (log m - top). */
  readonly tilted: number;
}

export const emptyVariance: VarianceRecord = { top: -Infinity, z: 0, v: 0, second: 0, tilted: 0 };

/** The sums over rows of weight `slateWeight` w. */
export function varianceRecord(
  logRatio: Float64Array,
  reward: Float64Array,
  slateWeight: Float64Array,
): VarianceRecord {
  const logs = logRatio.map((l, m) => l + Math.log(Math.abs(reward[m])));
  const top = logs.reduce((most, value) => Math.max(most, value), -Infinity);
  if (top === -Infinity) return emptyVariance;
  let [z, v, second, tilted] = [0, 0, 0, 0];
  logs.forEach((value, m) => {
    const magnitude = Math.exp(value - top);
    if (magnitude === 0) return;
    const w = slateWeight[m];
    z += w * magnitude;
    v += w * magnitude * Math.sign(reward[m]);
    second += w * magnitude * magnitude;
    tilted += w * magnitude * (value - top);
  });
  return { top, z, v, second, tilted };
}

/** The sums of both, relative to the larger top. */
export function mergeVariances(x: VarianceRecord, y: VarianceRecord): VarianceRecord {
  if (y.top === -Infinity) return x;
  if (x.top === -Infinity) return y;
  const top = Math.max(x.top, y.top);
  const moved = ({ top: own, z, v, second, tilted }: VarianceRecord) => {
    const [shift, factor] = [own - top, Math.exp(own - top)];
    return { z: z * factor, v: v * factor, second: second * factor * factor, tilted: factor * (tilted + shift * z) };
  };
  const [a, b] = [moved(x), moved(y)];
  return { top, z: a.z + b.z, v: a.v + b.v, second: a.second + b.second, tilted: a.tilted + b.tilted };
}

/** What `varianceOf` gives for the same rows; null where rho |R| exceeds e^350, whose square is no float64. */
export function varianceResult({ top, z, v, second, tilted }: VarianceRecord, rounds: number): VarianceResult | null {
  if (top >= 350) return null;
  if (top === -Infinity) return { estimate: 0, lower_bound: 0, z: 0, kl: 0, chi2: 0 };
  const kl = Math.max(0, tilted / z - Math.log(z / rounds));
  const chi2 = Math.max(0, (second * rounds) / (z * z) - 1);
  const scale = Math.exp(top);
  const [Z, V] = [(z / rounds) * scale, (v / rounds) * scale];
  return { estimate: varianceIdentity(Z, chi2, V), lower_bound: Z * Z * Math.exp(kl) - V * V, z: Z, kl, chi2 };
}
