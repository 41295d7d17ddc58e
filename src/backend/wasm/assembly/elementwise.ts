import { exp4, fma4, gelu4, geluSlope4, log4, sigmoid4, splat4, tanh4 } from './math';

// Buffers are whole multiples of 64 bytes, so the last vector of a buffer may read and write beyond its numbers.

const EXP = 0;
const LOG = 1;
const TANH = 2;
const SIGMOID = 3;
const GELU = 4;
const SQUARE = 5;

@inline
function mapped(name: i32, x: v128): v128 {
  switch (name) {
    case EXP: return exp4(x);
    case LOG: return log4(x);
    case TANH: return tanh4(x);
    case SIGMOID: return sigmoid4(x);
    case GELU: return gelu4(x);
    default: return f32x4.mul(x, x);
  }
}

@inline
function mapAll(name: i32, begin: i32, end: i32, x: usize, out: usize): void {
  const last = (<usize>end) * 4;
  for (let at = (<usize>begin) * 4; at < last; at += 16) v128.store(out + at, mapped(name, v128.load(x + at)));
}

/** Four vectors at a time: the constants of a long formula are loaded once for all of them. */
@inline
function mapLong(name: i32, begin: i32, end: i32, x: usize, out: usize): void {
  const last = (<usize>end) * 4;
  for (let at = (<usize>begin) * 4; at < last; at += 64) {
    const a = mapped(name, v128.load(x + at));
    const b = mapped(name, v128.load(x + at, 16));
    const c = mapped(name, v128.load(x + at, 32));
    const d = mapped(name, v128.load(x + at, 48));
    v128.store(out + at, a);
    v128.store(out + at, b, 16);
    v128.store(out + at, c, 32);
    v128.store(out + at, d, 48);
  }
}

export function exp_f32(begin: i32, end: i32, x: usize, out: usize): void {
  mapLong(EXP, begin, end, x, out);
}
export function log_f32(begin: i32, end: i32, x: usize, out: usize): void {
  mapAll(LOG, begin, end, x, out);
}
export function tanh_f32(begin: i32, end: i32, x: usize, out: usize): void {
  mapAll(TANH, begin, end, x, out);
}
export function sigmoid_f32(begin: i32, end: i32, x: usize, out: usize): void {
  mapAll(SIGMOID, begin, end, x, out);
}
export function gelu_f32(begin: i32, end: i32, x: usize, out: usize): void {
  mapLong(GELU, begin, end, x, out);
}
export function square_f32(begin: i32, end: i32, x: usize, out: usize): void {
  mapAll(SQUARE, begin, end, x, out);
}

const ADD = 0;
const SUB = 1;
const MUL = 2;
const DIV = 3;

@inline
function zipped<T>(name: i32, x: v128, y: v128): v128 {
  switch (name) {
    case ADD: return v128.add<T>(x, y);
    case SUB: return v128.sub<T>(x, y);
    case MUL: return v128.mul<T>(x, y);
    default: return v128.div<T>(x, y);
  }
}

@inline
function spread<T>(at: usize): v128 {
  return sizeof<T>() == 4 ? v128.load32_splat(at) : v128.load64_splat(at);
}

/**
 * Rows [begin, end) of out [rows, cols]; operands step by xRow, yRow elements a row and by xCol, yCol (0 or 1) a column.
 * Numbers that fill no vector are computed one by one, in the same way.
 */
@inline
function zipAll<T>(name: i32, begin: i32, end: i32, cols: i32, x: usize, xRow: i32, xCol: i32, y: usize, yRow: i32, yCol: i32, out: usize): void {
  const bytes = sizeof<T>();
  const whole = ((<usize>cols) * bytes) & ~15;
  const all = (<usize>cols) * bytes;
  for (let row = begin; row < end; row++) {
    const to = out + (<usize>row) * all;
    const a = x + (<usize>row) * xRow * bytes;
    const b = y + (<usize>row) * yRow * bytes;
    let at: usize = 0;
    if (xCol && yCol) {
      for (; at < whole; at += 16) v128.store(to + at, zipped<T>(name, v128.load(a + at), v128.load(b + at)));
    } else if (xCol) {
      const v = spread<T>(b);
      for (; at < whole; at += 16) v128.store(to + at, zipped<T>(name, v128.load(a + at), v));
    } else if (yCol) {
      const u = spread<T>(a);
      for (; at < whole; at += 16) v128.store(to + at, zipped<T>(name, u, v128.load(b + at)));
    }
    for (; at < all; at += bytes) {
      const z = zipped<T>(name, spread<T>(a + (xCol ? at : 0)), spread<T>(b + (yCol ? at : 0)));
      if (sizeof<T>() == 4) v128.store32_lane(to + at, z, 0);
      else v128.store64_lane(to + at, z, 0);
    }
  }
}

