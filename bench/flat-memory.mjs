// Whether training holds its memory: 10,000 steps of a small transformer, linear memory and the JavaScript heap on the
// way. `node --expose-gc bench/flat-memory.mjs [--json FILE]`
import { writeFileSync } from 'node:fs';
import { fromSource } from './from-source.mjs';

const lib = await fromSource('src/entry/tensor.ts', 'src/entry/wasm.ts', 'src/nn/index.ts', 'src/autograd/index.ts', 'src/random/index.ts');
const backend = lib.createWasmBackend();
lib.setDefaultBackend(backend);
const config = lib.gptConfig({ vocabSize: 128, blockSize: 32, nLayer: 2, nHead: 2, nEmbd: 32, dropout: 0.1 });
const random = lib.seededRandom(1);
const data = Int32Array.from({ length: 4096 }, (_, i) => (i * i) % 127);
const rows = [];
const { step } = await lib.trainLanguageModel({
  params: lib.initGpt(config, lib.seededRandom(0)),
  config,
  data,
  steps: 10_000,
  batch: 4,
  schedule: () => 1e-3,
  random,
  onStep: ({ step, loss }) => {
    if (step !== 10 && step % 2000 !== 0) return;
    globalThis.gc?.();
    const { usedBytes, peakBytes, heldBytes } = backend.memory;
    const { heapUsed, rss } = process.memoryUsage();
    rows.push({ step, loss, usedBytes, peakBytes, heldBytes, heapUsed, rss });
    const kB = (bytes) => `${(bytes / 1000).toFixed(0)} kB`.padStart(9);
    console.log(`step ${String(step).padStart(6)}  used ${kB(usedBytes)}  peak ${kB(peakBytes)}  held ${kB(heldBytes)}  heap ${kB(heapUsed)}  rss ${kB(rss)}`);
  },
});
const at = process.argv.indexOf('--json');
if (at > 0) writeFileSync(process.argv[at + 1], `${JSON.stringify({ steps: step, rows }, null, 2)}\n`);
