// The gpu backend beside wasm in one run: `npm run bench:gpu`. Prints the adapter; on a software renderer the figures are
// the relative cost of forms and dispatches, and say nothing of a GPU. POPE_GPU=software takes SwiftShader where Debian's
// chromium-common has put it. --quick: small sizes. --memory N: N training steps, with the memory after each tenth.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fromSource } from './from-source.mjs';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'string' }, memory: { type: 'string' } },
});
const swiftshader = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (process.env.POPE_GPU === 'software' && existsSync(swiftshader)) process.env.VK_ICD_FILENAMES = swiftshader;

const lib = await fromSource(
  'src/backend/index.ts',
  'src/backend/gpu/create-gpu-backend.ts',
  'src/backend/gpu/gpu-js.ts',
  'src/backend/gpu/handles.ts',
  'src/backend/gpu/matmul.ts',
  'src/backend/gpu/webgpu-runner.ts',
  'src/backend/wasm/index.ts',
  'src/autograd/index.ts',
  'src/ops/index.ts',
  'src/nn/index.ts',
  'src/random/index.ts',
  'src/tensor/index.ts',
);
if (globalThis.navigator?.gpu === undefined) {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
}
const gpu = await lib.createGpuBackend();
const wasm = lib.createWasmBackend();
const software = /swiftshader|llvmpipe|software/i.test(gpu.adapter);
const label = software ? 'SOFTWARE RENDERING: no statement about a GPU' : 'a GPU';
const figures = { adapter: gpu.adapter, api: gpu.api, software, node: process.version, matmul_forms: gpu.matmulForms };
console.log(`adapter: ${gpu.adapter} (${gpu.api}; ${label}); products: ${gpu.matmulForms.join(', ')}\n`);

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
/** Milliseconds: the median of `runs` after one that warms up. */
async function time(runs, once) {
  await once();
  const times = [];
  for (let i = 0; i < runs; i++) {
    const begin = performance.now();
    await once();
    times.push(performance.now() - begin);
  }
  return median(times);
}
const row = (...cells) => console.log(cells.map((cell, i) => (i === 0 ? String(cell).padEnd(34) : String(cell).padStart(14))).join(''));
const ms = (t) => `${t < 10 ? t.toFixed(2) : t.toFixed(0)} ms`;
const square = (n, backend) => lib.tensor(new Float32Array(n * n).fill(0.5), { shape: [n, n], backend });
async function settled(make) {
  const made = lib.scope(make);
  await Promise.all(lib.leavesOf(made).map((leaf) => leaf.data()));
  lib.dispose(made);
}

if (flags.memory !== undefined) await memory(Number(flags.memory));
else await speed();
await gpu.destroy();

