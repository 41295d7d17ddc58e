import { invalid, PopeError } from '../../util/index.js';
import { kernels as embedded } from './kernels.generated.js';
import type { Kernels } from './kernels.js';
import { type LinearMemory, type WebAssemblyModule, webAssembly } from './web-assembly.js';

/** The bytes of a string of hexadecimal digits. */
function decode(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** The bytes of the kernels; with `shared` their import says that the memory is shared. */
export function kernelBytes(shared = false): Uint8Array {
  const bytes = decode(embedded);
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
export function compileKernels(shared = false): WebAssemblyModule {
  const api = webAssembly();
  const refuse = (reason: string, cause?: unknown): PopeError =>
    new PopeError(`the wasm backend cannot run here: ${reason}; expected WebAssembly with SIMD.`, {
      argument: 'backend',
      code: 'no_webassembly',
      cause,
    });
  if (api === undefined) throw refuse('no WebAssembly');
  const bytes = kernelBytes(shared);
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
