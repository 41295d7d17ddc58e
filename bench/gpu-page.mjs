// The page's side of `node bench/gpu.mjs --browser`: bundled, run in a page, its lines and figures fetched by Node.
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { valueAndGrad } from '../src/autograd/index.ts';
import { createGpuBackend } from '../src/backend/gpu/index.ts';
import { tensor } from '../src/backend/index.ts';
import { createWasmBackend } from '../src/backend/wasm/index.ts';
import { adamwInit, adamwStep, gptLogits, initGpt } from '../src/nn/index.ts';
import { crossEntropy, matmul, mul, neg } from '../src/ops/index.ts';
import { seededRandom } from '../src/random/index.ts';
import { dispose, leavesOf, scope } from '../src/tensor/index.ts';
import { gpuCases } from './gpu-cases.mjs';

const lib = { adamwInit, adamwStep, crossEntropy, dispose, gptLogits, initGpt, leavesOf, matmul, mul, neg, scope, seededRandom, tensor, valueAndGrad };

globalThis.runGpuBench = async ({ api, largest, width }) => {
  const lines = [];
  const gpu = await createGpuBackend({ api });
  let peer = null;
  let peerError = null;
  if (api === 'webgpu') {
    try {
      if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs has no webgpu backend here');
      await tf.ready();
      peer = {
        name: 'tfjs',
        square: (n) => tf.tensor2d(new Float32Array(n * n).fill(0.5), [n, n]),
        matmul: (x, y) => tf.matMul(x, y),
        scale: (x, s) => tf.mul(x, s),
        read: (x) => x.data(),
        free: (...xs) => tf.dispose(xs),
      };
    } catch (error) {
      peerError = error.message;
    }
  }
  const figures = await gpuCases(lib, gpu, createWasmBackend(), { largest, width, peer }, (line) => lines.push(line));
  return { lines, peerError, adapter: gpu.adapter, api: gpu.api, matmul_forms: gpu.matmulForms, ...figures };
};
