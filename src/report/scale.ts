import { assertFinite, PopeError } from '../util/index.js';

/** Tick positions and how many decimals their labels need. */
export interface Ticks {
  readonly values: readonly number[];
  readonly decimals: number;
}

/**
 * Ticks at multiples of 1, 2 or 5 times a power of ten, all inside [low, high], about `count` of them.
 * The step is the smallest such that at most `count` intervals fit. An empty range gives its one point's neighbourhood.
 * @throws PopeError where an end is not finite or low exceeds high.
 */
export function niceTicks(low: number, high: number, count = 5): Ticks {
  assertFinite('low', low);
  assertFinite('high', high);
  if (low > high) throw new PopeError(`low is ${low}, above high ${high}; expected low <= high.`);
  const rough = high / count - low / count;
  // Below the resolution of doubles there is nothing between the ends to mark.
  if (!(rough > Math.max(Math.abs(low), Math.abs(high)) * 1e-12 && rough > 1e-290))
    return { values: [low], decimals: decimalsOf(low) };
  const power = Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((f) => f * 10 ** power >= rough * (1 - 1e-9)) ?? 10;
  const exponent = factor === 10 ? power + 1 : power;
  const mantissa = factor === 10 ? 1 : factor;
  // Multiples of a power of ten are exact by division where the power is negative: 3 / 10, not 3 * 0.1.
  const at = (k: number): number => (exponent < 0 ? (k * mantissa) / 10 ** -exponent : k * mantissa * 10 ** exponent);
  const step = at(1);
  const values: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k <= Math.floor(high / step + 1e-9); k++) values.push(at(k) || 0);
  return { values, decimals: Math.max(0, -exponent) };
}

/** The smallest range with `margin` of its width added at both ends; a point gets a range around it. */
export function paddedExtent(values: Iterable<number>, margin = 0.05): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const width = high - low;
  const pad = width > Math.abs(high) * 1e-9 ? width * margin : Math.max(Math.abs(high) * 0.1, 0.1);
  return [low - pad, high + pad];
}

/** The affine map that takes `domain` to `range`. */
export function linearScale(
  [d0, d1]: readonly [number, number],
  [r0, r1]: readonly [number, number],
): (value: number) => number {
  return (value) => r0 + ((value - d0) / (d1 - d0)) * (r1 - r0);
}

function decimalsOf(value: number): number {
  for (let d = 0; d < 6; d++) if (Number(value.toFixed(d)) === value) return d;
  return 6;
}
