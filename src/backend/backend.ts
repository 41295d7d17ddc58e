import type { Device, DType, Handle, Shape, TypedArray } from '../tensor/index.js';

/** What a verb sees of a tensor: a contiguous row-major buffer with its shape. */
export interface Operand {
  readonly handle: Handle;
  readonly shape: Shape;
  readonly size: number;
  readonly dtype: DType;
}

/** y_i = f(x_i); floats unless said. `sign`, `neg` and `abs` take int32 too; `gelu` is the tanh form of GPT-2. */
export type MapName =
  | 'neg'
  | 'exp'
  | 'log'
  | 'log1p'
  | 'expm1'
  | 'sqrt'
  | 'rsqrt'
  | 'tanh'
  | 'sigmoid'
  | 'softplus'
  | 'relu'
  | 'gelu'
  | 'abs'
  | 'sign'
  | 'floor'
  | 'square'
  | 'reciprocal'
  | 'isFinite'; // prettier-ignore

/** z_i = f(x_i, y_i) with broadcasting. The comparisons give int32 masks of 0 and 1. `geluGrad` is gelu'(x) y. */
export type ZipName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'maximum'
  | 'minimum'
  | 'geluGrad'
  | 'equal'
  | 'notEqual'
  | 'less'
  | 'lessEqual'
  | 'greater'
  | 'greaterEqual'; // prettier-ignore

/** NaN wins in max and min, as in IEEE; the empty sum is 0, the empty max -Infinity, the empty min Infinity. */
export type ReduceName = 'sum' | 'max' | 'min';

/** Hyper-parameters of one AdamW step; `step` counts from 1. */
export interface AdamwOptions {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly step: number;
}

/** 64 bits that choose the mask of a dropout. */
export type DropoutKey = readonly [number, number];

/**
 * The verbs of a place that computes. Every verb takes contiguous operands, returns a fresh buffer and never writes
 * into an operand. The optional ones are fused forms: where a backend lacks one, the op composes it of the others.
 */
export interface Backend extends Device {
  /** A copy of the numbers on the device. */
  upload(data: TypedArray): Handle;
  /** `size` times `value`. */
  fill(dtype: DType, size: number, value: number): Handle;
  /** The same numbers in another dtype; floats to int32 truncate toward zero. */
  cast(x: Operand, dtype: DType): Handle;
  map(name: MapName, x: Operand): Handle;
  zip(name: ZipName, x: Operand, y: Operand, shape: Shape): Handle;
  /** z_i = c_i != 0 ? x_i : y_i with broadcasting; c is int32. */
  where(c: Operand, x: Operand, y: Operand, shape: Shape): Handle;
  /** Over `axes` (ascending); float sums are pairwise or blocked, so that float32 keeps its digits. */
  reduce(name: ReduceName, x: Operand, axes: readonly number[]): Handle;
  /** Index of the first largest along `axis`, int32. */
  argmax(x: Operand, axis: number): Handle;
  /**
   * z[b] = X[b] Y[b] over the last two axes; leading axes broadcast to those of `shape`.
   * `transposeX` reads X[b] as stored [k, m] instead of [m, k]; `transposeY` Y[b] as [n, k] instead of [k, n].
   */
  matmul(x: Operand, y: Operand, transposeX: boolean, transposeY: boolean, shape: Shape): Handle;
  /** x_i / (1 - rate) where element i is kept, else 0; the hash of (i, key) decides, so that one key is one mask. */
  dropout(x: Operand, rate: number, key: DropoutKey): Handle;
  /** Axis i of the result is axis `axes[i]` of x. */
  permute(x: Operand, axes: readonly number[]): Handle;
  /** x stretched to `shape` as broadcasting does. */
  expand(x: Operand, shape: Shape): Handle;
  /** The block of `sizes` that begins at `starts`. */
  slice(x: Operand, starts: readonly number[], sizes: readonly number[]): Handle;
  /** x with `before` and `after` times `value` around each axis. */
  pad(x: Operand, before: readonly number[], after: readonly number[], value: number): Handle;
  concat(xs: readonly Operand[], axis: number): Handle;
  /** out[..., i..., ...] = x[..., indices[i...], ...]: `axis` is replaced by the axes of `indices` (int32, in range: checked by the verb). */
  gather(x: Operand, indices: Operand, axis: number): Handle;
  /** The transpose of gather: zeros of `shape` with updates[..., i..., ...] added at [..., indices[i...], ...]. */
  scatterAdd(shape: Shape, indices: Operand, updates: Operand, axis: number): Handle;
  /** out = x[.., indices[.., i, ..], ..]: along `axis`, one index an element; other axes of equal size. */
  takeAlong(x: Operand, indices: Operand, axis: number): Handle;
  /** The transpose of takeAlong. */
  putAlongAdd(shape: Shape, indices: Operand, updates: Operand, axis: number): Handle;

