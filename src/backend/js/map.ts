import type { TypedArray } from '../../tensor/index.js';
import type { MapName } from '../backend.js';

type Loop = (out: TypedArray, x: TypedArray) => void;

/** sqrt(2/pi) and the cubic coefficient of gelu's tanh form. */
export const GELU_SCALE = Math.sqrt(2 / Math.PI);
export const GELU_CUBIC = 0.044715;
/** From here on gelu is 0 or x to the last bit of a double: where its argument is cut, so that no cube overflows. */
export const GELU_LIMIT = 64;

// One loop a name and no call per element: the engine compiles each to a tight loop. Every loop keeps NaN.

const neg: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = -x[i];
};
const exp: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.exp(x[i]);
};
const log: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.log(x[i]);
};
const log1p: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.log1p(x[i]);
};
const expm1: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.expm1(x[i]);
};
const sqrt: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.sqrt(x[i]);
};
const rsqrt: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = 1 / Math.sqrt(x[i]);
};
const tanh: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.tanh(x[i]);
};
// e^-|x| never overflows
const sigmoid: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) {
    const v = x[i];
    const e = Math.exp(v < 0 ? v : -v);
    out[i] = (v < 0 ? e : 1) / (1 + e);
  }
};
const softplus: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) {
    const v = x[i];
    out[i] = Math.max(v, 0) + Math.log1p(Math.exp(v < 0 ? v : -v));
  }
};
const relu: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.max(x[i], 0);
};
// (1 + tanh u)/2 = 1/(1 + e^-2u): cheaper than tanh, and without its cancellation at large negative x
const gelu: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) {
    const v = x[i];
    // cut below, -Infinity over Infinity is -0
    out[i] = Math.max(v, -GELU_LIMIT) / (1 + Math.exp(-2 * GELU_SCALE * v * (1 + GELU_CUBIC * v * v)));
  }
};
const abs: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.abs(x[i]);
};
const sign: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.sign(x[i]);
};
const floor: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = Math.floor(x[i]);
};
const square: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = x[i] * x[i];
};
const reciprocal: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = 1 / x[i];
};
const finite: Loop = (out, x) => {
  for (let i = 0; i < x.length; i++) out[i] = x[i] - x[i] === 0 ? 1 : 0;
};

/** out_i = f(x_i) for each name. */
export const mapLoops: Readonly<Record<MapName, Loop>> = {
  neg,
  exp,
  log,
  log1p,
  expm1,
  sqrt,
  rsqrt,
  tanh,
  sigmoid,
  softplus,
  relu,
  gelu,
  abs,
  sign,
  floor,
  square,
  reciprocal,
  isFinite: finite,
}; // prettier-ignore