export function add_f32(begin: i32, end: i32, cols: i32, x: usize, xRow: i32, xCol: i32, y: usize, yRow: i32, yCol: i32, out: usize): void {
  zipAll<f32>(ADD, begin, end, cols, x, xRow, xCol, y, yRow, yCol, out);
}
export function add_f64(begin: i32, end: i32, cols: i32, x: usize, xRow: i32, xCol: i32, y: usize, yRow: i32, yCol: i32, out: usize): void {
  zipAll<f64>(ADD, begin, end, cols, x, xRow, xCol, y, yRow, yCol, out);
}
export function sub_f32(begin: i32, end: i32, cols: i32, x: usize, xRow: i32, xCol: i32, y: usize, yRow: i32, yCol: i32, out: usize): void {
  zipAll<f32>(SUB, begin, end, cols, x, xRow, xCol, y, yRow, yCol, out);
}
export function sub_f64(begin: i32, end: i32, cols: i32, x: usize, xRow: i32, xCol: i32, y: usize, yRow: i32, yCol: i32, out: usize): void {
  zipAll<f64>(SUB, begin, end, cols, x, xRow, xCol, y, yRow, yCol, out);
}
export function mul_f32(begin: i32, end: i32, cols: i32, x: usize, xRow: i32, xCol: i32, y: usize, yRow: i32, yCol: i32, out: usize): void {
  zipAll<f32>(MUL, begin, end, cols, x, xRow, xCol, y, yRow, yCol, out);
}
export function mul_f64(begin: i32, end: i32, cols: i32, x: usize, xRow: i32, xCol: i32, y: usize, yRow: i32, yCol: i32, out: usize): void {
  zipAll<f64>(MUL, begin, end, cols, x, xRow, xCol, y, yRow, yCol, out);
}
export function div_f32(begin: i32, end: i32, cols: i32, x: usize, xRow: i32, xCol: i32, y: usize, yRow: i32, yCol: i32, out: usize): void {
  zipAll<f32>(DIV, begin, end, cols, x, xRow, xCol, y, yRow, yCol, out);
}
export function div_f64(begin: i32, end: i32, cols: i32, x: usize, xRow: i32, xCol: i32, y: usize, yRow: i32, yCol: i32, out: usize): void {
  zipAll<f64>(DIV, begin, end, cols, x, xRow, xCol, y, yRow, yCol, out);
}
/** gelu'(x) dy of equal shapes. */
export function geluGrad_f32(begin: i32, end: i32, x: usize, dy: usize, out: usize): void {
  const last = (<usize>end) * 4;
  for (let at = (<usize>begin) * 4; at < last; at += 64) {
    const a = f32x4.mul(geluSlope4(v128.load(x + at)), v128.load(dy + at));
    const b = f32x4.mul(geluSlope4(v128.load(x + at, 16)), v128.load(dy + at, 16));
    const c = f32x4.mul(geluSlope4(v128.load(x + at, 32)), v128.load(dy + at, 32));
    const d = f32x4.mul(geluSlope4(v128.load(x + at, 48)), v128.load(dy + at, 48));
    v128.store(out + at, a);
    v128.store(out + at, b, 16);
    v128.store(out + at, c, 32);
    v128.store(out + at, d, 48);
  }
}

/** AdamW out of place (1 - b2 is taken in float64: in float32 it would keep three digits): m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, p -= lr (m mScale/(sqrt(v vScale) + eps) + decay p). */
export function adamw_f32(begin: i32, end: i32, p: usize, g: usize, m: usize, v: usize, pOut: usize, mOut: usize, vOut: usize, lr: f32, beta1: f64, beta2: f64, epsilon: f32, decay: f32, mScale: f32, vScale: f32): void {
  const last = (<usize>end) * 4;
  for (let at = (<usize>begin) * 4; at < last; at += 16) {
    const d = v128.load(g + at);
    const m1 = fma4(v128.load(m + at), splat4(<f32>beta1), f32x4.mul(d, splat4(<f32>(1 - beta1))));
    const v1 = fma4(v128.load(v + at), splat4(<f32>beta2), f32x4.mul(f32x4.mul(d, d), splat4(<f32>(1 - beta2))));
    const old = v128.load(p + at);
    const root = f32x4.add(f32x4.sqrt(f32x4.mul(v1, splat4(vScale))), splat4(epsilon));
    const direction = fma4(old, splat4(decay), f32x4.div(f32x4.mul(m1, splat4(mScale)), root));
    v128.store(mOut + at, m1);
    v128.store(vOut + at, v1);
    v128.store(pOut + at, f32x4.sub(old, f32x4.mul(direction, splat4(lr))));
  }
}

/** The mask of src/backend/js/dropout.ts, bit for bit, on x. */
export function dropout_f32(begin: i32, end: i32, x: usize, threshold: i32, kept: f32, first: i32, second: i32, out: usize): void {
  let index = i32x4.add(i32x4.splat(begin + first), i32x4(0, 1, 2, 3));
  const last = (<usize>end) * 4;
  for (let at = (<usize>begin) * 4; at < last; at += 16) {
    let h = i32x4.mul(v128.xor(index, i32x4.shr_u(index, 16)), i32x4.splat(0x7feb352d));
    h = v128.xor(v128.xor(h, i32x4.shr_u(h, 15)), i32x4.splat(second));
    h = i32x4.mul(h, i32x4.splat(0x846ca68b));
    h = i32x4.shr_u(v128.xor(h, i32x4.shr_u(h, 16)), 8);
    const scaled = f32x4.mul(v128.load(x + at), splat4(kept));
    v128.store(out + at, v128.andnot(scaled, i32x4.lt_s(h, i32x4.splat(threshold))));
    index = i32x4.add(index, i32x4.splat(4));
  }
}
