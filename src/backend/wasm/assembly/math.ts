// Functions of four float32 at once. Bounds are of the error against the true value, in units of the last place (ulp),
// and are tested over the whole domain. NaN goes through; results below the smallest normal number become 0.

const MAGIC: f32 = 12582912.0; // 1.5 * 2^23: adding it rounds to an integer, which stands in the low bits

@inline
export function splat4(x: f32): v128 {
  return f32x4.splat(x);
}

@inline
export function fma4(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

/** mask ? a : b */
@inline
export function choose4(mask: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, mask);
}

/** e^r for |r| <= log(2)/2, times 2^n where n stands in the low bits of `bits`. */
@inline
function scaledExp(r: v128, bits: v128): v128 {
  let p = splat4(1.9875691500e-4);
  p = fma4(p, r, splat4(1.3981999507e-3));
  p = fma4(p, r, splat4(8.3334519073e-3));
  p = fma4(p, r, splat4(4.1665795894e-2));
  p = fma4(p, r, splat4(1.6666665459e-1));
  p = fma4(p, r, splat4(5.0000001201e-1));
  p = f32x4.add(fma4(p, f32x4.mul(r, r), r), splat4(1));
  return i32x4.add(p, i32x4.shl(bits, 23));
}

/** e^x for x <= 0 (a little above is harmless); at most 2 ulp; 0 below -87.33. */
@inline
export function expNegative4(x: v128): v128 {
  const t = fma4(x, splat4(1.44269504), splat4(MAGIC));
  const n = f32x4.sub(t, splat4(MAGIC));
  const r = fma4(n, splat4(2.12194440e-4), fma4(n, splat4(-0.693359375), x));
  // below, the exponent would wrap around; NaN compares as false and stays
  return v128.andnot(scaledExp(r, t), f32x4.lt(x, splat4(-87.3365)));
}

/** e^x; at most 2 ulp; Infinity above 88.7228, 0 below -87.33. */
@inline
export function exp4(x: v128): v128 {
  // half of it squared would lose digits: one factor of two is taken out instead, so that 2^128 is reached
  const t = f32x4.pmin(splat4(MAGIC + 128), fma4(x, splat4(1.44269504), splat4(MAGIC)));
  const n = f32x4.sub(t, splat4(MAGIC));
  const r = fma4(n, splat4(2.12194440e-4), fma4(n, splat4(-0.693359375), x));
  const above = f32x4.gt(n, splat4(0));
  const half = scaledExp(r, i32x4.add(t, above)); // a mask is -1
  const y = f32x4.mul(half, f32x4.add(splat4(1), v128.and(above, splat4(1))));
  const low = v128.andnot(y, f32x4.lt(x, splat4(-87.3365)));
  return choose4(f32x4.gt(x, splat4(88.722839)), splat4(f32.MAX_VALUE * 2), low);
}

/** log x; at most 2 ulp; -Infinity at 0, NaN below. */
@inline
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, splat4(1.17549435e-38));
  const scaled = choose4(tiny, f32x4.mul(x, splat4(8388608)), x);
  // x = m 2^e with m in [sqrt(1/2), sqrt 2)
  const shifted = i32x4.sub(scaled, i32x4.splat(0x3f3504f3));
  const e = i32x4.add(i32x4.shr_s(shifted, 23), v128.and(tiny, i32x4.splat(-23)));
  const f = f32x4.sub(i32x4.add(v128.and(shifted, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3)), splat4(1));
  const z = f32x4.mul(f, f);
  let p = splat4(7.0376836292e-2);
  p = fma4(p, f, splat4(-1.1514610310e-1));
  p = fma4(p, f, splat4(1.1676998740e-1));
  p = fma4(p, f, splat4(-1.2420140846e-1));
  p = fma4(p, f, splat4(1.4249322787e-1));
  p = fma4(p, f, splat4(-1.6668057665e-1));
  p = fma4(p, f, splat4(2.0000714765e-1));
  p = fma4(p, f, splat4(-2.4999993993e-1));
  p = fma4(p, f, splat4(3.3333331174e-1));
  const n = f32x4.convert_i32x4_s(e);
  let y = f32x4.mul(f32x4.mul(p, f), z);
  y = fma4(n, splat4(-2.12194440e-4), y);
  y = fma4(z, splat4(-0.5), y);
  y = fma4(n, splat4(0.693359375), f32x4.add(f, y));
  const infinity = splat4(f32.MAX_VALUE * 2);
  y = choose4(f32x4.eq(x, infinity), infinity, y);
  y = choose4(f32x4.eq(x, splat4(0)), f32x4.neg(infinity), y);
  // NaN where x is below 0 or NaN
  return choose4(f32x4.ge(x, splat4(0)), y, splat4(NaN));
}

