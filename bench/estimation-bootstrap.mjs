// Milliseconds of a bootstrap resample of a million rounds (SNIPS: two columns, float64, one thread) beside every form
// in numpy, in interleaved rounds; and what each further column costs. Milliseconds of the processor, for both: those of
// the clock would tell who else was running.
//   node bench/estimation-bootstrap.mjs [--quick] [--json FILE]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fromSource } from './from-source.mjs';
import { median } from './timer.mjs';

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const rows = 1_000_000;
const rounds = quick ? 5 : 15;

const lib = await fromSource('src/stats/resampling/index.ts', 'src/backend/wasm/resampler.ts', 'src/random/index.ts');
const wasm = lib.createWasmResampler();
const random = lib.seededRandom(1);
const column = () => Float64Array.from({ length: rows }, () => Math.exp(lib.normal(random)));
const weight = column();
const ratio = [weight.map((w, i) => (i % 3 === 0 ? w : 0)), weight];
const eight = [...ratio, ...Array.from({ length: 6 }, column)];
const tables = lib.poissonTables(rows);

/** Milliseconds a resample. */
function timed(resampler, resampling, columns, resamples) {
  const request = { resampling, rows, columns, keys: lib.resampleKeys(random, resamples), tables };
  const start = process.cpuUsage();
  resampler(request);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / resamples;
}

const folder = mkdtempSync(join(tmpdir(), 'pope-bootstrap-'));
const data = join(folder, 'columns.bin');
writeFileSync(data, Buffer.concat(ratio.map((x) => Buffer.from(x.buffer))));
const child = spawn('python3', [join(import.meta.dirname, 'peers/numpy_resamples.py')], {
  stdio: ['pipe', 'pipe', 'inherit'],
  env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' },
});
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const ask = async (request) => {
  child.stdin.write(`${JSON.stringify(request)}\n`);
  const { value, done } = await lines.next();
  if (done) throw new Error('numpy ended early: is it installed for python3?');
  return JSON.parse(value);
};

try {
  const { version, forms } = await ask({ do: 'open', data, rows });
  const batch = quick ? 128 : 256;
  const contenders = {
    'ours poisson': () => timed(wasm, 'poisson', ratio, batch),
    'ours multinomial': () => timed(wasm, 'multinomial', ratio, batch),
    'ours poisson, 8 columns': () => timed(wasm, 'poisson', eight, batch),
    'ours multinomial, 8 columns': () => timed(wasm, 'multinomial', eight, batch),
    'ours js poisson': () => timed(lib.jsResampler, 'poisson', ratio, 3),
    'ours js multinomial': () => timed(lib.jsResampler, 'multinomial', ratio, 3),
    ...Object.fromEntries(forms.map((form) => [`numpy ${form}`, async () => (await ask({ do: 'time', form, times: 3 })).ms])),
  };
  const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const ms = await run();
      if (round >= 0) times[name].push(ms);
    }
  }
  const best = (kind) =>
    forms.filter((form) => kind.test(form)).sort((a, b) => median(times[`numpy ${a}`]) - median(times[`numpy ${b}`]))[0];
  const over = (ours, form) => median(times[ours].map((ms, i) => times[`numpy ${form}`][i] / ms));
  for (const [name, ms] of Object.entries(times))
    console.log(`${name.padEnd(30)} median ${median(ms).toFixed(2).padStart(7)} ms, best ${Math.min(...ms).toFixed(2).padStart(7)} ms a resample`);
  const ratios = {
    'bootstrap_poisson/numpy_poisson': over('ours poisson', 'poisson'),
    'bootstrap_poisson/numpy_refined': over('ours poisson', 'poisson_refined'),
    'bootstrap_poisson/numpy_table': over('ours poisson', 'poisson_table'),
    'bootstrap_multinomial/numpy': over('ours multinomial', best(/^multinomial/)),
  };
  console.log(`\nratios, medians of ${rounds} interleaved rounds, numpy ${version} (multinomial: ${best(/^multinomial/)})`);
  for (const [name, value] of Object.entries(ratios)) console.log(`${name.padEnd(34)} ${value.toFixed(1)} x`);
  const to = args[args.indexOf('--json') + 1];
  if (args.includes('--json')) writeFileSync(to, `${JSON.stringify({ ratios, times }, null, 2)}\n`);
} finally {
  child.stdin.end();
  rmSync(folder, { recursive: true, force: true });
}
