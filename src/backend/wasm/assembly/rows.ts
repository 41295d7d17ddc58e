import { choose4, expNegative4, fma4, log4, splat4, total4 } from './math';

// Kernels over rows of n float32. Sums run in eight lanes of float32: their relative error is at most (n/8 + 3) 2^-24
// of the sum of the sizes. The numbers that fill no vector are taken one by one.

@inline
function exp1(x: f32): f32 {
  return f32x4.extract_lane(expNegative4(splat4(x)), 0);
}

/** The largest of a row; NaN is passed over: it comes back through the exponentials. */
function rowMax(x: usize, n: i32): f32 {
  const whole = x + ((<usize>n) & ~7) * 4;
  const end = x + (<usize>n) * 4;
  let a = splat4(-f32.MAX_VALUE * 2);
  let b = a;
  for (; x < whole; x += 32) {
    a = f32x4.pmax(a, v128.load(x));
    b = f32x4.pmax(b, v128.load(x, 16));
  }
  a = f32x4.pmax(a, b);
  let max = f32x4.extract_lane(a, 0);
  if (f32x4.extract_lane(a, 1) > max) max = f32x4.extract_lane(a, 1);
  if (f32x4.extract_lane(a, 2) > max) max = f32x4.extract_lane(a, 2);
  if (f32x4.extract_lane(a, 3) > max) max = f32x4.extract_lane(a, 3);
  for (; x < end; x += 4) if (load<f32>(x) > max) max = load<f32>(x);
  return max;
}

/** out = e^(scale (x - max)), and its sum. Four vectors at a time: the constants are loaded once for all of them. */
function rowExp(x: usize, n: i32, max: f32, scale: f32, out: usize, keep: bool): f32 {
  const end = x + (<usize>n) * 4;
  const top = splat4(max);
  const s = splat4(scale);
  let a = splat4(0);
  let b = a;
  for (; x + 64 <= end; x += 64) {
    const u = expNegative4(f32x4.mul(f32x4.sub(v128.load(x), top), s));
    const v = expNegative4(f32x4.mul(f32x4.sub(v128.load(x, 16), top), s));
    const w = expNegative4(f32x4.mul(f32x4.sub(v128.load(x, 32), top), s));
    const z = expNegative4(f32x4.mul(f32x4.sub(v128.load(x, 48), top), s));
    if (keep) {
      v128.store(out, u);
      v128.store(out, v, 16);
      v128.store(out, w, 32);
      v128.store(out, z, 48);
      out += 64;
    }
    a = f32x4.add(a, f32x4.add(u, v));
    b = f32x4.add(b, f32x4.add(w, z));
  }
  for (; x + 16 <= end; x += 16) {
    const u = expNegative4(f32x4.mul(f32x4.sub(v128.load(x), top), s));
    if (keep) {
      v128.store(out, u);
      out += 16;
    }
    a = f32x4.add(a, u);
  }
  let sum = total4(f32x4.add(a, b));
  for (; x < end; x += 4) {
    const e = exp1((load<f32>(x) - max) * scale);
    if (keep) {
      store<f32>(out, e);
      out += 4;
    }
    sum += e;
  }
  return sum;
}

@inline
function scaleRow(x: usize, n: i32, factor: f32, out: usize): void {
  const whole = x + ((<usize>n) & ~3) * 4;
  const end = x + (<usize>n) * 4;
  for (; x < whole; x += 16) {
    v128.store(out, f32x4.mul(v128.load(x), splat4(factor)));
    out += 16;
  }
  for (; x < end; x += 4) {
    store<f32>(out, load<f32>(x) * factor);
    out += 4;
  }
}

/** Softmax of scale x over one row. */
export function softmaxRow(x: usize, n: i32, scale: f32, out: usize): void {
  const sum = rowExp(x, n, rowMax(x, n), scale, out, true);
  scaleRow(out, n, 1 / sum, out);
}

/** log sum e^(x - max). It is taken off after the maximum: their sum would lose the digits that the maximum fills. */
function logSum(x: usize, n: i32, max: f32): f32 {
  return f32x4.extract_lane(log4(splat4(rowExp(x, n, max, 1, 0, false))), 0);
}

export function softmax_f32(begin: i32, end: i32, x: usize, n: i32, out: usize): void {
  for (let row = begin; row < end; row++) {
    const at = (<usize>row) * n * 4;
    softmaxRow(x + at, n, 1, out + at);
  }
}

/** dx = y (dy - sum(dy y)). */
export function softmaxGrad_f32(begin: i32, end: i32, y: usize, dy: usize, n: i32, out: usize): void {
  for (let row = begin; row < end; row++) {
    const at = (<usize>row) * n * 4;
    softmaxGradRow(y + at, dy + at, n, 1, out + at);
  }
}