  /** Over the last axis, the maximum subtracted. A row of -Infinity alone gives NaN. */
  softmax?(x: Operand): Handle;
  /** dx = y (dy - sum(dy y)). */
  softmaxGrad?(y: Operand, dy: Operand): Handle;
  logSoftmax?(x: Operand): Handle;
  /** dx = dy - exp(y) sum(dy). */
  logSoftmaxGrad?(y: Operand, dy: Operand): Handle;
  /** x [.., V], targets int32 [..] -> logSoftmax(x)[.., target] [..]; a target of -1 gives 0 (padding). */
  gatherLogProb?(x: Operand, targets: Operand): Handle;
  /** dx = dy (onehot(target) - softmax(x)); rows of target -1 are 0. */
  gatherLogProbGrad?(x: Operand, targets: Operand, dy: Operand): Handle;
  /** (x - mean)/sqrt(var + epsilon) * gain + bias over the last axis (population variance). */
  layerNorm?(x: Operand, gain: Operand, bias: Operand, epsilon: number): Handle;
  /** [dx, dgain, dbias]. */
  layerNormGrad?(x: Operand, gain: Operand, dy: Operand, epsilon: number): [Handle, Handle, Handle];
  /**
   * q, k, v [.., T, D] (leading axes equal; query t is at position T_k - T_q + t) ->
   * softmax(q k^T / sqrt(D), keys after the query masked) v.
   */
  causalAttention?(q: Operand, k: Operand, v: Operand): Handle;
  /** [dq, dk, dv]. */
  causalAttentionGrad?(q: Operand, k: Operand, v: Operand, dy: Operand): [Handle, Handle, Handle];
  /** float32 [B, T, 3C] of queries, keys and values side by side -> [B, T, C]: causal attention of `heads` heads. */
  selfAttention?(qkv: Operand, heads: number): Handle;
  /** dqkv. */
  selfAttentionGrad?(qkv: Operand, dy: Operand, heads: number): Handle;
  /** x [N, in], weight [in, out], bias [out] -> x weight + bias. */
  linear?(x: Operand, weight: Operand, bias: Operand): Handle;
  /** [gelu(z), z] of z = x weight + bias. */
  linearGelu?(x: Operand, weight: Operand, bias: Operand): [Handle, Handle];
  /** [parameter', firstMoment', secondMoment'] with decoupled decay: p' = p - lr (mhat/(sqrt(vhat) + eps) + decay p). */
  adamw?(p: Operand, grad: Operand, m: Operand, v: Operand, options: AdamwOptions): [Handle, Handle, Handle];
}

/** The fused verbs over the rows of a tensor. */
export type RowVerbs = Required<
  Pick<
    Backend,
    | 'softmax'
    | 'softmaxGrad'
    | 'logSoftmax'
    | 'logSoftmaxGrad'
    | 'gatherLogProb'
    | 'gatherLogProbGrad'
    | 'layerNorm'
    | 'layerNormGrad'
  >
>;
