import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGpuBackend, GPU_JS_VERSION, type GpuBackend } from '../../src/backend/gpu/index.js';
import { tensor } from '../../src/backend/index.js';
import * as ops from '../../src/ops/index.js';
import { dispose, scope, type Tensor } from '../../src/tensor/index.js';
import { bundle } from './bundle.js';
import { missing } from './here.js';
import { useNodeWebGpu } from './node-webgpu.js';

// What gpu.js does wrong in silence, and a backend over it must not.

describe.skipIf(missing !== null)('traps of gpu.js', () => {
  let gpu: GpuBackend;
  beforeAll(async () => {
    await useNodeWebGpu();
    gpu = await createGpuBackend({ api: 'webgpu' });
  });
  afterAll(() => gpu.destroy());
  const on = (data: ArrayLike<number>, shape?: number[]): Tensor =>
    tensor(Float32Array.from(data), { backend: gpu, ...(shape && { shape }) });
  const ones = (n: number): number[] => new Array<number>(n).fill(1);
  const numbers = async (x: Tensor): Promise<number[]> => [...(await x.data())];

  test('loops of more than 1,000 turns are not cut short', async () => {
    expect(await numbers(ops.matmul(on(ones(5000), [1, 5000]), on(ones(5000), [5000, 1])))).toEqual([5000]);
    const made = ops.add(ops.argmax(on(ones(3000), [3000, 1]), 1), 0);
    // indices made on the device: every element looks through all 3,000
    expect(await numbers(ops.scatterAdd([1], made, on(ones(3000))))).toEqual([3000]);
    expect((await numbers(ops.softmax(on(ones(4000)))))[0]).toBeCloseTo(1 / 4000, 9);
  });

  test('one kernel called at once with several shapes, before it was ever compiled, gives each its own result', async () => {
    const fresh = await createGpuBackend({ api: 'webgpu' });
    const sizes = [3, 70, 1, 500];
    const results = sizes.map((n) => ops.tanh(tensor(new Float32Array(n).fill(n), { backend: fresh })));
    const read = await Promise.all(results.map((x) => x.data()));
    read.forEach((data, i) => {
      expect(data).toHaveLength(sizes[i]!);
      for (const v of data) expect(v).toBeCloseTo(Math.tanh(sizes[i]!), 6);
    });
    await fresh.destroy();
  });

  test('a later result does not overwrite an earlier one', async () => {
    const x = on([1, 2, 3]);
    const all = [1, 2, 3, 4, 5].map((k) => ops.mul(x, k));
    for (const [i, y] of all.entries()) expect(await numbers(y)).toEqual([1, 2, 3].map((v) => v * (i + 1)));
  });

  test('more than 2^24 elements are refused: an index is a float32', () => {
    expect(() => ops.expand(on([1], [1, 1]), [4097, 4096])).toThrow(
      'expand makes a tensor of 16781312 elements; expected at most 16777216 on the gpu backend, where indices are float32.',
    );
    expect(() => tensor(Int32Array.of(1, 2 ** 24 + 1), { backend: gpu })).toThrow(
      'data[1] is 16777217; expected an int32 of at most 2^24 in size on the gpu backend',
    );
  });

  test('an int32 that float32 cannot hold is refused at the read, with the op that made it', async () => {
    const x = tensor(Int32Array.of(2 ** 23, 1), { backend: gpu });
    await expect(ops.mul(x, 4).data()).rejects.toThrow('element 0 of a mul to int32 is 33554432');
  });

  test('float64 is refused, not computed in float32', () => {
    expect(() => tensor([1], { dtype: 'float64', backend: gpu })).toThrow('the gpu backend has no float64');
    expect(() => ops.cast(on([1]), 'float64')).toThrow('the gpu backend has no float64');
  });

  test('log1p and expm1 keep their digits near 0, log its infinity at 0', async () => {
    const e = 2 ** -30;
    expect(await numbers(ops.log1p(on([e, -e])))).toEqual([e, -e]);
    expect(await numbers(ops.expm1(on([e, -e])))).toEqual([e, -e]);
    expect(await numbers(ops.log(on([0, Infinity])))).toEqual([-Infinity, Infinity]);
  });

  test('buffers are given back: nothing is left of a scope', async () => {
    // of its own: the collector may find what the tests above left while this one waits
    const own = await createGpuBackend({ api: 'webgpu' });
    const x = tensor(new Float32Array(64).fill(1), { shape: [8, 8], backend: own });
    await x.data();
    const before = own.memory();
    for (let i = 0; i < 20; i++) {
      const y = scope(() => ops.sum(ops.softmax(ops.matmul(ops.gelu(x), x))));
      await y.data();
      dispose(y);
    }
    expect(own.memory().buffers).toBe(before.buffers);
    expect(own.memory().bytesInUse).toBe(before.bytesInUse);
    await own.destroy();
  });
});

