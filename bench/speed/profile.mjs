// Where a training step spends its time: a loop of them under --cpu-prof, its top ten by self time.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const WARM_MS = 1500;
const LOOP_MS = 6000;

/** Prints the top ten, and the share of the time that is spent in WebAssembly. */
export function profile(choice) {
  const folder = mkdtempSync(join(tmpdir(), 'pope-profile-'));
  try {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval', '500'];
    const { status } = spawnSync(process.execPath, [...flags, import.meta.filename, choice, join(folder, 'names.json')], { stdio: 'inherit' });
    if (status !== 0) throw new Error(`the profiled loop ended with ${status}`);
    const read = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
    print(read(readdirSync(folder).find((name) => name.endsWith('.cpuprofile'))), read('names.json'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print({ nodes, samples, timeDeltas, startTime }, names) {
  // the loop comes last: what is sampled before it (bundling, warming up) is left out
  const total = timeDeltas.reduce((sum, delta) => sum + delta, 0);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map();
  let [at, counted, wasm] = [startTime, 0, 0];
  samples.forEach((id, i) => {
    at += timeDeltas[i];
    if (at < startTime + total - 0.9 * LOOP_MS * 1000) return;
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    const inWasm = url.startsWith('wasm:');
    const name = `${names[functionName] ?? (functionName || '(anonymous)')}${inWasm ? ' (wasm)' : url ? ` (${url.split('/').at(-1)}:${lineNumber + 1})` : ''}`;
    self.set(name, (self.get(name) ?? 0) + timeDeltas[i]);
    counted += timeDeltas[i];
    if (inWasm) wasm += timeDeltas[i];
  });
  const percent = (time) => `${((100 * time) / counted).toFixed(1).padStart(5)} %`;
  console.log('self time of a training step');
  for (const [name, time] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 10)) console.log(`${percent(time)}  ${name}`);
  console.log(`${percent(wasm)}  in WebAssembly, ${percent(counted - wasm).trim()} outside of it`);
}

/** What the kernels' functions are called, where they are exported: a compiled module keeps no other names. */
function kernelNames({ lib, name }) {
  if (name !== 'wasm') return {};
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const { exports } = new WebAssembly.Instance(lib.compileKernels(), { env: { memory } });
  const functions = Object.entries(exports).filter(([, value]) => typeof value === 'function');
  return Object.fromEntries(functions.map(([name, { name: index }]) => [`wasm-function[${index}]`, name]));
}

if (import.meta.filename === process.argv[1]) {
  const { cases } = await import('./cases.mjs');
  const { initialLeaves, openOurs } = await import('./ours.mjs');
  const ours = await openOurs(process.argv[2]);
  writeFileSync(process.argv[3], JSON.stringify(kernelNames(ours)));
  const { spec } = cases.find(({ name }) => name === 'train_step');
  const step = ours.trainStep(await spec({ initialLeaves: (...config) => initialLeaves(ours.lib, ...config) }));
  for (const limit of [WARM_MS, LOOP_MS]) {
    const start = performance.now();
    let steps = 0;
    while (performance.now() - start < limit) {
      step.run();
      steps++;
    }
    if (limit === LOOP_MS) console.log(`${ours.name}: ${((performance.now() - start) / steps).toFixed(1)} ms a step`);
  }
}
