/** Mean and 1/sqrt(variance + epsilon) of x[start .. start + n), in two passes: one pass cancels where |mean| is large. */
function rowMoments(x: Float64Array, start: number, n: number, epsilon: number): { mean: number; scale: number } {
  let sum = 0;
  for (let i = start; i < start + n; i++) sum += x[i];
  const mean = sum / n;
  let squares = 0;
  for (let i = start; i < start + n; i++) {
    const d = x[i] - mean;
    squares += d * d;
  }
  return { mean, scale: 1 / Math.sqrt(squares / n + epsilon) };
}

/** y = (x - mean)/sqrt(var + epsilon) gain + bias over rows of n = gain.length, in place. */
export function layerNormRows(x: Float64Array, gain: Float64Array, bias: Float64Array, epsilon: number): void {
  const n = gain.length;
  for (let start = 0; start < x.length; start += n) {
    const { mean, scale } = rowMoments(x, start, n, epsilon);
    for (let j = 0; j < n; j++) x[start + j] = (x[start + j] - mean) * scale * gain[j] + bias[j];
  }
}

/**
 * With h = (x - mean) scale and g = dy gain: dx = scale (g - mean(g) - h mean(g h)), written into dy;
 * dgain = sum(dy h) and dbias = sum(dy) over rows, added to zeroed arrays. x is overwritten with h.
 */
export function layerNormGradRows(
  x: Float64Array,
  gain: Float64Array,
  dy: Float64Array,
  epsilon: number,
  dgain: Float64Array,
  dbias: Float64Array,
): void {
  const n = gain.length;
  for (let start = 0; start < x.length; start += n) {
    const { mean, scale } = rowMoments(x, start, n, epsilon);
    let sumG = 0;
    let sumGH = 0;
    for (let j = 0; j < n; j++) {
      const h = (x[start + j] - mean) * scale;
      const d = dy[start + j];
      x[start + j] = h;
      dgain[j] += d * h;
      dbias[j] += d;
      sumG += d * gain[j];
      sumGH += d * gain[j] * h;
    }
    const meanG = sumG / n;
    const meanGH = sumGH / n;
    for (let j = 0; j < n; j++) dy[start + j] = scale * (dy[start + j] * gain[j] - meanG - x[start + j] * meanGH);
  }
}