async function speed() {
  const largest = flags.quick ? 256 : software ? 1024 : 4096;
  row('', 'gpu', 'wasm', 'wasm / gpu');
  figures.ratios = {};
  const beside = (name, onGpu, onWasm) => {
    figures.ratios[name] = onWasm / onGpu;
    row(name, ms(onGpu), ms(onWasm), (onWasm / onGpu).toFixed(2));
  };
  for (let n = 64; n <= largest; n *= 2) {
    const runs = n > 512 ? 3 : 7;
    const on = async (backend) => {
      const x = square(n, backend);
      const once = await time(runs, () => settled(() => lib.matmul(x, x)));
      const chain = await time(runs, () =>
        settled(() => {
          let y = x;
          for (let i = 0; i < 10; i++) y = lib.mul(lib.matmul(y, x), 1 / n);
          return y;
        }),
      );
      lib.dispose(x);
      return { once, chain };
    };
    const [g, w] = [await on(gpu), await on(wasm)];
    beside(`matmul_${n}`, g.once, w.once);
    beside(`chain_of_10_${n}`, g.chain, w.chain);
  }

  const config = { vocabSize: 128, blockSize: 32, nLayer: 2, nHead: 4, nEmbd: flags.quick ? 32 : 64, dropout: 0, layerNormEpsilon: 1e-5 };
  const lossOf = lib.valueAndGrad((p, tokens, targets) => lib.crossEntropy(lib.gptLogits(p, config, tokens, {}), targets));
  const batch = (backend) =>
    lib.tensor(
      Int32Array.from({ length: 4 * 32 }, (_, i) => (i * 7) % 128),
      { shape: [4, 32], backend },
    );
  const step = async (backend) => {
    const params = lib.initGpt(config, lib.seededRandom(1), { backend });
    const [tokens, targets] = [batch(backend), batch(backend)];
    const state = lib.adamwInit(params);
    return time(5, () =>
      settled(() => {
        const { value, gradient } = lossOf(params, tokens, targets);
        return { value, ...lib.adamwStep(params, gradient, state, { learningRate: 1e-3 }).params };
      }),
    );
  };
  beside(`train_step_d${config.nEmbd}`, await step(gpu), await step(wasm));

  // forward and backward alone, op by op and replayed
  const params = lib.initGpt(config, lib.seededRandom(1), { backend: gpu });
  const [tokens, targets] = [batch(gpu), batch(gpu)];
  const eager = await time(5, () => settled(() => lossOf(params, tokens, targets)));
  const captured = await gpu.capture((x, y) => lossOf(params, x, y), tokens, targets);
  const replayed = await time(5, () => settled(() => captured(tokens, targets)));
  const replaying = await time(5, async () => lib.dispose(captured(tokens, targets)));
  captured.free();
  const submitting = await time(5, async () => {
    const made = lib.scope(() => lossOf(params, tokens, targets));
    lib.dispose(made);
  });
  console.log();
  row('forward and backward', 'op by op', 'captured', 'ratio');
  row('', ms(eager), ms(replayed), (eager / replayed).toFixed(2));
  figures.capture = { eager_ms: eager, captured_ms: replayed, submit_eager_ms: submitting, submit_captured_ms: replaying };

  const x = square(8, gpu);
  const many = 500;
  const dispatch = await time(3, async () => {
    let y = x;
    lib.scope(() => {
      for (let i = 0; i < many; i++) y = lib.neg(y);
    });
  });
  figures.dispatch_us = (dispatch / many) * 1000;
  row('a dispatch, on the calling side', `${figures.dispatch_us.toFixed(1)} us`);
  row('submitting it', ms(submitting), ms(replaying), (submitting / replaying).toFixed(2));

  console.log();
  await forms(flags.quick ? 128 : 512);
  if (flags.json !== undefined) {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
  }
}

/** The forms of a product beside one another. */
async function forms(largest) {
  if (gpu.api !== 'webgpu') return;
  const runner = await lib.webGpuRunner(await lib.loadGpuJs());
  const launcher = lib.createLauncher(runner);
  row('product on WebGPU', ...gpu.matmulForms);
  for (let n = 64; n <= largest; n *= 2) {
    const handle = launcher.upload('bench', new Float32Array(n * n).fill(1));
    const x = { handle, shape: [n, n], size: n * n, dtype: 'float32' };
    const times = [];
    for (const form of gpu.matmulForms) {
      const product = lib.matmulVerb(launcher, new Set([form]));
      times.push(
        await time(3, async () => {
          const out = product(x, x, false, false, [n, n]);
          await launcher.read(out);
          launcher.release(out);
        }),
      );
    }
    row(`${n}`, ...times.map(ms));
    launcher.release(handle);
  }
}

/** Whether a long training holds its memory. */
async function memory(steps) {
  const config = { vocabSize: 32, blockSize: 8, nLayer: 1, nHead: 2, nEmbd: 16, dropout: 0.1, layerNormEpsilon: 1e-5 };
  const seen = new Set();
  await lib.trainLanguageModel({
    params: lib.initGpt(config, lib.seededRandom(1), { backend: gpu }),
    config,
    data: Int32Array.from({ length: 2000 }, (_, i) => (i * i * 7 + i) % 32),
    steps,
    batch: 2,
    schedule: () => 1e-3,
    random: lib.seededRandom(2),
    onStep({ step, loss }) {
      const { bytesInUse, bytesKept, buffers } = gpu.memory();
      if (step > 20) seen.add(`${bytesInUse} bytes in ${buffers} buffers, ${bytesKept} kept`);
      if (step % Math.ceil(steps / 10) === 0) console.log(`step ${step}: loss ${loss.toFixed(4)}, ${[...seen].at(-1)}`);
    },
  });
  console.log(`${steps} steps: ${seen.size === 1 ? 'the memory is the same after every step' : [...seen].join('; ')}`);
}
