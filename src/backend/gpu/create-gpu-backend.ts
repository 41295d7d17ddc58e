import { isInt32, type Tensor, type Tree, type TypedArray } from '../../tensor/index.js';
import { assertOneOf, invalid, PopeError } from '../../util/index.js';
import type { Backend } from '../backend.js';
import { adamwVerb } from './adamw.js';
import { type Captured, capture } from './capture.js';
import { dropoutVerb } from './dropout.js';
import { elementwiseVerbs } from './elementwise.js';
import { gatherVerbs } from './gather.js';
import { loadGpuJs } from './gpu-js.js';
import { createLauncher, type GpuHandle } from './handles.js';
import { type MatmulForm, matmulVerb, soundForms } from './matmul.js';
import { movementVerbs } from './movement.js';
import { reduceVerbs } from './reduce.js';
import { rowVerbs } from './rows.js';
import type { GpuRunner } from './runner.js';
import { webGlRunner } from './webgl-runner.js';
import { webGpuRunner } from './webgpu-runner.js';

/** A backend on a GPU, by way of gpu.js. */
export interface GpuBackend extends Backend {
  readonly api: 'webgpu' | 'webgl2';
  /** The forms of matrix products that passed their self-test on this device. */
  readonly matmulForms: readonly string[];
  /** What the driver calls itself; "SwiftShader" and "llvmpipe" are software. */
  readonly adapter: string;
  /**
   * How often numbers were uploaded (yours; a dropout's mask, and the order of a scatter-add's indices, which are made on
   * this side), read back (by nobody but you), and kernels submitted.
   */
  counts(): { readonly uploads: number; readonly reads: number; readonly launches: number };
  /** Bytes of buffers in use and kept for reuse, and the number of those in use. */
  memory(): { readonly bytesInUse: number; readonly bytesKept: number; readonly buffers: number };
  /**
   * A function of tensors, noted once and replayed in one submission a call: for steps whose shapes never change. What
   * is not a tensor argument is frozen as it was (numbers, shapes, indices made inside), so `dropout` and `adamw`, which
   * need new numbers every step, are refused inside. Integer inputs are not checked against their axes. On WebGL2 the
   * function itself is called.
   * @param fn called twice. @param examples arguments in the shapes of all later ones.
   */
  capture<T extends Tree>(fn: (...inputs: Tensor[]) => T, ...examples: Tensor[]): Promise<Captured<T>>;
  /**
   * Frees all its tensors, and gives the device back where no other backend uses it: without that a process does not end.
   * On WebGPU that is the one device of gpu.js, so kernels of your own on gpu.js lose it too.
   */
  destroy(): Promise<void>;
}

export interface GpuBackendOptions {
  /** `auto`, the default, is WebGPU where there is an adapter, else WebGL2. */
  readonly api?: 'auto' | 'webgpu' | 'webgl2';
}

/** Integers beyond are not all float32. */
const EXACT = 2 ** 24;

/**
 * A backend that keeps tensors on a GPU and returns from every op at once; only `await tensor.data()` waits. It has
 * float32, and int32 below 2^24 (both are float32 on the device); tensors of at most 2^24 elements.
 * @throws PopeError (code `no_gpu`) where gpu.js is absent or of another version, or there is neither WebGPU nor WebGL2;
 * the message says why. It never computes on the CPU in silence.
 */
export async function createGpuBackend({ api = 'auto' }: GpuBackendOptions = {}): Promise<GpuBackend> {
  assertOneOf('api', api, ['auto', 'webgpu', 'webgl2']);
  const runner = await openRunner(api);
  const launcher = createLauncher(runner);
  const forms: ReadonlySet<MatmulForm> =
    runner.api === 'webgpu' ? await soundForms(launcher) : new Set<MatmulForm>(['plain']);
  const elementwise = elementwiseVerbs(launcher);
  const reductions = reduceVerbs(launcher, (value, size) => elementwise.fill('float32', size, value) as GpuHandle);
  const backend: GpuBackend = {
    name: 'gpu',
    api: runner.api,
    adapter: runner.adapter,
    matmulForms: [...forms],
    counts: () => ({ ...launcher.counts }),
    memory: () => runner.memory(),
    destroy: () => runner.destroy(),
    async read(handle, dtype) {
      const { op } = handle as GpuHandle;
      const data = await launcher.read(handle as GpuHandle);
      return dtype === 'int32' ? integers(op, data) : data;
    },
    free: (handle) => launcher.release(handle as GpuHandle),
    upload(data) {
      if (data instanceof Float64Array) throw noFloat64();
      if (data instanceof Float32Array) return launcher.upload('tensor', data);
      const bad = data.findIndex((v) => Math.abs(v) > EXACT);
      if (bad >= 0) throw invalid(`data[${bad}]`, data[bad], 'an int32 of at most 2^24 in size on the gpu backend');
      return launcher.upload('tensor', Float32Array.from(data), data.slice());
    },
    ...elementwise,
    fill(dtype, size, value) {
      if (dtype === 'float64') throw noFloat64();
      if (dtype === 'int32' && Math.abs(value) > EXACT)
        throw invalid('value', value, 'an int32 of at most 2^24 in size on the gpu backend');
      return elementwise.fill(dtype, size, value);
    },
    cast(x, dtype) {
      if (dtype === 'float64') throw noFloat64();
      return elementwise.cast(x, dtype);
    },
    ...reductions,
    ...movementVerbs(launcher),
    ...gatherVerbs(launcher),
    ...rowVerbs(launcher, reductions.reduce),
    ...adamwVerb(launcher),
    ...dropoutVerb(launcher),
    matmul: matmulVerb(launcher, forms),
    watch: (handle) => launcher.watch(handle as GpuHandle),
    capture: (fn, ...examples) => capture(backend, runner, launcher, fn, examples),
  };
  return backend;
}

const noFloat64 = (): PopeError =>
  new PopeError('the gpu backend has no float64; expected float32 or int32. Keep float64 on the wasm or js backend.', {
    argument: 'dtype',
    got: 'float64',
  });

/** Numbers as int32. @throws PopeError for one that is none, or beyond what a float32 holds exactly. */
function integers(op: string, data: Float32Array): TypedArray {
  const bad = data.findIndex((v) => !(isInt32(v) && Math.abs(v) <= EXACT));
  if (bad >= 0)
    throw invalid(
      `element ${bad} of a ${op} to int32`,
      data[bad],
      'a number that truncates to an integer of at most 2^24 in size',
    );
  return Int32Array.from(data);
}

async function openRunner(api: 'auto' | 'webgpu' | 'webgl2'): Promise<GpuRunner> {
  const GPU = await loadGpuJs();
  const reasons: string[] = [];
  for (const [name, open] of [
    ['webgpu', webGpuRunner],
    ['webgl2', webGlRunner],
  ] as const) {
    if (api !== 'auto' && api !== name) continue;
    try {
      return await open(GPU);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new PopeError(`there is no GPU to compute on. ${reasons.join(' ')} The wasm backend needs none.`, {
    code: 'no_gpu',
  });
}
