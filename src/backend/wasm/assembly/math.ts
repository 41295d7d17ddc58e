// Functions of four float32 at once. Bounds are of the error against the true value, in units of the last place (ulp),
// and are tested over the whole domain. NaN goes through; results below the smallest normal number become 0.

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

// x = n log 2 + r with an integer n and |r| <= log(2)/2; log 2 in two parts, so that r keeps its digits.

// 1.5 * 2^23 and more: adding it rounds to an integer, which stands in the low bits, here with the bias of an exponent.
const BIASED: f32 = 12582912.0 + 127;
/** For 2^(n - 1): the largest e^x has an n of 128, which is no exponent. */
const HALVED: f32 = 12582912.0 + 126;

/** n in the low bits, and as a number when `magic` is taken off. */
@inline
function whole(x: v128, magic: f32): v128 {
  return fma4(x, splat4(1.44269504), splat4(magic));
}

@inline
function rest(x: v128, t: v128, magic: f32): v128 {
  const n = f32x4.sub(t, splat4(magic));
  return fma4(n, splat4(2.12194440e-4), fma4(n, splat4(-0.693359375), x));
}

/** p times the power of two in the low bits of t. A product and no sum of exponents: so every NaN in p stays one. */
@inline
function timesPower(p: v128, t: v128): v128 {
  return f32x4.mul(p, i32x4.shl(t, 23));
}

/** e^x for |x| <= 87.3: at most 3.3 ulp. */
@inline
function expNear(x: v128): v128 {
  const t = whole(x, BIASED);
  const r = rest(x, t, BIASED);
  // minimax of degree 5: 0.63 ulp
  let p = splat4(0.008297619176237628);
  p = fma4(p, r, splat4(0.041915629234742284));
  p = fma4(p, r, splat4(0.16667576546124044));
  p = fma4(p, r, splat4(0.4999889266137918));
  p = fma4(p, r, splat4(0.9999996910686676));
  p = fma4(p, r, splat4(1));
  return timesPower(p, t);
}

/** e^x for x <= 87.3: at most 3.3 ulp; 0 below -87.33. */
@inline
export function expNegative4(x: v128): v128 {
  // below, the exponent would wrap around; NaN compares as false and stays
  return v128.andnot(expNear(x), f32x4.lt(x, splat4(-87.3365)));
}

/**
 * e^x: at most 1.4 ulp (1.7 below -86.64); Infinity above 88.7228, 0 below -86.98 (where it is 1.5 times the smallest
 * normal number).
 */
@inline
export function exp4(x: v128): v128 {
  // pmin gives its first argument where one is NaN
  x = f32x4.pmin(x, splat4(88.73));
  const t = whole(x, HALVED);
  const r = rest(x, t, HALVED);
  // minimax of degree 6: 0.02 ulp
  let p = splat4(0.0013836793659589978);
  p = fma4(p, r, splat4(0.008374857071935983));
  p = fma4(p, r, splat4(0.041668228689649235));
  p = fma4(p, r, splat4(0.16666419680484527));
  p = fma4(p, r, splat4(0.4999999205606823));
  p = fma4(p, r, splat4(1));
  p = fma4(p, r, splat4(1));
  const half = timesPower(p, t);
  return v128.andnot(f32x4.add(half, half), f32x4.lt(x, splat4(-86.98)));
}

/** log x; at most 0.9 ulp; -Infinity at 0, NaN below. */
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

/** 1/(1 + e^-x); at most 4.4 ulp where it is above 1.2e-38. */
@inline
export function sigmoid4(x: v128): v128 {
  const e = expNegative4(f32x4.neg(f32x4.abs(x)));
  const top = choose4(f32x4.lt(x, splat4(0)), e, splat4(1));
  return f32x4.div(top, f32x4.add(splat4(1), e));
}

/** tanh x; at most 2.4 ulp. */
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

/** 1 + e^-2u, at most e^87.4. */
@inline
function gate4(t: v128): v128 {
  const u = f32x4.mul(t, fma4(f32x4.mul(t, t), splat4(-2 * SCALE * CUBIC), splat4(-2 * SCALE)));
  return f32x4.add(splat4(1), expNear(u));
}

@inline
function near(x: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, splat4(-FAR)), splat4(FAR));
}

/** The tanh form of gelu; within 2e-7 of max(1, |x|), and relative 1.3e-5 where it is above 1e-30 in size. */
@inline
export function gelu4(x: v128): v128 {
  const y = f32x4.div(x, gate4(near(x)));
  // -0 below, as x times a very small number
  return v128.andnot(y, v128.and(f32x4.lt(x, splat4(-FAR)), i32x4.splat(0x7fffffff)));
}

/** Its derivative, s + 2 x s (1 - s) u'; within 5e-7. */
@inline
export function geluSlope4(x: v128): v128 {
  const t = near(x);
  const s = f32x4.div(splat4(1), gate4(t));
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
