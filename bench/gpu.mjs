// The gpu backend beside wasm in one run: `npm run bench:gpu`. Prints the adapter; on a software renderer the figures are
// the relative cost of forms and dispatches, and say nothing of a GPU.
//   --browser webgpu|webgl2   in Chromium (CHROMIUM, /usr/bin/chromium), WebGPU beside tfjs-webgpu, of bench/package.json
//   --quick                   small sizes
//   --json FILE               the figures
//   --memory N                N training steps, with the memory after each tenth
// POPE_GPU=software takes SwiftShader: in Node where Debian's chromium-common has put it, in Chromium its own.
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { fromSource } from './from-source.mjs';
import { gpuCases, ms, rowText, time } from './gpu-cases.mjs';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    json: { type: 'string' },
    memory: { type: 'string' },
    browser: { type: 'string' },
  },
});
const isSoftware = (adapter) => /swiftshader|llvmpipe|software/i.test(adapter);
const labelOf = ({ adapter, api, matmul_forms: forms }) =>
  `adapter: ${adapter} (${api}; ${isSoftware(adapter) ? 'SOFTWARE RENDERING: no statement about a GPU' : 'a GPU'}); products: ${forms.join(', ')}\n`;
const sizes = (software) => ({ largest: flags.quick ? 256 : software ? 1024 : 4096, width: flags.quick ? 32 : 64 });
const keep = (figures) => flags.json !== undefined && writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);

if (flags.browser !== undefined) await inBrowser(flags.browser);
else await inNode();

async function inBrowser(api) {
  const { chromium } = await import('playwright-core');
  const { outputFiles } = await build({
    entryPoints: [resolve(import.meta.dirname, 'gpu-page.mjs')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'warning',
  });
  const server = createServer((request, response) => {
    const script = request.url === '/page.js';
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ? outputFiles[0].text : '<script type="module" src="/page.js"></script>');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const software = process.env.POPE_GPU === 'software';
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--enable-unsafe-webgpu',
      '--enable-features=Vulkan',
      ...(software ? ['--use-webgpu-adapter=swiftshader', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] : []),
    ],
  });
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error.message));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction(() => globalThis.runGpuBench !== undefined);
    const result = await page.evaluate((options) => globalThis.runGpuBench(options), { api, ...sizes(software) });
    console.log(labelOf(result));
    for (const line of result.lines) console.log(line);
    if (result.peerError !== null) console.log(`\ntfjs-webgpu was not measured: ${result.peerError}`);
    const { lines: _, ...figures } = result;
    keep({ ...figures, software: isSoftware(result.adapter), browser: browser.version() });
  } finally {
    await browser.close();
    server.close();
  }
}

async function inNode() {
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
  const own = { adapter: gpu.adapter, api: gpu.api, matmul_forms: gpu.matmulForms };
  console.log(labelOf(own));
  if (flags.memory !== undefined) await memory(lib, gpu, Number(flags.memory));
  else {
    const software = isSoftware(gpu.adapter);
    const figures = await gpuCases(lib, gpu, lib.createWasmBackend(), sizes(software), console.log);
    await forms(lib, gpu, flags.quick ? 128 : 512);
    keep({ ...own, software, node: process.version, ...figures });
  }
  await gpu.destroy();
}

/** The forms of a product beside one another. */
async function forms(lib, gpu, largest) {
  if (gpu.api !== 'webgpu') return;
  const launcher = lib.createLauncher(await lib.webGpuRunner(await lib.loadGpuJs()));
  console.log(`\n${rowText('product on WebGPU', ...gpu.matmulForms)}`);
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
    console.log(rowText(n, ...times.map(ms)));
    launcher.release(handle);
  }
}

/** Whether a long training holds its memory. */
async function memory(lib, gpu, steps) {
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
