/** Sizes of one head; query t sees the keys up to keys - queries + t. */
export interface Head {
  readonly queries: number;
  readonly keys: number;
  readonly features: number;
}

/** Numbers in float64, and how far float32 arithmetic in any order may be from them. */
export interface Bounded {
  readonly value: Float64Array;
  readonly bound: Float64Array;
}

export interface AttentionReference {
  readonly y: Bounded;
  readonly dq: Bounded;
  readonly dk: Bounded;
  readonly dv: Bounded;
}

const U = 2 ** -24;
/** Exponentials below 2^-126 of the largest are 0. */
const TINY = 2 ** -120;
const gamma = (terms: number): number => (terms * U) / (1 - terms * U);

/**
 * Causal attention of one head and its cotangents, by loops in float64. The bounds are a running error analysis: a dot
 * product of D terms errs by gamma_D |x| |y|; a score's error in absolute terms is its probability's in relative ones
 * (a shift of all scores cancels), with 6 u for the exponential and the roundings about it; and on through the products.
 */
export function attentionReference(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  dy: ArrayLike<number>,
  { queries, keys, features }: Head,
): AttentionReference {
  const zeros = (rows: number): Bounded => ({
    value: new Float64Array(rows * features),
    bound: new Float64Array(rows * features),
  });
  const [y, dq, dk, dv] = [zeros(queries), zeros(queries), zeros(keys), zeros(keys)];
  const scale = 1 / Math.sqrt(features);
  const dot = (a: ArrayLike<number>, t: number, b: ArrayLike<number>, s: number): [sum: number, size: number] => {
    let [sum, size] = [0, 0];
    for (let j = 0; j < features; j++) {
      const term = a[t * features + j] * b[s * features + j];
      sum += term;
      size += Math.abs(term);
    }
    return [sum, size];
  };
  /** to[row] += w b[from], where w errs by at most `error` and the sum has `terms` terms. */
  const add = (
    to: Bounded,
    row: number,
    w: number,
    error: number,
    b: ArrayLike<number>,
    from: number,
    terms: number,
  ) => {
    for (let j = 0; j < features; j++) {
      const x = b[from * features + j];
      to.value[row * features + j] += w * x;
      // 1.05 for products of errors, which the analysis leaves out
      to.bound[row * features + j] += 1.05 * (error + gamma(terms) * Math.abs(w) + TINY) * Math.abs(x) + TINY;
    }
  };
  for (let t = 0; t < queries; t++) {
    const seen = keys - queries + t + 1;
    const scores = Array.from({ length: seen }, (_, s) => dot(q, t, k, s));
    const max = Math.max(...scores.map(([sum]) => sum));
    const off = scores.map(
      ([sum, size]) => scale * (gamma(features) * size + 4 * U * (Math.abs(sum - max) + U * size)),
    );
    const weights = scores.map(([sum]) => Math.exp(scale * (sum - max)));
    const total = weights.reduce((a, b) => a + b, 0);
    const p = weights.map((w) => w / total);
    const own = off.map((x) => Math.expm1(x) + 6 * U);
    const common = p.reduce((sum, x, s) => sum + x * own[s], 0) + gamma(seen + 3);
    const relative = own.map((x) => x + common);

    const slopes = Array.from({ length: seen }, (_, s) => dot(dy, t, v, s));
    const mean = slopes.reduce((sum, [g], s) => sum + p[s] * g, 0);
    const meanOff = slopes.reduce(
      (sum, [g, size], s) => sum + p[s] * (Math.abs(g) * (relative[s] + gamma(seen + 1)) + gamma(features) * size),
      0,
    );
    for (let s = 0; s < seen; s++) {
      const [g, size] = slopes[s];
      const ds = p[s] * (g - mean) * scale;
      const dsOff = scale * p[s] * ((relative[s] + 6 * U) * Math.abs(g - mean) + gamma(features) * size + meanOff);
      add(y, t, p[s], p[s] * relative[s], v, s, seen + 1);
      add(dv, s, p[s], p[s] * relative[s], dy, t, queries + 1);
      add(dq, t, ds, dsOff, k, s, seen + 1);
      add(dk, s, ds, dsOff, q, t, queries + 1);
    }
  }
  return { y, dq, dk, dv };
}
