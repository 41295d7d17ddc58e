import type { Device } from '../tensor/index.js';
import type { Backend } from './backend.js';
import { jsBackend } from './js/index.js';

let chosen: Backend = jsBackend;

/** Where new tensors live unless said otherwise: the one global setting of the library. */
export function defaultBackend(): Backend {
  return chosen;
}

export function setDefaultBackend(backend: Backend): void {
  chosen = backend;
}

/** The backend of a tensor: only backends make tensors, so every Device behind one is a Backend. */
export function backendOf(tensor: { readonly device: Device }): Backend {
  return tensor.device as Backend;
}