/** out = scale y (dy - sum(dy y)) of one row; out may be dy. */
export function softmaxGradRow(y: usize, dy: usize, n: i32, scale: f32, out: usize): void {
  const whole = ((<usize>n) & ~3) * 4;
  const end = (<usize>n) * 4;
  let a = splat4(0);
  let at: usize = 0;
  for (; at < whole; at += 16) a = fma4(v128.load(y + at), v128.load(dy + at), a);
  let dot = total4(a);
  for (; at < end; at += 4) dot += load<f32>(y + at) * load<f32>(dy + at);
  const d = splat4(dot);
  const s = splat4(scale);
  for (at = 0; at < whole; at += 16) {
    v128.store(out + at, f32x4.mul(f32x4.mul(v128.load(y + at), f32x4.sub(v128.load(dy + at), d)), s));
  }
  for (; at < end; at += 4) store<f32>(out + at, load<f32>(y + at) * (load<f32>(dy + at) - dot) * scale);
}

export function logSoftmax_f32(begin: i32, end: i32, x: usize, n: i32, out: usize): void {
  const whole = ((<usize>n) & ~3) * 4;
  const last = (<usize>n) * 4;
  for (let row = begin; row < end; row++) {
    const from = x + (<usize>row) * n * 4;
    const to = out + (<usize>row) * n * 4;
    const max = rowMax(from, n);
    const log = logSum(from, n, max);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      v128.store(to + at, f32x4.sub(f32x4.sub(v128.load(from + at), splat4(max)), splat4(log)));
    }
    for (; at < last; at += 4) store<f32>(to + at, load<f32>(from + at) - max - log);
  }
}

/** dx = dy - e^y sum(dy). */
export function logSoftmaxGrad_f32(begin: i32, end: i32, y: usize, dy: usize, n: i32, out: usize): void {
  const whole = ((<usize>n) & ~3) * 4;
  const last = (<usize>n) * 4;
  for (let row = begin; row < end; row++) {
    const from = y + (<usize>row) * n * 4;
    const d = dy + (<usize>row) * n * 4;
    const to = out + (<usize>row) * n * 4;
    let a = splat4(0);
    let at: usize = 0;
    for (; at < whole; at += 16) a = f32x4.add(a, v128.load(d + at));
    let sum = total4(a);
    for (; at < last; at += 4) sum += load<f32>(d + at);
    const s = splat4(sum);
    for (at = 0; at < whole; at += 16) {
      v128.store(to + at, f32x4.sub(v128.load(d + at), f32x4.mul(expNegative4(v128.load(from + at)), s)));
    }
    for (; at < last; at += 4) store<f32>(to + at, load<f32>(d + at) - exp1(load<f32>(from + at)) * sum);
  }
}

/** out = logSoftmax(x)[target]; 0 where the target is -1. */
export function gatherLogProb_f32(begin: i32, end: i32, x: usize, targets: usize, n: i32, out: usize): void {
  for (let row = begin; row < end; row++) {
    const target = load<i32>(targets + (<usize>row) * 4);
    const from = x + (<usize>row) * n * 4;
    let y: f32 = 0;
    if (target >= 0) {
      const max = rowMax(from, n);
      y = load<f32>(from + (<usize>target) * 4) - max - logSum(from, n, max);
    }
    store<f32>(out + (<usize>row) * 4, y);
  }
}

/** dx = dy (onehot(target) - softmax(x)); rows of target -1 are 0. */
export function gatherLogProbGrad_f32(begin: i32, end: i32, x: usize, targets: usize, dy: usize, n: i32, out: usize): void {
  for (let row = begin; row < end; row++) {
    const target = load<i32>(targets + (<usize>row) * 4);
    const from = x + (<usize>row) * n * 4;
    const to = out + (<usize>row) * n * 4;
    if (target < 0) {
      memory.fill(to, 0, (<usize>n) * 4);
      continue;
    }
    const d = load<f32>(dy + (<usize>row) * 4);
    const sum = rowExp(from, n, rowMax(from, n), 1, to, true);
    scaleRow(to, n, -d / sum, to);
    const at = to + (<usize>target) * 4;
    store<f32>(at, load<f32>(at) + d);
  }
}

@inline
function rowMean(x: usize, n: i32): f32 {
  const whole = x + ((<usize>n) & ~7) * 4;
  const end = x + (<usize>n) * 4;
  let a = splat4(0);
  let b = a;
  for (; x < whole; x += 32) {
    a = f32x4.add(a, v128.load(x));
    b = f32x4.add(b, v128.load(x, 16));
  }
  let sum = total4(f32x4.add(a, b));
  for (; x < end; x += 4) sum += load<f32>(x);
  return sum / <f32>n;
}

/**
 * Mean and 1/sqrt(variance + epsilon) of a row. The second pass mends the mean by the mean of the deviations from it,
 * so that it is right to its last digit where it is large, and rows of equal numbers deviate by 0.
 */