/** 1/(1 + e^-x); at most 4 ulp where it is above 1e-37. */
@inline
export function sigmoid4(x: v128): v128 {
  const e = expNegative4(f32x4.neg(f32x4.abs(x)));
  const top = choose4(f32x4.lt(x, splat4(0)), e, splat4(1));
  return f32x4.div(top, f32x4.add(splat4(1), e));
}

/** tanh x; at most 4 ulp. */
@inline
export function tanh4(x: v128): v128 {
  const a = f32x4.abs(x);
  const e = expNegative4(f32x4.mul(a, splat4(-2)));
  const large = f32x4.div(f32x4.sub(splat4(1), e), f32x4.add(splat4(1), e));
  const z = f32x4.mul(x, x);
  let p = splat4(-5.70498872745e-3);
  p = fma4(p, z, splat4(2.06390887954e-2));
  p = fma4(p, z, splat4(-5.37397155531e-2));
  p = fma4(p, z, splat4(1.33314422036e-1));
  p = fma4(p, z, splat4(-3.33332819422e-1));
  const small = fma4(f32x4.mul(p, z), a, a);
  const y = choose4(f32x4.lt(a, splat4(0.625)), small, large);
  return v128.or(y, v128.and(x, splat4(-0.0)));
}

// gelu x = x s with s = 1/(1 + e^-2u), u = sqrt(2/pi) (x + 0.044715 x^3). Beyond 10 it is 0 or x to the last bit.
const SCALE: f32 = 0.7978845608028654;
const CUBIC: f32 = 0.044715;
const FAR: f32 = 10;

@inline
function gate4(t: v128): v128 {
  const u = f32x4.mul(f32x4.mul(t, splat4(-2 * SCALE)), fma4(f32x4.mul(t, t), splat4(CUBIC), splat4(1)));
  // e^-2u reaches e^87.4 at most
  return f32x4.div(splat4(1), f32x4.add(splat4(1), expTo88(u)));
}

/** e^x for |x| <= 88: without the care that the ends of exp4 take. */
@inline
function expTo88(x: v128): v128 {
  const t = fma4(x, splat4(1.44269504), splat4(MAGIC));
  const n = f32x4.sub(t, splat4(MAGIC));
  return scaledExp(fma4(n, splat4(2.12194440e-4), fma4(n, splat4(-0.693359375), x)), t);
}

@inline
function near(x: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, splat4(-FAR)), splat4(FAR));
}

/** The tanh form of gelu; within 1e-6 of max(1, |x|), and relative 1e-5 where it is above 1e-30 in size. */
@inline
export function gelu4(x: v128): v128 {
  const y = f32x4.mul(x, gate4(near(x)));
  return v128.andnot(y, f32x4.lt(x, splat4(-FAR)));
}

/** Its derivative, s + 2 x s (1 - s) u'; within 2e-6. */
@inline
export function geluSlope4(x: v128): v128 {
  const t = near(x);
  const s = gate4(t);
  const bend = fma4(f32x4.mul(t, t), splat4(3 * CUBIC * SCALE), splat4(SCALE));
  const p = f32x4.mul(s, f32x4.sub(splat4(1), s));
  const y = fma4(f32x4.mul(f32x4.mul(t, splat4(2)), p), bend, s);
  return v128.andnot(y, f32x4.lt(x, splat4(-FAR)));
}

/** Sum of the four. */
@inline
export function total4(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}
