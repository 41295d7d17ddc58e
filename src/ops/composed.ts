import { stopGradient } from '../autograd/index.js';
import { type AdamwOptions, backendOf, tensor } from '../backend/index.js';
import type { Tensor } from '../tensor/index.js';
import { tanh } from './activation.js';
import { add, div, mul, sub } from './arithmetic.js';
import { greater, notEqual } from './compare.js';
import { exp, log, sqrt } from './exponential.js';
import { matmul } from './matmul.js';
import { max, mean } from './reduce.js';
import { squeeze, unsqueeze } from './reshape.js';
import { sum } from './sum-to.js';
import { takeAlong } from './take-along.js';
import { square } from './unary.js';
import { clip, where } from './where.js';

// The slow twins of the fused ops, in small ops only: what a backend without the fused verb runs, the oracle of the
// tests, and where the derivatives of the fused gradients come from.

/** exp(x - max x) / sum exp(x - max x) over the last axis. */
export function softmaxComposed(x: Tensor): Tensor {
  const e = exp(sub(x, rowMax(x)));
  return div(e, sum(e, -1, { keepDims: true }));
}

/** x - log sum exp x over the last axis. */
export function logSoftmaxComposed(x: Tensor): Tensor {
  const shifted = sub(x, rowMax(x));
  return sub(shifted, log(sum(exp(shifted), -1, { keepDims: true })));
}

/** The shift cancels in the value, so it is a constant for the gradient. */
function rowMax(x: Tensor): Tensor {
  return stopGradient(max(x, -1, { keepDims: true }));
}

/** logSoftmax(x)[.., target]; 0 where the target is -1. */
export function gatherLogProbComposed(logits: Tensor, targets: Tensor): Tensor {
  const present = notEqual(targets, -1);
  const safe = where(present, targets, 0);
  const picked = squeeze(takeAlong(logSoftmaxComposed(logits), unsqueeze(safe, -1), -1), -1);
  return where(present, picked, 0);
}

/** (x - mean) / sqrt(var + epsilon) gain + bias over the last axis. */
export function layerNormComposed(x: Tensor, gain: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const centred = sub(x, mean(x, -1, { keepDims: true }));
  const variance = mean(square(centred), -1, { keepDims: true });
  return add(mul(div(centred, sqrt(add(variance, epsilon))), gain), bias);
}

/** x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2, the form of GPT-2. */
export function geluComposed(x: Tensor): Tensor {
  // Cut where it is 0 or x already: the cube would overflow, and infinity times 0 is NaN.
  const near = clip(x, -64, 64);
  const inner = mul(add(near, mul(mul(square(near), near), 0.044715)), Math.sqrt(2 / Math.PI));
  return where(greater(x, 64), x, mul(mul(near, add(tanh(inner), 1)), 0.5));
}

/** softmax(q k^T / sqrt(D), keys after the query masked) v; query t is at position T_k - T_q + t. */
export function causalAttentionComposed(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const [queries, features] = q.shape.slice(-2);
  const keys = k.shape[k.shape.length - 2];
  const scores = mul(matmul(q, k, { transposeY: true }), 1 / Math.sqrt(features));
  return matmul(softmaxComposed(where(causalMask(q, queries, keys), scores, -Infinity)), v);
}

/** [queries, keys]: 1 where the query may see the key. */
function causalMask(like: Tensor, queries: number, keys: number): Tensor {
  const mask = new Int32Array(queries * keys);
  for (let t = 0; t < queries; t++) mask.fill(1, t * keys, t * keys + keys - queries + t + 1);
  return tensor(mask, { shape: [queries, keys], backend: backendOf(like) });
}

/** What one AdamW step makes of a parameter. */
export interface AdamwState {
  readonly parameter: Tensor;
  readonly firstMoment: Tensor;
  readonly secondMoment: Tensor;
}

/** m' = b1 m + (1-b1) g, v' = b2 v + (1-b2) g^2, p' = p - lr (mhat/(sqrt(vhat) + eps) + decay p); `step` from 1. */
export function adamwComposed(
  parameter: Tensor,
  gradient: Tensor,
  m: Tensor,
  v: Tensor,
  options: AdamwOptions,
): AdamwState {
  const { learningRate, beta1, beta2, epsilon, weightDecay, step } = options;
  const firstMoment = add(mul(m, beta1), mul(gradient, 1 - beta1));
  const secondMoment = add(mul(v, beta2), mul(square(gradient), 1 - beta2));
  const mHat = div(firstMoment, 1 - beta1 ** step);
  const vHat = div(secondMoment, 1 - beta2 ** step);
  const direction = add(div(mHat, add(sqrt(vHat), epsilon)), mul(parameter, weightDecay));
  return { parameter: sub(parameter, mul(direction, learningRate)), firstMoment, secondMoment };
}
