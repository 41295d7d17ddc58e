import { describe, expect, test } from 'vitest';
import { listen } from '../../src/autograd/index.js';
import { type Backend, createJsBackend, tensor } from '../../src/backend/index.js';
import { adamw, causalAttention, gatherLogProb, layerNorm, logSoftmax, softmax } from '../../src/ops/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';
import { derivatives, gap } from '../properties/derivatives.js';
import { fusedSuite } from '../properties/fused-suite.js';

const js = createJsBackend();
fusedSuite('js', js);

describe('a backend without fused verbs', () => {
  const bare: Backend = {
    ...createJsBackend(),
    name: 'bare',
    softmax: undefined,
    softmaxGrad: undefined,
    logSoftmax: undefined,
    logSoftmaxGrad: undefined,
    gatherLogProb: undefined,
    gatherLogProbGrad: undefined,
    layerNorm: undefined,
    layerNormGrad: undefined,
    causalAttention: undefined,
    causalAttentionGrad: undefined,
    adamw: undefined,
  };
  const numbers = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.cos(3 * i + 1));
  const on = (backend: Backend, shape: number[]): Tensor =>
    tensor(numbers(shape.reduce((a, b) => a * b)), { shape, backend });
  const cases: Record<string, { shapes: number[][]; f: (xs: readonly Tensor[], backend: Backend) => Tensor }> = {
    softmax: { shapes: [[3, 4]], f: ([x]) => softmax(x) },
    logSoftmax: { shapes: [[3, 4]], f: ([x]) => logSoftmax(x) },
    gatherLogProb: {
      shapes: [[3, 4]],
      f: ([x], backend) => gatherLogProb(x, tensor([0, 3, -1], { dtype: 'int32', backend })),
    },
    layerNorm: { shapes: [[3, 4], [4], [4]], f: ([x, gain, bias]) => layerNorm(x, gain, bias) },
    causalAttention: {
      shapes: [
        [2, 3, 4],
        [2, 5, 4],
        [2, 5, 4],
      ],
      f: ([q, k, v]) => causalAttention(q, k, v),
    },
  };

  test.each(Object.keys(cases))('%s runs its composition and gives the same', (name) => {
    const { shapes, f } = cases[name];
    scope(() => {
      const seen: Record<string, string[]> = { js: [], bare: [] };
      const results = [js, bare].map((backend) =>
        listen(
          (node) => seen[backend.name].push(node.name),
          () =>
            derivatives(
              (xs) => f(xs, backend),
              shapes.map((s) => on(backend, s)),
            ),
        ),
      );
      expect(seen.js).toContain(name);
      expect(seen.bare).not.toContain(name);
      for (const key of ['value', 'gradient', 'second'] as const)
        expect(gap(results[0][key], results[1][key])).toBeLessThan(1e-11);
    });
  });

  test('adamw too', () => {
    const options = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01, step: 3 };
    const [ours, theirs] = [js, bare].map((backend) => {
      const [p, g] = [on(backend, [5]), on(backend, [5])];
      return adamw(p, g, g, softmax(g), options).parameter.dataSync();
    });
    expect(gap(ours, theirs)).toBeLessThan(1e-14);
  });
});
