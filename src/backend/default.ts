import type { Device } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import type { Backend } from './backend.js';
import { jsBackend } from './js/index.js';
import { compileKernels } from './wasm/load.js';
import { wasmBackend } from './wasm/wasm-backend.js';

let chosen: Backend | null = null;

/**
 * Where new tensors live unless said otherwise: the one global setting of the library. It is the wasm backend where
 * WebAssembly with SIMD may run, otherwise the js backend; the first call decides, and says so where it falls back.
 */
export function defaultBackend(): Backend {
  chosen ??= fastest();
  return chosen;
}

export function setDefaultBackend(backend: Backend): void {
  chosen = backend;
}

/** The backend of a tensor: only backends make tensors, so every Device behind one is a Backend. */
export function backendOf(tensor: { readonly device: Device }): Backend {
  return tensor.device as Backend;
}

function fastest(): Backend {
  try {
    return wasmBackend(compileKernels());
  } catch (error) {
    // a RangeError: there is no linear memory to be had
    if (!(error instanceof PopeError || error instanceof RangeError)) throw error;
    const { console } = globalThis as { readonly console?: { warn(message: string): void } };
    console?.warn(`pope-ts: ${error.message} Tensors are computed in plain JavaScript, about ten times slower.`);
    return jsBackend;
  }
}
