import { createWasmResampler } from '../backend/wasm/resampler.js';
import { jsResampler, type ResampleRequest } from '../stats/index.js';

/** Resamples by the kernels where WebAssembly may run, in plain JavaScript elsewhere: the same figures, bit for bit. */
export function fastestResampler(request: ResampleRequest): Float64Array {
  return (createWasmResampler() ?? jsResampler)(request);
}
