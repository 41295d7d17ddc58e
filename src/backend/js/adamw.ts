import type { AdamwOptions } from '../backend.js';

/** One AdamW step with decoupled decay, in place: p -= lr (mhat/(sqrt(vhat) + eps) + decay p). */
export function adamwInPlace(
  p: Float64Array,
  grad: Float64Array,
  m: Float64Array,
  v: Float64Array,
  options: AdamwOptions,
): void {
  const { learningRate, beta1, beta2, epsilon, weightDecay, step } = options;
  const mScale = 1 / (1 - beta1 ** step);
  const vScale = 1 / (1 - beta2 ** step);
  for (let i = 0; i < p.length; i++) {
    const g = grad[i];
    const m1 = beta1 * m[i] + (1 - beta1) * g;
    const v1 = beta2 * v[i] + (1 - beta2) * g * g;
    m[i] = m1;
    v[i] = v1;
    p[i] -= learningRate * ((m1 * mScale) / (Math.sqrt(v1 * vScale) + epsilon) + weightDecay * p[i]);
  }
}
