import { productError, twoSum } from '../../stats/double-double.js';

/** Powers of ten that are float64 exactly. */
const TEN = Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));
/** So many digits are an integer below 2^53. */
const EXACT = 15;
const MOST_DIGITS = 19;

/**
 * Reads the JSON number that begins at `at` into value[0], rounded as JSON.parse rounds it. The bytes must end in
 * something that is no part of a number.
 * @returns the position after it, or -1 where there is no JSON number.
 */
export function scanNumber(bytes: Uint8Array, at: number, value: Float64Array): number {
  let i = at;
  const negative = bytes[i] === 0x2d;
  if (negative) i++;
  let head = 0;
  let tail = 0;
  let digits = 0;
  let scale = 0;
  let d = bytes[i] - 0x30;
  if (!(d >= 0 && d <= 9)) return -1;
  if (d === 0) {
    d = bytes[++i] - 0x30;
    if (d >= 0 && d <= 9) return -1;
  }
  for (; d >= 0 && d <= 9; d = bytes[++i] - 0x30) {
    if (digits < EXACT) head = head * 10 + d;
    else tail = tail * 10 + d;
    digits++;
  }
  if (bytes[i] === 0x2e) {
    d = bytes[++i] - 0x30;
    if (!(d >= 0 && d <= 9)) return -1;
    for (; d >= 0 && d <= 9; d = bytes[++i] - 0x30) {
      scale--;
      if (digits === 0 && d === 0) continue;
      if (digits < EXACT) head = head * 10 + d;
      else tail = tail * 10 + d;
      digits++;
    }
  }
  if (bytes[i] === 0x65 || bytes[i] === 0x45) {
    i++;
    const minus = bytes[i] === 0x2d;
    if (minus || bytes[i] === 0x2b) i++;
    d = bytes[i] - 0x30;
    if (!(d >= 0 && d <= 9)) return -1;
    let exponent = 0;
    for (; d >= 0 && d <= 9; d = bytes[++i] - 0x30) if (exponent < 1e6) exponent = exponent * 10 + d;
    scale += minus ? -exponent : exponent;
  }
  const size = digits <= EXACT ? scaled(head, scale) : digits <= MOST_DIGITS ? divided(head, tail, digits, scale) : NaN;
  value[0] = Number.isNaN(size) ? Number(asciiText(bytes, at, i)) : negative ? -size : size;
  return i;
}

/** One rounding, since both operands are exact (Clinger); NaN where they would not be. */
function scaled(digits: number, scale: number): number {
  if (scale === 0) return digits;
  if (scale < 0) return scale >= -22 ? digits / TEN[-scale] : Number.NaN;
  return scale <= 22 ? digits * TEN[scale] : Number.NaN;
}

/**
 * (head 10^t + tail) / 10^-scale in double-double, rounded; NaN where the next digits could turn the rounding over
 * (the true value is too near the middle of two float64), or the power is not exact.
 */
function divided(head: number, tail: number, digits: number, scale: number): number {
  if (scale >= 0 || scale < -22) return Number.NaN;
  const shift = TEN[digits - EXACT];
  const power = TEN[-scale];
  const product = head * shift;
  const [high, error] = twoSum(product, tail);
  const low = error + productError(head, shift, product);
  const quotient = high / power;
  const back = quotient * power;
  const rest = (high - back - productError(quotient, power, back) + low) / power;
  const doubt = Math.abs(rest) * 2 ** -45 + quotient * 2 ** -95;
  const rounded = quotient + rest;
  return quotient + (rest - doubt) === rounded && quotient + (rest + doubt) === rounded ? rounded : Number.NaN;
}

/** The text of ASCII bytes. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}
