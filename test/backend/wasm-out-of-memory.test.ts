import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type Backend, type Operand, tensor } from '../../src/backend/index.js';
import { createWasmBackend } from '../../src/backend/wasm/index.js';
import type { Tensor } from '../../src/tensor/index.js';

// Every verb that takes more than one block, called with memory for only some of them.

const LIMIT = 2 ** 20;
const options = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, step: 1 };
type Verb = (backend: Backend, make: (shape: number[]) => Operand) => unknown;
const verbs: Readonly<Record<string, Verb>> = {
  'matmul of few rows': (b, t) => b.matmul(t([64, 32]), t([64, 96]), true, false, [32, 96]),
  'matmul, packed': (b, t) => b.matmul(t([160, 32]), t([96, 32]), false, true, [160, 96]),
  'matmul of both packed': (b, t) => b.matmul(t([32, 160]), t([32, 96]), true, false, [160, 96]),
  'matmul in batches': (b, t) => b.matmul(t([6, 32, 24]), t([6, 32, 40]), true, false, [6, 24, 40]),
  layerNormGrad: (b, t) => b.layerNormGrad!(t([300, 16]), t([16]), t([300, 16]), 1e-5),
  adamw: (b, t) => b.adamw!(t([5000]), t([5000]), t([5000]), t([5000]), options),
  causalAttention: (b, t) => b.causalAttention!(t([2, 60, 16]), t([2, 60, 16]), t([2, 60, 16])),
  causalAttentionGrad: (b, t) => b.causalAttentionGrad!(t([2, 60, 16]), t([2, 60, 16]), t([2, 60, 16]), t([2, 60, 16])),
  selfAttention: (b, t) => b.selfAttention!(t([2, 60, 48]), 2),
  selfAttentionGrad: (b, t) => b.selfAttentionGrad!(t([2, 60, 48]), t([2, 60, 16]), 2),
  linear: (b, t) => b.linear!(t([200, 16]), t([16, 48]), t([48])),
  linearGelu: (b, t) => b.linearGelu!(t([200, 16]), t([16, 48]), t([48])),
  'sum in runs': (b, t) => b.reduce('sum', t([900, 40]), [0]),
  'a verb of the js backend': (b, t) => b.concat([t([100, 20]), t([100, 20])], 1),
};

describe.each(Object.entries(verbs))('%s out of memory', (_name, verb) => {
  test.prop([fc.integer({ min: 0, max: 90_000 })], { numRuns: 25 })(
    'leaves no block behind, and the backend works on',
    (room) => {
      const backend = createWasmBackend({ maxBytes: LIMIT });
      const { memory } = backend;
      const inputs: Tensor[] = [];
      const make = (shape: number[]): Operand => {
        const size = shape.reduce((a, n) => a * n, 1);
        const made = tensor(new Float32Array(size).fill(1), { shape, backend });
        inputs.push(made);
        return made;
      };
      // the inputs as the verb asks for them, then all memory but `room` bytes
      const sizes: number[][] = [];
      const dry = createWasmBackend({ maxBytes: 2 ** 24 });
      verb(dry, (shape) => {
        sizes.push(shape);
        return tensor(new Float32Array(shape.reduce((a, n) => a * n, 1)), { shape, backend: dry });
      });
      const ready = sizes.map(make);
      const fillers: unknown[] = [];
      for (let chunk = 2 ** 19; chunk >= 64; chunk /= 2) {
        for (;;) {
          try {
            fillers.push([backend.fill('float32', chunk / 4, 0), chunk / 4]);
          } catch {
            break;
          }
        }
      }
      let free = 0;
      while (free < room && fillers.length > 0) {
        const [handle, size] = fillers.pop() as [unknown, number];
        backend.free(handle, 'float32', size);
        free += size * 4;
      }
      const before = memory.usedBytes;
      let next = 0;
      let failed = true;
      try {
        verb(backend, () => ready[next++]!);
        failed = false;
      } catch (error) {
        expect((error as { code?: string }).code).toBe('out_of_memory');
      }
      if (failed) expect(memory.usedBytes).toBe(before);
      for (const [handle, size] of fillers as [unknown, number][]) backend.free(handle, 'float32', size);
      next = 0;
      expect(() => verb(backend, () => ready[next++]!)).not.toThrow();
    },
  );
});
