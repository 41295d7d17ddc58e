import { defineOp, run } from '../autograd/index.js';
import { backendOf } from '../backend/index.js';
import { type Shape, sameShape, showShape, type Tensor } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { gatherLogProbComposed } from './composed.js';
import { vjpOfVjp } from './through.js';

const rowsShape = ([logits]: readonly Shape[]): Shape => logits.slice(0, -1);

// y = logSoftmax(x)[.., target], 0 where target = -1      dx = dy (onehot(target) - softmax(x))
const gatherLogProbOp = defineOp({
  name: 'gatherLogProb',
  dtype: ([x]) => x.dtype,
  shape: rowsShape,
  forward: (backend, [x, targets]) => backend.gatherLogProb!(x, targets),
  vjp: ([x, targets], dy) => [gatherLogProbGrad(x, targets, dy), null],
});

// z = dy (onehot(target) - softmax(x))      by the composition
const gatherLogProbGradOp = defineOp({
  name: 'gatherLogProbGrad',
  dtype: ([x]) => x.dtype,
  shape: ([x]) => x,
  forward: (backend, [x, targets, dy]) => backend.gatherLogProbGrad!(x, targets, dy),
  vjp: ([x, targets, dy], dz) => {
    const [dx, ddy] = vjpOfVjp(([logits]) => gatherLogProbComposed(logits, targets), [x], dy, [dz]);
    return [dx, null, ddy];
  },
});

function gatherLogProbGrad(x: Tensor, targets: Tensor, dy: Tensor): Tensor {
  return run(gatherLogProbGradOp, [x, targets, dy]);
}

/**
 * The log-probability of each target under softmax(logits): natural logarithm, shape of `targets`.
 * @param logits [.., V] floats.
 * @param targets [..] int32 from 0 to V - 1; -1 marks padding and gives 0 with no gradient.
 * @throws PopeError where shapes or dtypes do not agree, or a target is out of range.
 */
export function gatherLogProb(logits: Tensor, targets: Tensor): Tensor {
  if (logits.rank === 0 || !sameShape(logits.shape.slice(0, -1), targets.shape)) {
    throw new PopeError(
      `gatherLogProb got logits of shape ${showShape(logits.shape)} and targets of shape ${showShape(targets.shape)}; expected [.., V] and [..].`,
      { argument: 'targets', got: targets.shape },
    );
  }
  if (logits.dtype === 'int32')
    throw invalid('dtype of logits', logits.dtype, 'float32 or float64', 'Convert with cast().');
  if (targets.dtype !== 'int32') throw invalid('dtype of targets', targets.dtype, 'int32', 'Convert with cast().');
  const backend = backendOf(logits);
  return backend.gatherLogProb && backend.gatherLogProbGrad
    ? run(gatherLogProbOp, [logits, targets])
    : gatherLogProbComposed(logits, targets);
}
