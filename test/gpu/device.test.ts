import { describe, expect, test } from 'vitest';
import { createGpuBackend } from '../../src/backend/gpu/index.js';
import { openDevice } from '../../src/backend/gpu/webgpu-device.js';
import type { Context, WebGpuDevice } from '../../src/backend/gpu/webgpu-types.js';
import { tensor } from '../../src/backend/index.js';
import { matmul } from '../../src/ops/index.js';
import { missing } from './here.js';
import { useNodeWebGpu } from './node-webgpu.js';

/** gpu.js as far as devices go: one for all, given out until its end has been heard of. */
function oneForAll() {
  let given: (WebGpuDevice & { dead: boolean }) | null = null;
  const made: (WebGpuDevice & { dead: boolean })[] = [];
  const fresh = () => {
    let lose = (): void => undefined;
    const device = {
      dead: false,
      onuncapturederror: null,
      lost: new Promise<void>((resolve) => {
        lose = resolve;
      }),
      destroy(): void {
        device.dead = true;
        // heard of later
        setTimeout(() => {
          if (given === (device as unknown)) given = null;
          lose();
        }, 5);
      },
    };
    return device as unknown as WebGpuDevice & { dead: boolean };
  };
  return {
    made,
    async open(): Promise<Context> {
      if (given === null) {
        given = fresh();
        made.push(given);
      }
      const device = given;
      // a kernel is built on it before the context is known
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { device, adapter: {}, isLost: false };
    },
  };
}
const nobody = (): void => undefined;

describe('the device that all backends share', () => {
  test('the last one that ends gives it back, and who comes then gets another', async () => {
    const { made, open } = oneForAll();
    const [a, b] = [await openDevice(open, nobody), await openDevice(open, nobody)];
    expect(a.context.device).toBe(b.context.device);
    await a.end();
    expect(made[0]!.dead).toBe(false);
    await b.end();
    expect(made[0]!.dead).toBe(true);
    const c = await openDevice(open, nobody);
    expect(made).toHaveLength(2);
    await c.end();
  });
  test('who comes while the last one leaves does not get a dying device', async () => {
    const { open } = oneForAll();
    const a = await openDevice(open, nobody);
    const leaving = a.end();
    const b = await openDevice(open, nobody);
    await leaving;
    expect((b.context.device as unknown as { dead: boolean }).dead).toBe(false);
    await b.end();
  });
  test('who leaves while somebody is on the way does not take the device along', async () => {
    const { made, open } = oneForAll();
    const a = await openDevice(open, nobody);
    const coming = openDevice(open, nobody);
    await a.end();
    const b = await coming;
    expect((b.context.device as unknown as { dead: boolean }).dead).toBe(false);
    await b.end();
    expect(made.every(({ dead }) => dead)).toBe(true);
  });
  test('one who fails on the way leaves nothing behind', async () => {
    const { made, open } = oneForAll();
    const a = await openDevice(open, nobody);
    const failing = openDevice(async () => {
      await open();
      throw new Error('no shader');
    }, nobody);
    await a.end();
    await expect(failing).rejects.toThrow('no shader');
    expect(made[0]!.dead).toBe(true);
  });
  test("what it reports reaches every user and the page's own handler, which is there again afterwards", async () => {
    const { made, open } = oneForAll();
    await open();
    const said: string[] = [];
    const own: WebGpuDevice['onuncapturederror'] = ({ error }) => void said.push(`page: ${error.message}`);
    made[0]!.onuncapturederror = own;
    const users = [
      await openDevice(open, (m) => said.push(`a: ${m}`)),
      await openDevice(open, (m) => said.push(`b: ${m}`)),
    ];
    made[0]!.onuncapturederror?.({ error: { message: 'full' } });
    expect(said).toEqual(['page: full', 'a: full', 'b: full']);
    await users[0]!.end();
    made[0]!.onuncapturederror?.({ error: { message: 'again' } });
    expect(said.slice(3)).toEqual(['page: again', 'b: again']);
    await users[1]!.end();
    expect(made[0]!.onuncapturederror).toBe(own);
  });
});

if (missing !== null) test.skip(`backends that come and go on WebGPU in Node: ${missing}`);
else
  test('backends that come and go at once on WebGPU in Node', async () => {
    await useNodeWebGpu();
    const a = await createGpuBackend({ api: 'webgpu' });
    const leaving = a.destroy();
    const b = await createGpuBackend({ api: 'webgpu' });
    await leaving;
    const coming = createGpuBackend({ api: 'webgpu' });
    await b.destroy();
    const c = await coming;
    const x = tensor([1, 2, 3, 4], { shape: [2, 2], dtype: 'float32', backend: c });
    expect([...(await matmul(x, x).data())]).toEqual([7, 10, 15, 22]);
    await c.destroy();
  });
