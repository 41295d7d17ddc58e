import { afterAll, describe, expect, test } from 'vitest';
import type { GpuBackend } from '../../src/backend/gpu/index.js';
import type { Backend } from '../../src/backend/index.js';
import { tensor } from '../../src/backend/index.js';
import { createWasmBackend } from '../../src/backend/wasm/index.js';
import { type GptConfig, initGpt, trainLanguageModel } from '../../src/nn/index.js';
import { seededRandom } from '../../src/random/index.js';

const config: GptConfig = {
  vocabSize: 32,
  blockSize: 12,
  nLayer: 1,
  nHead: 2,
  nEmbd: 16,
  dropout: 0.1,
  layerNormEpsilon: 1e-5,
};
const data = Int32Array.from({ length: 2000 }, (_, i) => (i * i * 7 + i) % 32);

async function train(backend: Backend, steps: number, each: () => void = () => undefined): Promise<number[]> {
  const losses: number[] = [];
  await trainLanguageModel({
    params: initGpt(config, seededRandom(1), { backend }),
    config,
    data,
    steps,
    batch: 4,
    schedule: () => 1e-3,
    random: seededRandom(2),
    onStep({ loss }) {
      losses.push(loss);
      each();
    },
  });
  return losses;
}

/** A GPT trained on one gpu backend, which the suite destroys at its end. */
export function trainingSuite(name: string, gpu: GpuBackend): void {
  describe(`a GPT on ${name}`, () => {
    afterAll(() => gpu.destroy());

    test('has the losses of the wasm backend over 50 steps from one seed, dropout included, and holds its memory', async () => {
      const reads = gpu.counts().reads;
      const bytes: number[] = [];
      const buffers: number[] = [];
      const ours = await train(gpu, 50, () => {
        buffers.push(gpu.memory().buffers);
        bytes.push(gpu.memory().bytesInUse + gpu.memory().bytesKept);
      });
      const theirs = await train(createWasmBackend(), 50);
      // float32 rounding grows along the run: it is 5e-7 at the first step
      ours.forEach((loss, i) => void expect(Math.abs(loss - theirs[i]!)).toBeLessThan(1e-6 + 1e-6 * (i + 1)));
      expect(ours[49]!).toBeLessThan(ours[0]! - 0.1);
      expect(new Set(buffers.slice(1)).size).toBe(1);
      // loss and norm of every step, and nothing in between
      expect(gpu.counts().reads - reads).toBe(2 * 50);
      expect(new Set(bytes.slice(5)).size).toBe(1);
    });

    test('ops return at once: nothing is waited for before the read', async () => {
      const x = tensor(new Float32Array(64).fill(2), { shape: [8, 8], backend: gpu });
      expect(() => x.dataSync()).toThrow('the gpu backend cannot read synchronously; expected await tensor.data().');
      expect([...(await x.data())]).toEqual(new Array(64).fill(2));
    });
  });
}
