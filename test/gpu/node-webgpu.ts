import { existsSync } from 'node:fs';

/** SwiftShader, a Vulkan driver in software: the one of Debian's package chromium-common. */
export const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const LOADER = [
  '/usr/lib/x86_64-linux-gnu/libvulkan.so.1',
  '/usr/lib/aarch64-linux-gnu/libvulkan.so.1',
  '/usr/lib64/libvulkan.so.1',
];

/** Why the tests cannot run here; null where they can. POPE_GPU=real takes the machine's own driver. */
export function whyNot(): string | null {
  if (process.env['POPE_GPU'] === 'real') return null;
  if (!existsSync(SWIFTSHADER)) return `${SWIFTSHADER} is absent (Debian: apt-get install chromium-common)`;
  return LOADER.some((path) => existsSync(path))
    ? null
    : 'libvulkan.so.1 is absent (Debian: apt-get install libvulkan1)';
}

/**
 * Chooses the driver: SwiftShader unless POPE_GPU=real. To be called in the main thread: what a worker writes to its
 * process.env never reaches the driver's loader.
 */
export function chooseDriver(): void {
  if (process.env['POPE_GPU'] !== 'real') process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;
}

/** Gives Node the WebGPU of the npm package `webgpu`, which is Dawn. */
export async function useNodeWebGpu(): Promise<void> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
}