describe.skipIf(missing !== null)('the device', () => {
  const run = async (body: string): Promise<string> => {
    const source = `
      import { createGpuBackend } from '../../src/backend/gpu/index.js';
      import { tensor } from '../../src/backend/index.js';
      import { add, exp } from '../../src/ops/index.js';
      import { dispose } from '../../src/tensor/index.js';
      import { useNodeWebGpu } from './node-webgpu.js';
      await useNodeWebGpu();
      const gpu = await createGpuBackend();
      const x = tensor(new Float32Array([1, 2]), { backend: gpu });
      ${body}`;
    const file = await bundle(source, 'traps');
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 30_000 });
    return stdout;
  };

  test('is given back by destroy, and the process ends', async () => {
    expect(await run('console.log([...(await exp(x).data())].length); await gpu.destroy();')).toBe('2\n');
  });

  test('that is destroyed says so at the read, and at every op after; nothing hangs; a new backend works', async () => {
    const said = await run(`
      await add(x, 1).data();
      const before = exp(x);
      await gpu.destroy();
      for (const y of [before, add(x, 1)]) await y.data().catch((error) => console.log(error.message));
      const again = await createGpuBackend();
      console.log([...(await exp(tensor(new Float32Array([0]), { backend: again })).data())].join());
      await again.destroy();
      await again.destroy();`);
    const sentences = said.trim().split('\n');
    expect(sentences[0]).toMatch(/^exp failed on the gpu backend: the backend was destroyed; make a new one/);
    expect(sentences[1]).toMatch(/^(fill|add) failed on the gpu backend: the backend was destroyed/);
    expect(sentences[2]).toBe('1');
  });

  test('that is lost says so, whichever backend is on it; a new one works', async () => {
    const said = await run(`
      const other = await createGpuBackend();
      const z = tensor(new Float32Array([1]), { backend: other });
      await Promise.all([x.data(), z.data()]);
      const { GPU, WebGPUContext } = await import('gpu.js');
      await WebGPUContext.destroy();
      await new Promise((done) => setTimeout(done, 50));
      for (const y of [exp(x), exp(z)]) await y.data().catch((error) => console.log(error.message));
      await gpu.destroy();
      await other.destroy();
      const again = await createGpuBackend();
      console.log([...(await exp(tensor(new Float32Array([0]), { backend: again })).data())].join());
      await again.destroy();`);
    const sentences = said.trim().split('\n');
    expect(sentences[0]).toBe(
      'exp failed on the gpu backend: the GPU device was lost; make a new one with createGpuBackend().',
    );
    expect(sentences[1]).toBe(sentences[0]);
    expect(sentences[2]).toBe('1');
  });

  test('outlives a backend that is destroyed beside another, which frees what it held', async () => {
    const said = await run(`
      const other = await createGpuBackend();
      const held = [1, 2, 3].map((k) => tensor(new Float32Array(k).fill(k), { backend: other }));
      const f = await other.capture((y) => exp(y), held[2]);
      dispose(f(held[2]));
      await held[2].data();
      await other.destroy();
      f.free();
      console.log(JSON.stringify(other.memory()));
      console.log([...(await add(x, 1).data())].join());
      await gpu.destroy();`);
    expect(said).toBe('{"bytesInUse":0,"bytesKept":0,"buffers":0}\n2,3\n');
  });

  test('is refused with the reason where there is none, and gpu.js is the release that was tried', async () => {
    const { version } = (await import('gpu.js/package.json', { with: { type: 'json' } })).default;
    expect(version).toBe(GPU_JS_VERSION);
    await expect(createGpuBackend({ api: 'webgl2' })).rejects.toThrow(
      'there is no GPU to compute on. There is no WebGL2 either. The wasm backend needs none.',
    );
    await expect(createGpuBackend({ api: 'metal' as 'auto' })).rejects.toThrow(/api is "metal"/);
  });
});
