// Ours beside every peer, in one run:
//   node bench/run.mjs [--quick] [--json FILE] [--only TEXT] [--backend js|wasm|default] [--profile] [--results]
// Peers are installed on the first run (bench/package.json). A full run, or --results, writes bench/RESULTS.md.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { cases, wanted } from './speed/cases.mjs';
import { checkGradients, checkLosses, checkResults } from './speed/check.mjs';
import { machine, versions } from './speed/machine.mjs';
import { initialLeaves, openOurs } from './speed/ours.mjs';
import { profile } from './speed/profile.mjs';
import { createTile } from './speed/reference-tile.mjs';
import { heading, line, toLine, writeResults } from './speed/report.mjs';
import { compare, median } from './speed/rounds.mjs';

const args = process.argv.slice(2);
const after = (flag) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
const known = ['--quick', '--profile', '--results', '--json', '--only', '--backend'];
const odd = args.find((arg, i) => !known.includes(arg) && !['--json', '--only', '--backend'].includes(args[i - 1]));
if (odd !== undefined) {
  console.error(`bench: ${odd} is unknown; expected ${known.join(', ')}.`);
  process.exit(2);
}
const quick = args.includes('--quick');
/** Versions that a peer tells once it is open: those of Python packages. */
const seen = { pytorch: null, numpy: null };
const [only, json, choice] = [after('--only'), after('--json'), after('--backend') ?? 'default'];

/** Peers come with `npm run bench` alone: no install script of theirs runs, so nothing is downloaded beside npm's packages. */
function install() {
  if (existsSync(join(import.meta.dirname, 'node_modules'))) return;
  console.log('installing the peers into bench/node_modules');
  const options = { cwd: import.meta.dirname, stdio: 'inherit' };
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], options);
  if (status !== 0) console.log('the peers could not be installed; their ratios will be null');
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'pope-bench-'));
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const [ours, tile] = [await openOurs(choice), await createTile()];
  const reference = referenceReading(tile);
  const open = opener(folder, tile, ours);
  const run = { machine: machine(), versions: versions(), date: new Date().toISOString(), quick, backend: ours.name };
  const rows = [];
  console.log(toLine(heading));
  try {
    for (const found of cases.filter(({ name }) => only === undefined || name.includes(only))) {
      for (const row of await measure(found, { ours, open, reference, folder })) {
        rows.push(row);
        console.log(line(row));
      }
      collect();
    }
    Object.assign(run.versions, seen);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const ratios = Object.fromEntries(rows.map((row) => [`${row.case}/${row.peer}`, row.ratio]));
  const notes = Object.fromEntries(rows.filter(({ note }) => note).map((row) => [`${row.case}/${row.peer}`, row.note]));
  const result = { ...run, ratios, notes, rows };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
  if ((!quick || args.includes('--results')) && only === undefined) writeResults(result);
}

/** ms of one product of the reference tile now: the median of some, so that an interruption does not count. */
function referenceReading(tile) {
  const n = 256;
  const { run } = tile(new Float32Array(n * n).fill(1), new Float32Array(n * n).fill(1), { m: n, k: n, n });
  const read = () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  };
  for (let i = 0; i < 200; i++) run();
  return () => median(Array.from({ length: 9 }, read));
}

