import { describe, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autograd/index.js';
import { type Backend, createJsBackend, tensor } from '../../src/backend/index.js';
import { createWasmBackend } from '../../src/backend/wasm/index.js';
import { adamwInit, adamwStep, type GptParams, gptConfig, gptLogits, initGpt } from '../../src/nn/index.js';
import { crossEntropy } from '../../src/ops/index.js';
import { seededRandom, uniformInt } from '../../src/random/index.js';
import { dispose, leavesOf, mapTree, scope, type Tensor } from '../../src/tensor/index.js';

const config = gptConfig({ vocabSize: 17, blockSize: 8, nLayer: 2, nHead: 2, nEmbd: 16 });

/** A training loop by hand: every tensor of a step goes but for parameters and moments, which replace the old ones. */
function training(backend: Backend) {
  const random = seededRandom(3);
  let params = mapTree(initGpt(config, random), (leaf) => tensor(leaf.dataSync(), { shape: leaf.shape, backend }));
  let state = adamwInit(params);
  const start = leavesOf(params).map((leaf) => leaf.dataSync());
  const step = (): number => {
    const ids = Int32Array.from({ length: 3 * 9 }, () => uniformInt(random, 17));
    const old = { params, state };
    const next = scope(() => {
      const windows = (shift: number): Tensor => {
        const data = Int32Array.from({ length: 24 }, (_, i) => ids[Math.floor(i / 8) * 9 + (i % 8) + shift]);
        return tensor(data, { shape: [3, 8], backend });
      };
      const [inputs, targets] = [windows(0), windows(1)];
      const loss = (p: GptParams): Tensor => crossEntropy(gptLogits(p, config, inputs), targets);
      const { value, gradient } = valueAndGrad(loss)(params);
      return { ...adamwStep(params, gradient, state, { learningRate: 0.003 }), loss: value.item() };
    });
    ({ params, state } = next);
    for (const leaf of leavesOf(old)) dispose(leaf);
    return next.loss;
  };
  return { step, start, numbers: () => leavesOf(params).map((leaf) => leaf.dataSync()) };
}

describe('a training run of a small GPT', () => {
  test('holds its memory flat to the byte for 300 steps, and learns', () => {
    const backend = createWasmBackend();
    const { step, start, numbers } = training(backend);
    for (let i = 0; i < 3; i++) step();
    const { usedBytes, peakBytes, heldBytes } = backend.memory;
    expect(usedBytes).toBeGreaterThan(0);
    expect(peakBytes).toBeGreaterThan(usedBytes);
    for (let i = 3; i < 300; i++) {
      expect(Number.isFinite(step())).toBe(true);
      if (backend.memory.usedBytes !== usedBytes) expect.fail(`step ${i} leaves ${backend.memory.usedBytes} bytes`);
    }
    expect(backend.memory).toMatchObject({ usedBytes, peakBytes, heldBytes });
    numbers().forEach((now, i) => {
      expect([...now]).not.toEqual([...start[i]]);
    });
  });

  test('goes as on the js backend, step by step, to what float32 can tell', () => {
    const [wasm, js] = [training(createWasmBackend()), training(createJsBackend())];
    for (let i = 0; i < 12; i++) {
      const [a, b] = [wasm.step(), js.step()];
      expect(Math.abs(a - b)).toBeLessThan(1e-5 * b);
    }
  });
});
