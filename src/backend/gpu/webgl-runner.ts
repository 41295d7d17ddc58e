import { PopeError } from '../../util/index.js';
import { addFunctions, createKernel, type GpuJs, type GpuKernel } from './gpu-js.js';
import { type GpuBuffer, type GpuRunner, goneBecause, type KernelSource } from './runner.js';

/** A texture as gpu.js makes it in pipeline mode. */
interface Texture {
  readonly output: readonly number[];
  toArray(): Float32Array;
  delete(): void;
}

interface WebGlKernel {
  readonly context: {
    getExtension(name: string): { readonly UNMASKED_RENDERER_WEBGL: number } | null;
    getParameter(name: number): unknown;
    isContextLost(): boolean;
  };
}

/** @throws PopeError (code `no_gpu`) where there is no WebGL2. */
export async function webGlRunner(GPU: GpuJs): Promise<GpuRunner> {
  if (!GPU.isWebGL2Supported) throw new PopeError('There is no WebGL2 either.', { code: 'no_gpu' });
  const gpu = new GPU({ mode: 'webgl2' });
  addFunctions(gpu);
  const kernels = new Map<string, GpuKernel>();
  // numbers go in as arrays, and are textures from then on
  const uploader = createKernel(
    gpu,
    { name: 'upload', buffers: ['x'], integers: [], floats: [], body: 'return x[this.thread.x];' },
    'Array',
    { optimizeFloatMemory: true },
  );
  let [bytesInUse, buffers] = [0, 0];
  let destroyed = false;
  const made = (texture: unknown, size: number): GpuBuffer => {
    bytesInUse += size * 4;
    buffers++;
    return texture;
  };
  const run = (kernel: GpuKernel, size: number, args: readonly unknown[]): GpuBuffer => {
    kernel.setOutput([size]);
    return made(kernel(...args), size);
  };
  const probe = run(uploader, 1, [Float32Array.of(1)]) as Texture;
  const { context } = uploader.kernel as WebGlKernel;
  const info = context.getExtension('WEBGL_debug_renderer_info');

  const runner: GpuRunner = {
    api: 'webgl2',
    adapter: info === null ? 'unnamed' : String(context.getParameter(info.UNMASKED_RENDERER_WEBGL)),
    maxSize: 2 ** 24,
    prepare(source) {
      if (!kernels.has(source.name))
        kernels.set(
          source.name,
          createKernel(gpu, source, 'MemoryOptimizedNumberTexture', { optimizeFloatMemory: true }),
        );
      return null;
    },
    launch: (source: KernelSource, inputs, integers, floats, size) =>
      run(kernels.get(source.name)!, size, [...inputs, ...integers, ...floats]),
    // an empty texture does not exist
    upload: (data) => run(uploader, Math.max(data.length, 1), [data.length === 0 ? Float32Array.of(0) : data]),
    read: async (buffer, size) => Float32Array.from((buffer as Texture).toArray().subarray(0, size)),
    free(buffer) {
      if (destroyed) return;
      bytesInUse -= (buffer as Texture).output[0] * 4;
      buffers--;
      (buffer as Texture).delete();
    },
    memory: () => ({ bytesInUse, bytesKept: 0, buffers }),
    gone: () => goneBecause(destroyed, context.isContextLost()),
    async destroy() {
      if (destroyed) return;
      destroyed = true;
      await gpu.destroy();
    },
  };
  runner.free(probe);
  return runner;
}