/** Opens a peer once, on first use; one that cannot be opened says why at every use. */
function opener(folder, tile, ours) {
  const ways = {
    reference_tile: () => ({ matmul: ({ plain: [x, y], size }) => tile(x, y, size) }),
    tfjs_wasm: async () => (await import('./peers/tfjs.mjs')).openTfjs('wasm'),
    tfjs_cpu: async () => (await import('./peers/tfjs.mjs')).openTfjs('cpu'),
    jax_js: async () => (await import('./peers/jax.mjs')).openJax(),
    onnxruntime_web: async () => (await import('./peers/onnxruntime-web.mjs')).openOnnx(),
    duckdb_reading: async () => (await import('./peers/duckdb.mjs')).openDuckdb(),
    pytorch: async () => (await import('./peers/python.mjs')).openTorch(folder),
    numpy: async () => (await import('./peers/python.mjs')).openNumpy(folder),
    numpy_table: async () => {
      const found = (await import('./peers/python.mjs')).openNumpy(folder);
      return { ...found, bootstrapPoisson: found.bootstrapPoissonTable };
    },
    ours_js: () => {
      if (ours.name === 'js') throw new Error('ours is the js backend itself');
      return openOurs('js');
    },
    ours_one_thread: () => ours,
    two_threads: async () => {
      const found = await openOurs('wasm', { threads: 2 });
      if (found.backend.threads !== 2) throw new Error('the backend has no threads here');
      return found;
    },
  };
  const opened = new Map();
  const open = (name) => {
    if (!opened.has(name)) opened.set(name, (async () => ways[name]())());
    return opened.get(name);
  };
  return open;
}

/** The rows of a case: one a peer, and the fastest WebAssembly peer's where there are several. */
async function measure(found, { ours, open, reference, folder }) {
  const { name, kind, flops, elements } = found;
  const row = (peer, more) => ({ case: name, peer, flops, elements, wanted: wanted(name, peer), ratio: null, ...more });
  const spec = await found.spec({ folder, initialLeaves: (...config) => initialLeaves(ours.lib, ...config) });
  let mine;
  try {
    mine = await (found.ours === undefined ? ours : await open(found.ours))[kind](spec);
  } catch (error) {
    return found.peers.map((peer) => row(peer, { note: `ours: ${reason(error)}` }));
  }
  const rows = [];
  for (const peer of found.peers) {
    let theirs;
    try {
      const from = await open(peer);
      theirs = await from[kind](spec);
      if (peer === 'tfjs_cpu') Object.assign(theirs, { slow: true, once: true });
      else await checkResults(mine, theirs);
      const off = theirs.gradients && !theirs.once ? await checkGradients(mine, theirs, spec.leaves) : null;
      const { [peer]: figures } = await compare(mine, { [peer]: theirs }, reference, options(found));
      if (theirs.losses) checkLosses(mine, theirs);
      if (from.version) seen[peer.split('_')[0]] = from.version();
      const note = [theirs.note, off === null ? undefined : `gradients agree to ${off.toExponential(1)}`];
      rows.push(row(peer, { ...renamed(figures), note: note.filter(Boolean).join(', ') || undefined }));
    } catch (error) {
      rows.push(row(peer, { note: reason(error) }));
    } finally {
      await theirs?.close?.();
    }
  }
  await mine.close?.();
  const wasm = rows.filter((r) => ['tfjs_wasm', 'jax_js', 'onnxruntime_web'].includes(r.peer) && r.ratio !== null);
  if (elements !== undefined && wasm.length > 0) {
    const fastest = wasm.reduce((a, b) => (a.ratio <= b.ratio ? a : b));
    rows.push(row('fastest_wasm_peer', { ...fastest, peer: 'fastest_wasm_peer', wanted: wanted(name, 'fastest_wasm_peer'), note: fastest.peer }));
  }
  return rows;
}

const renamed = ({ peer, ...figures }) => ({ ...figures, theirs: peer });
const reason = (error) => String(error?.message ?? error).split('\n')[0];

function options({ slow, warmMs = quick ? 60 : 200 }) {
  return quick
    ? { rounds: slow ? 3 : 5, maxRounds: slow ? 5 : 10, slotMs: 15, warmMs, budgetMs: slow ? 12_000 : 1500 }
    : { rounds: slow ? 7 : 11, maxRounds: slow ? 15 : 33, slotMs: 30, warmMs, budgetMs: slow ? 45_000 : 8000 };
}

if (args.includes('--profile')) {
  profile(choice);
} else {
  install();
  await main();
}
