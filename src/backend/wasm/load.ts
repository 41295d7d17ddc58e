import { invalid, PopeError } from '../../util/index.js';
import { kernels as embedded } from './kernels.generated.js';
import type { Kernels } from './kernels.js';
import { type LinearMemory, type WebAssemblyModule, webAssembly } from './web-assembly.js';

/** The bytes of the kernels, out of a string of hexadecimal digits. */
export const embeddedBytes = (): Uint8Array =>
  Uint8Array.from({ length: embedded.length / 2 }, (_, i) => Number.parseInt(embedded.slice(2 * i, 2 * i + 2), 16));

/**
 * The kernels, compiled.
 * @throws PopeError (code `no_webassembly`) where there is no WebAssembly, no SIMD, or a policy that forbids both.
 */
export function compileKernels(bytes = embeddedBytes()): WebAssemblyModule {
  const api = webAssembly();
  const refuse = (reason: string, cause?: unknown): PopeError =>
    new PopeError(`the wasm backend cannot run here: ${reason}; expected WebAssembly with SIMD.`, {
      argument: 'backend',
      code: 'no_webassembly',
      cause,
    });
  if (api === undefined) throw refuse('no WebAssembly');
  if (!api.validate(bytes)) throw refuse('no SIMD');
  try {
    return new api.Module(bytes);
  } catch (error) {
    throw refuse("WebAssembly is not allowed to compile (a policy needs 'wasm-unsafe-eval')", error);
  }
}

/** The kernels over a memory. @throws PopeError where `module` is no module of these kernels. */
export function instantiate(module: WebAssemblyModule, memory: LinearMemory): Kernels {
  try {
    const { exports } = new (webAssembly()!.Instance)(module, { env: { memory } });
    return exports as Kernels;
  } catch (error) {
    throw invalid('module', String(error), 'a WebAssembly.Module compiled from the bytes of kernelBytes()');
  }
}
