import { defineMultiOp, defineOp, run, runMany } from '../autograd/index.js';
import { backendOf } from '../backend/index.js';
import { showShape, type Tensor } from '../tensor/index.js';
import { assertRange, invalid, PopeError } from '../util/index.js';
import { layerNormComposed } from './composed.js';
import { vjpOfVjp } from './through.js';

interface LayerNormAttrs {
  readonly epsilon: number;
}

// y = h gain + bias,  h = (x - mean) s,  s = 1/sqrt(var + epsilon)
// with g = dy gain:  dx = s (g - mean(g) - h mean(g h)),  dgain = sum(dy h),  dbias = sum(dy)
const layerNormOp = defineOp<LayerNormAttrs>({
  name: 'layerNorm',
  shape: ([shape]) => shape,
  forward: (backend, [x, gain, bias], { epsilon }) => backend.layerNorm!(x, gain, bias, epsilon),
  vjp: ([x, gain], dy, { attrs }) => runMany(layerNormGradOp, [x, gain, dy], attrs),
});

// (dx, dgain, dbias) of x, gain, dy      by the composition
const layerNormGradOp = defineMultiOp<LayerNormAttrs>({
  name: 'layerNormGrad',
  shapes: ([x, gain]) => [x, gain, gain],
  forward: (backend, [x, gain, dy], { epsilon }) => backend.layerNormGrad!(x, gain, dy, epsilon),
  vjp: ([x, gain, dy], dz, { attrs }) => {
    // The bias only shifts y, so its value is of no account here; the gain has its shape.
    const twin = ([x1, gain1, bias1]: readonly Tensor[]): Tensor => layerNormComposed(x1, gain1, bias1, attrs.epsilon);
    const [ddx, ddgain, , ddy] = vjpOfVjp(twin, [x, gain, gain], dy, dz);
    return [ddx, ddgain, ddy];
  },
});

/**
 * (x - mean) / sqrt(variance + epsilon) * gain + bias over the last axis, with the population variance.
 * @param x [.., N] floats.
 * @param gain [N].
 * @param bias [N].
 * @param epsilon at least 0, in units of the variance.
 * @throws PopeError where shapes or dtypes do not agree.
 */
export function layerNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  assertRange('epsilon', epsilon, 0, Infinity);
  if (x.dtype === 'int32') throw invalid('dtype of layerNorm', x.dtype, 'float32 or float64', 'Convert with cast().');
  const n = x.shape[x.rank - 1];
  if (x.rank === 0 || gain.rank !== 1 || bias.rank !== 1 || gain.size !== n || bias.size !== n) {
    throw new PopeError(
      `layerNorm got shapes ${showShape(x.shape)}, ${showShape(gain.shape)} and ${showShape(bias.shape)}; expected [.., N], [N] and [N].`,
      { argument: 'gain', got: gain.shape },
    );
  }
  const backend = backendOf(x);
  return backend.layerNorm && backend.layerNormGrad
    ? run(layerNormOp, [x, gain, bias], { epsilon })
    : layerNormComposed(x, gain, bias, epsilon);
}
