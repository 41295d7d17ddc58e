import { compileKernels as compile, embeddedBytes } from './load.js';
import type { WebAssemblyModule } from './web-assembly.js';

/** The bytes of the kernels; with `shared` their import says that the memory is shared. */
export function kernelBytes(shared = false): Uint8Array {
  const bytes = embeddedBytes();
  if (!shared) return bytes;
  // The import section ends with the limits of the memory: flags 1 (there is a maximum) become 3 (shared, as well).
  const name = [...'memory'].map((c) => c.charCodeAt(0));
  const at = bytes.findIndex((_, i) => name.every((c, j) => bytes[i + j] === c) && bytes[i + name.length] === 2);
  bytes[at + name.length + 1] = 3;
  return bytes;
}

/**
 * The kernels, compiled.
 * @throws PopeError (code `no_webassembly`) where there is no WebAssembly, no SIMD, or a policy that forbids both.
 */
export const compileKernels = (shared = false): WebAssemblyModule => compile(kernelBytes(shared));
