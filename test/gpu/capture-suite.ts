import { afterAll, describe, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autograd/index.js';
import type { GpuBackend } from '../../src/backend/gpu/index.js';
import { tensor } from '../../src/backend/index.js';
import { type GptConfig, type GptParams, gptLogits, initGpt } from '../../src/nn/index.js';
import * as ops from '../../src/ops/index.js';
import { seededRandom, uniformInt } from '../../src/random/index.js';
import { dispose, leavesOf, scope, type Tensor } from '../../src/tensor/index.js';

/** What `capture` promises, on one WebGPU backend, which the suite destroys at its end. */
export function captureSuite(name: string, gpu: GpuBackend): void {
  describe(`a captured function on ${name}`, () => {
    afterAll(() => gpu.destroy());
    const on = (data: readonly number[]): Tensor => tensor(Float32Array.from(data), { backend: gpu });
    const numbers = async (x: Tensor): Promise<number[]> => [...(await x.data())];

    test('is the function, for other numbers in the same shapes, and holds its memory', async () => {
      const f = await gpu.capture(
        (x, y) => ({ sum: ops.add(x, y), dot: ops.sum(ops.mul(x, y)) }),
        on([1, 2]),
        on([3, 4]),
      );
      const first = f(on([5, 6]), on([7, 8]));
      const second = f(on([-1, 0]), on([2, 3]));
      // a later call leaves the results of an earlier one alone
      expect([await numbers(first.sum), await numbers(first.dot)]).toEqual([[12, 14], [83]]);
      expect([await numbers(second.sum), await numbers(second.dot)]).toEqual([[1, 3], [-2]]);
      dispose([first, second]);
      const [x, y] = [on([1, 1]), on([2, 2])];
      dispose(f(x, y));
      const before = gpu.memory();
      for (let i = 0; i < 30; i++) dispose(f(x, y));
      expect(gpu.memory()).toEqual(before);
      f.free();
      expect(gpu.memory().buffers).toBeLessThan(before.buffers);
      expect(() => f(x, y)).toThrow('a captured function was called after free()');
    });

    test('refuses other shapes, and ops whose new numbers it would freeze', async () => {
      const f = await gpu.capture((x) => ops.exp(x), on([1, 2]));
      expect(() => f(on([1]))).toThrow(/inputs\[0\] is "float32 \[1\] on gpu"; expected float32 \[2\]/);
      expect(() => f()).toThrow('inputs is 0; expected 1 tensors');
      f.free();
      const random = seededRandom(1);
      const before = gpu.memory().buffers;
      await expect(gpu.capture((x) => ops.dropout(x, 0.5, random), on([1, 2]))).rejects.toThrow(
        'dropout is inside of a captured function, which would freeze its mask; expected it outside.',
      );
      // the example, its copy, and what the collector has yet to find of them; nothing of the recording
      expect(gpu.memory().buffers - before).toBeLessThanOrEqual(4);
      expect(await numbers(ops.exp(on([0])))).toEqual([1]);
    });

    test("gives a GPT's loss and gradient for every batch, as the ops do one by one", async () => {
      const config: GptConfig = {
        vocabSize: 20,
        blockSize: 8,
        nLayer: 1,
        nHead: 2,
        nEmbd: 16,
        dropout: 0,
        layerNormEpsilon: 1e-5,
      };
      const params = initGpt(config, seededRandom(1), { backend: gpu });
      const random = seededRandom(4);
      const batch = (): Tensor =>
        tensor(
          Int32Array.from({ length: 16 }, () => uniformInt(random, 20)),
          { shape: [2, 8], backend: gpu },
        );
      const eager = valueAndGrad((p: GptParams, tokens: Tensor, targets: Tensor) =>
        ops.crossEntropy(gptLogits(p, config, tokens, {}), targets),
      );
      const captured = await gpu.capture((tokens, targets) => eager(params, tokens, targets), batch(), batch());
      for (let step = 0; step < 3; step++) {
        const [tokens, targets] = [batch(), batch()];
        const theirs = captured(tokens, targets);
        const ours = scope(() => eager(params, tokens, targets));
        expect((await numbers(theirs.value))[0]).toBeCloseTo((await numbers(ours.value))[0]!, 6);
        const [a, b] = [leavesOf(theirs.gradient), leavesOf(ours.gradient)];
        for (const [i, leaf] of a.entries()) {
          const [x, y] = [await numbers(leaf), await numbers(b[i]!)];
          x.forEach((v, k) => void expect(Math.abs(v - y[k]!)).toBeLessThan(2e-6));
        }
        dispose([theirs, ours]);
      }
      captured.free();
    });
  });
}
