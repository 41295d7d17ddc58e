import { PopeError } from '../util/index.js';

interface WebGpuPackage {
  create(options: readonly string[]): unknown;
  readonly globals: Readonly<Record<string, unknown>>;
}

/**
 * Gives Node the WebGPU of the npm package `webgpu` (Dawn), where it has none of its own.
 * @throws PopeError (code `no_gpu`) where the package is absent or does not load.
 */
export async function useNodeWebGpu(): Promise<void> {
  const { navigator } = globalThis as { navigator?: { gpu?: unknown } };
  if (navigator?.gpu !== undefined) return;
  let loaded: WebGpuPackage;
  try {
    loaded = (await import('webgpu')) as unknown as WebGpuPackage;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new PopeError(
      `Node has no WebGPU of its own, and the package webgpu does not load (${why}); expected "npm install gpu.js webgpu".`,
      { code: 'no_gpu', cause },
    );
  }
  Object.assign(globalThis, loaded.globals);
  Object.defineProperty(globalThis, 'navigator', {
    value: { ...navigator, gpu: loaded.create([]) },
    configurable: true,
  });
}
