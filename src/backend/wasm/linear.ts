import { bytesPerElement, type FloatDType } from '../../tensor/index.js';
import type { Backend, Operand } from '../backend.js';
import type { Engine } from './engine.js';
import { multiply } from './matmul.js';
import { addressOf, type Block } from './memory.js';

/** Linear layers: the bias is added as the product is stored. `map` is the verb that knows gelu. */
export function linearVerbs(engine: Engine, map: Backend['map']): Required<Pick<Backend, 'linear' | 'linearGelu'>> {
  const linear = (x: Operand, weight: Operand, bias: Operand): Block => {
    const [m, k] = x.shape;
    const n = weight.shape[1];
    const dtype = x.dtype as FloatDType;
    const out = engine.memory.allocate(m * n * bytesPerElement[dtype]);
    if (m * n === 0) return out;
    const product = { m, k, n, transposeX: false, transposeY: false };
    multiply(engine, dtype, addressOf(x), addressOf(weight), product, out.address, addressOf(bias));
    return out;
  };
  return {
    linear,
    linearGelu(x, weight, bias) {
      const handle = linear(x, weight, bias);
      const shape = [x.shape[0], weight.shape[1]];
      return [map('gelu', { handle, shape, size: shape[0] * shape[1], dtype: x.dtype }), handle];
    },
  };
}
