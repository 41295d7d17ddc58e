import { afterAll, describe, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { createWasmBackend, type WasmBackend } from '../../src/backend/wasm/index.js';
import { adamwInit, adamwStep, type GptParams, gptConfig, gptLogits, initGpt } from '../../src/nn/index.js';
import { add, crossEntropy, dropout, gather, gelu, matmul, mul, softmax, sum } from '../../src/ops/index.js';
import { normal, seededRandom } from '../../src/random/index.js';
import { leavesOf, mapTree, scope, type Tensor } from '../../src/tensor/index.js';

const one = createWasmBackend();
const two = createWasmBackend({ threads: 2 });
afterAll(() => two.close());

const numbers = (shape: number[], seed: number): Float32Array => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => normal(random));
};
const on = (backend: WasmBackend, shape: number[], seed = 1): Tensor =>
  tensor(numbers(shape, seed), { shape, backend });
const bits = (x: Tensor): Int32Array => new Int32Array(x.dataSync().buffer);

describe('threads give the bits of one thread', () => {
  const cases: Record<string, (backend: WasmBackend) => Tensor> = {
    'a tall product': (b) => matmul(on(b, [1031, 129]), on(b, [129, 385], 2)),
    'a transposed product': (b) => matmul(on(b, [1031, 101]), on(b, [1031, 333], 2), { transposeX: true }),
    'both transposed': (b) => matmul(on(b, [515, 301]), on(b, [203, 515], 2), { transposeX: true, transposeY: true }),
    'a batch of products': (b) => matmul(on(b, [37, 65, 33]), on(b, [37, 33, 67], 2)),
    'a batch with a transposed left side': (b) =>
      matmul(on(b, [37, 33, 65]), on(b, [37, 33, 67], 2), { transposeX: true }),
    'elements, with a ragged end': (b) => gelu(mul(on(b, [100_003]), on(b, [100_003], 2))),
    'rows and columns': (b) => add(on(b, [997, 131]), on(b, [131], 2)),
    'softmax of many rows': (b) => softmax(on(b, [2000, 77])),
    'a gather of many rows': (b) =>
      gather(
        on(b, [301, 37]),
        tensor(
          Int32Array.from({ length: 9001 }, (_, i) => (i * 7919) % 301),
          { backend: b },
        ),
      ),
    'a dropout, with a ragged end': (b) => dropout(on(b, [100_003]), 0.3, seededRandom(4)),
    'a sum over rows': (b) => sum(on(b, [1500, 131]), 0),
    'a sum over columns': (b) => sum(on(b, [1500, 131]), 1),
  };
  test.each(Object.keys(cases))('%s', (name) => {
    scope(() => expect(bits(cases[name](two))).toEqual(bits(cases[name](one))));
  });

  test('a transformer after three steps of training', () => {
    const config = gptConfig({ vocabSize: 61, blockSize: 48, nLayer: 2, nHead: 4, nEmbd: 96 });
    const trained = (backend: WasmBackend): Int32Array[] => {
      const ids = Int32Array.from({ length: 12 * 48 }, (_, i) => (i * 7919) % 61);
      const tokens = tensor(ids, { shape: [12, 48], backend });
      const loss = (p: GptParams) => crossEntropy(gptLogits(p, config, tokens), tokens);
      let params = mapTree(initGpt(config, seededRandom(5)), (leaf) =>
        tensor(leaf.dataSync(), { shape: leaf.shape, backend }),
      );
      let state = adamwInit(params);
      for (let i = 0; i < 3; i++) {
        const { gradient } = valueAndGrad(loss)(params);
        ({ params, state } = adamwStep(params, gradient, state, { learningRate: 0.01 }));
      }
      return leavesOf(params).map(bits);
    };
    expect(trained(two)).toEqual(trained(one));
  });

  test('after close it goes on alone', async () => {
    const backend = createWasmBackend({ threads: 2 });
    const product = () => scope(() => bits(matmul(on(backend, [600, 100]), on(backend, [100, 300], 2))));
    const before = product();
    await backend.close();
    expect(product()).toEqual(before);
  });

  test('refuses numbers of threads that are none, and a module compiled for memory of one thread', () => {
    expect(() => createWasmBackend({ threads: 0 })).toThrow('threads is 0; expected an integer from 1 to 64');
    expect(() => createWasmBackend({ threads: 1.5 })).toThrow('threads is 1.5');
    expect(() => createWasmBackend({ threads: 2, module: {} })).toThrow('module is');
  });
});
