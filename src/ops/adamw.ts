import { defineMultiOp, runMany } from '../autograd/index.js';
import { type AdamwOptions, backendOf } from '../backend/index.js';
import { sameShape, showShape, type Tensor } from '../tensor/index.js';
import { assertInteger, assertRange, invalid, PopeError } from '../util/index.js';
import { type AdamwState, adamwComposed } from './composed.js';

// m' = b1 m + (1-b1) g,  v' = b2 v + (1-b2) g^2,  p' = p - lr (mhat/(sqrt(vhat) + eps) + decay p);  no derivative
const adamwOp = defineMultiOp<AdamwOptions>({
  name: 'adamw',
  shapes: ([p]) => [p, p, p],
  forward: (backend, [p, g, m, v], options) => backend.adamw!(p, g, m, v, options),
  vjp: null,
});

/**
 * One step of AdamW with decoupled weight decay. It is a constant for every gradient; to differentiate through
 * a training step use `adamwComposed`.
 * @param options `step` counts from 1; betas from 0 to below 1; epsilon above 0; the learning rate at least 0.
 * @throws PopeError where shapes, dtypes or options are wrong.
 */
export function adamw(
  parameter: Tensor,
  gradient: Tensor,
  firstMoment: Tensor,
  secondMoment: Tensor,
  options: AdamwOptions,
): AdamwState {
  const inputs = [parameter, gradient, firstMoment, secondMoment];
  for (const x of inputs) {
    if (x.dtype === 'int32') throw invalid('dtype of adamw', x.dtype, 'float32 or float64');
    if (!sameShape(x.shape, parameter.shape)) {
      throw new PopeError(
        `adamw got shapes ${inputs.map((t) => showShape(t.shape)).join(', ')}; expected four equal shapes.`,
        {
          argument: 'gradient',
        },
      );
    }
  }
  assertOptions(options);
  if (!backendOf(parameter).adamw) return adamwComposed(parameter, gradient, firstMoment, secondMoment, options);
  const [p, m, v] = runMany(adamwOp, inputs, options);
  return { parameter: p, firstMoment: m, secondMoment: v };
}

function assertOptions({ learningRate, beta1, beta2, epsilon, weightDecay, step }: AdamwOptions): void {
  assertRange('learningRate', learningRate, 0, Number.MAX_VALUE);
  for (const [name, beta] of [
    ['beta1', beta1],
    ['beta2', beta2],
  ] as const) {
    if (!(beta >= 0 && beta < 1)) throw invalid(name, beta, 'a number from 0 to below 1');
  }
  if (!(epsilon > 0 && epsilon < Infinity)) throw invalid('epsilon', epsilon, 'a finite number above 0');
  assertRange('weightDecay', weightDecay, 0, Number.MAX_VALUE);
  assertInteger('step', step, 1);
}
