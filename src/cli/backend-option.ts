import { createGpuBackend, type GpuBackend } from '../backend/gpu/index.js';
import { type Backend, createJsBackend, defaultBackend, tensor } from '../backend/index.js';
import { createWasmBackend } from '../backend/wasm/index.js';
import { matmul } from '../ops/index.js';
import { dispose, scope, type Tensor } from '../tensor/index.js';
import { useNodeWebGpu } from './node-webgpu.js';

export const backendNames = ['auto', 'gpu', 'wasm', 'js'] as const;
export type BackendName = (typeof backendNames)[number];

/** A backend that a command trains on. */
export interface OpenBackend {
  readonly backend: Backend;
  close(): Promise<void>;
}

/** What a layer of a model multiplies: [rows, width] by [width, width]. */
export interface LayerSize {
  readonly rows: number;
  readonly width: number;
}

/**
 * The backend of --backend; without it the default one. `auto` measures a layer's products on the GPU, where there is
 * one, and on the CPU, reading included, and takes the faster for the whole model.
 * @throws PopeError (code `no_gpu`) for `gpu` where there is none.
 */
export async function openBackend(
  name: BackendName | undefined,
  size: LayerSize,
  say: (text: string) => void,
): Promise<OpenBackend> {
  const stays = async (): Promise<void> => undefined;
  if (name === undefined) return { backend: defaultBackend(), close: stays };
  if (name === 'js') return { backend: createJsBackend(), close: stays };
  if (name === 'wasm') return { backend: createWasmBackend(), close: stays };
  let gpu: GpuBackend;
  try {
    gpu = await openGpu();
  } catch (error) {
    if (name === 'gpu') throw error;
    say(`backend: the default, for ${error instanceof Error ? error.message : String(error)}`);
    return { backend: defaultBackend(), close: stays };
  }
  const close = (): Promise<void> => gpu.destroy();
  if (name === 'gpu') {
    say(`backend: gpu (${gpu.api}, ${gpu.adapter})`);
    return { backend: gpu, close };
  }
  const cpu = defaultBackend();
  const [onGpu, onCpu] = [await layerTime(gpu, size), await layerTime(cpu, size)];
  const faster = onGpu < onCpu ? gpu : cpu;
  say(
    `backend: ${faster.name}; a layer's products take ${onGpu.toFixed(1)} ms on the GPU (${gpu.api}, ${gpu.adapter}) and ${onCpu.toFixed(1)} ms on ${cpu.name}`,
  );
  if (faster === gpu) return { backend: gpu, close };
  await gpu.destroy();
  return { backend: cpu, close: stays };
}

/** The gpu backend, with WebGPU for Node. @throws PopeError (code `no_gpu`) with the reason. */
export async function openGpu(): Promise<GpuBackend> {
  await useNodeWebGpu();
  return createGpuBackend();
}

/** Products of a chain: about those of a layer, there and back. */
export const PRODUCTS = 16;

/** Milliseconds for a chain of products and the read of its end: the median of five after one that warms up. */
export async function layerTime(backend: Backend, { rows, width }: LayerSize): Promise<number> {
  const make = (n: number): Tensor =>
    tensor(
      Float32Array.from({ length: n * width }, (_, i) => ((i % 7) - 3) / width),
      { shape: [n, width], backend },
    );
  const [x, weight] = [make(rows), make(width)];
  const times: number[] = [];
  for (let run = 0; run < 6; run++) {
    const begin = performance.now();
    const end = scope(() => {
      let y = x;
      for (let k = 0; k < PRODUCTS; k++) y = matmul(y, weight);
      return y;
    });
    await end.data();
    dispose(end);
    if (run > 0) times.push(performance.now() - begin);
  }
  dispose([x, weight]);
  return times.sort((a, b) => a - b)[2]!;
}
