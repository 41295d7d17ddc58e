import type { Tensor } from '../tensor/index.js';
import { div, maximum } from './arithmetic.js';
import { cast } from './cast.js';
import { notEqual } from './compare.js';
import { gatherLogProb } from './gather-log-prob.js';
import { sum } from './sum-to.js';
import { neg } from './unary.js';

/**
 * Mean negative log-probability of the targets, in nats, over those that are not padding: a scalar.
 * Where all targets are padding there is nothing to learn: the loss is 0, and so is its gradient.
 * @param logits [.., V] floats.
 * @param targets [..] int32 from 0 to V - 1, or -1 for padding.
 * @throws PopeError where shapes or dtypes do not agree, or a target is out of range.
 */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  const total = sum(gatherLogProb(logits, targets));
  const count = sum(cast(notEqual(targets, -1), logits.dtype));
  return div(neg(total), maximum(count, 1));
}
