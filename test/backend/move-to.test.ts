import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createJsBackend, moveTo, tensor } from '../../src/backend/index.js';
import { createWasmBackend } from '../../src/backend/wasm/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { shapes } from '../arbitraries/shape.js';
import { make, tensorOf } from '../arbitraries/tensor.js';

const [js, wasm] = [createJsBackend(), createWasmBackend()];

describe('moveTo', () => {
  test.prop([shapes().chain((shape) => tensorOf(shape)), fc.constantFrom('float32', 'float64')])(
    'keeps numbers, shape, dtype and the tree, and leaves the original alone',
    async (spec, dtype) => {
      const x = make(spec, dtype, js);
      const moved = await moveTo({ a: x, list: [x] }, wasm);
      for (const y of [moved.a, moved.list[0] as Tensor]) {
        expect([y.device, y.dtype, y.shape]).toEqual([wasm, x.dtype, x.shape]);
        expect(y.dataSync()).toEqual(x.dataSync());
      }
      expect(x.device).toBe(js);
    },
  );

  test('what is there already stays itself', async () => {
    const [here, there] = [tensor([1], { backend: wasm }), tensor([2], { backend: js })];
    const moved = await moveTo({ here, there }, wasm);
    expect(moved.here).toBe(here);
    expect(moved.there.device).toBe(wasm);
  });
});