function rowMoments(x: usize, n: i32, epsilon: f32): v128 {
  const mean = rowMean(x, n);
  const whole = x + ((<usize>n) & ~7) * 4;
  const end = x + (<usize>n) * 4;
  const m = splat4(mean);
  let a = splat4(0);
  let b = a;
  let c = a;
  let d = a;
  for (; x < whole; x += 32) {
    const u = f32x4.sub(v128.load(x), m);
    const v = f32x4.sub(v128.load(x, 16), m);
    a = fma4(u, u, a);
    b = fma4(v, v, b);
    c = f32x4.add(u, c);
    d = f32x4.add(v, d);
  }
  let squares = total4(f32x4.add(a, b));
  let sum = total4(f32x4.add(c, d));
  for (; x < end; x += 4) {
    const u = load<f32>(x) - mean;
    squares += u * u;
    sum += u;
  }
  const missing = sum / <f32>n;
  return f32x4(mean + missing, 1 / sqrt<f32>(max<f32>(squares / <f32>n - missing * missing, 0) + epsilon), 0, 0);
}

/** (x - mean)/sqrt(var + epsilon) gain + bias. */
export function layerNorm_f32(begin: i32, end: i32, x: usize, gain: usize, bias: usize, n: i32, epsilon: f32, out: usize): void {
  const whole = ((<usize>n) & ~3) * 4;
  const last = (<usize>n) * 4;
  for (let row = begin; row < end; row++) {
    const from = x + (<usize>row) * n * 4;
    const to = out + (<usize>row) * n * 4;
    const moments = rowMoments(from, n, epsilon);
    const mean = f32x4.extract_lane(moments, 0);
    const scale = f32x4.extract_lane(moments, 1);
    const m = splat4(mean);
    const s = splat4(scale);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const h = f32x4.mul(f32x4.sub(v128.load(from + at), m), s);
      v128.store(to + at, fma4(h, v128.load(gain + at), v128.load(bias + at)));
    }
    for (; at < last; at += 4) {
      store<f32>(to + at, (load<f32>(from + at) - mean) * scale * load<f32>(gain + at) + load<f32>(bias + at));
    }
  }
}

/** Rows whose parameter gradients are added up in one go. */
const NORM_ROWS: i32 = 32;

/**
 * Blocks [begin, end) of 32 rows: dx = scale (g - mean(g) - h mean(g h)) with h = (x - mean) scale, g = dy gain;
 * the sums of dy h and of dy over the block's rows go to partial [block, 2, n].
 */
export function layerNormGrad_f32(begin: i32, end: i32, x: usize, gain: usize, dy: usize, rows: i32, n: i32, epsilon: f32, out: usize, partial: usize): void {
  const whole = ((<usize>n) & ~3) * 4;
  const last = (<usize>n) * 4;
  for (let block = begin; block < end; block++) {
    const dGain = partial + (<usize>block) * 2 * last;
    const dBias = dGain + last;
    memory.fill(dGain, 0, 2 * last);
    const final = min(rows, (block + 1) * NORM_ROWS);
    for (let row = block * NORM_ROWS; row < final; row++) {
      const from = x + (<usize>row) * n * 4;
      const d = dy + (<usize>row) * n * 4;
      const to = out + (<usize>row) * n * 4;
      const moments = rowMoments(from, n, epsilon);
      const mean = f32x4.extract_lane(moments, 0);
      const scale = f32x4.extract_lane(moments, 1);
      const m = splat4(mean);
      const s = splat4(scale);
      let sumG = splat4(0);
      let sumGH = splat4(0);
      let at: usize = 0;
      for (; at < whole; at += 16) {
        const h = f32x4.mul(f32x4.sub(v128.load(from + at), m), s);
        const e = v128.load(d + at);
        v128.store(dGain + at, fma4(e, h, v128.load(dGain + at)));
        v128.store(dBias + at, f32x4.add(e, v128.load(dBias + at)));
        const g = f32x4.mul(e, v128.load(gain + at));
        sumG = f32x4.add(sumG, g);
        sumGH = fma4(g, h, sumGH);
      }
      let g1 = total4(sumG);
      let gh1 = total4(sumGH);
      for (; at < last; at += 4) {
        const h = (load<f32>(from + at) - mean) * scale;
        const e = load<f32>(d + at);
        store<f32>(dGain + at, load<f32>(dGain + at) + e * h);
        store<f32>(dBias + at, load<f32>(dBias + at) + e);
        g1 += e * load<f32>(gain + at);
        gh1 += e * load<f32>(gain + at) * h;
      }
      const meanG = g1 / <f32>n;
      const meanGH = gh1 / <f32>n;
      for (at = 0; at < whole; at += 16) {
        const h = f32x4.mul(f32x4.sub(v128.load(from + at), m), s);
        const g = f32x4.mul(v128.load(d + at), v128.load(gain + at));
        v128.store(to + at, f32x4.mul(s, f32x4.sub(f32x4.sub(g, splat4(meanG)), f32x4.mul(h, splat4(meanGH)))));
      }
      for (; at < last; at += 4) {
        const h = (load<f32>(from + at) - mean) * scale;
        store<f32>(to + at, scale * (load<f32>(d + at) * load<f32>(gain + at) - meanG - h * meanGH));
      }
    }
  }
}
