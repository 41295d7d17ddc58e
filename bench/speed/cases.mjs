// What is measured: every case has a kind (a function of the contenders), its operands, its peers and what is wanted.
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';

const WASM = ['tfjs_wasm', 'jax_js', 'onnxruntime_web'];

/** Numbers of [-1, 1), the same in every run. */
function numbers(size, seed = 1) {
  let state = seed >>> 0;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
const operand = (shape, seed) => ({ shape, data: numbers(shape.reduce((a, b) => a * b, 1), seed) });

function transposed({ data, shape: [rows, columns] }) {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j];
  return { shape: [columns, rows], data: out };
}

const matmulCase = (name, m, k, n, { transposeX = false, transposeY = false, peers = ['tfjs_wasm', 'jax_js'] } = {}) => ({
  name,
  kind: 'matmul',
  what: `[${m}, ${k}]${transposeX ? ' (stored transposed)' : ''} x [${k}, ${n}]${transposeY ? ' (stored transposed)' : ''}`,
  flops: 2 * m * k * n,
  peers: ['reference_tile', ...peers],
  spec() {
    const [x, y] = [operand([m, k], 1), operand([k, n], 2)];
    const inputs = [transposeX ? transposed(x) : x, transposeY ? transposed(y) : y];
    return { inputs, transposeX, transposeY, plain: [x.data, y.data], size: { m, k, n } };
  },
});

/** A product of the transformer with its two of the backward walk: dx = dy w^T, dw = x^T dy. */
const linearCases = (name, rows, from, to) => [
  matmulCase(name, rows, from, to),
  matmulCase(`${name}_dx`, rows, to, from, { transposeY: true }),
  matmulCase(`${name}_dw`, from, rows, to, { transposeX: true }),
];

const elementwise = (name, kind, shapes, what, peers = WASM) => ({
  name,
  kind,
  what,
  elements: shapes[0].reduce((a, b) => a * b, 1),
  peers,
  spec: () => ({ inputs: shapes.map((shape, i) => operand(shape, i + 1)) }),
});

const GPT = { nLayer: 4, nHead: 4, nEmbd: 128, blockSize: 64, batch: 16, vocabSize: 128 };
const SMALL = { nLayer: 2, nHead: 4, nEmbd: 32, blockSize: 32, batch: 4, vocabSize: 128 };

const trainCase = (name, config, peers, more = {}) => ({
  name,
  kind: 'trainStep',
  what: `GPT ${config.nLayer} layers, ${config.nHead} heads, d ${config.nEmbd}, block ${config.blockSize}, batch ${config.batch}, vocabulary ${config.vocabSize}: forward, backward, AdamW`,
  peers,
  slow: config === GPT,
  warmMs: 1500, // a step is much code: it is slow until all of it is compiled
  spec({ initialLeaves }) {
    const size = config.batch * config.blockSize;
    const ids = (seed) => Int32Array.from(numbers(size, seed), (x) => Math.floor(((x + 1) / 2) * config.vocabSize));
    return {
      config,
      leaves: initialLeaves(config, 3),
      tokens: ids(4),
      targets: ids(5),
      optimizer: { learningRate: 1e-3, weightDecay: 0.1 },
    };
  },
  ...more,
});

const ROUNDS = 1_000_000;

const bootstrapCase = (name, kind, peers, what) => ({
  name,
  kind,
  what: `one resample of ${ROUNDS.toLocaleString('en')} rounds, SNIPS: ${what}`,
  peers,
  spec() {
    const weight = Float64Array.from(numbers(ROUNDS, 6), (x) => Math.exp(x));
    return { numerator: weight.map((w, i) => (i % 3 === 0 ? w : 0)), denominator: weight };
  },
});

export const cases = [
  ...[256, 512, 1024].map((n) => matmulCase(`matmul_${n}`, n, n, n, { peers: WASM })),
  ...linearCases('matmul_qkv', 1024, 128, 384),
  ...linearCases('matmul_proj', 1024, 128, 128),
  ...linearCases('matmul_fc', 1024, 128, 512),
  ...linearCases('matmul_fc_out', 1024, 512, 128),
  matmulCase('matmul_head', 1024, 128, 128, { transposeY: true }),
  matmulCase('matmul_head_dx', 1024, 128, 128),
  matmulCase('matmul_head_dw', 128, 1024, 128, { transposeX: true }),
  {
    name: 'attention_products',
    kind: 'attentionProducts',
    what: '64 x ([64, 32] x [64, 32]^T and [64, 64] x [64, 32])',
    flops: 2 * 2 * 64 * 64 * 64 * 32,
    peers: WASM,
    spec: () => ({
      inputs: [[64, 64, 32], [64, 64, 32], [64, 64, 64], [64, 64, 32]].map((shape, i) => operand(shape, i + 1)),
    }),
  },
  elementwise('exp', 'exp', [[1024, 512]], 'of [1024, 512]'),
  elementwise('gelu', 'gelu', [[1024, 512]], 'tanh form, of [1024, 512], the shape in the GPT below'),
  elementwise('softmax', 'softmax', [[4096, 256]], 'over the rows of [4096, 256]'),
  elementwise('layer_norm', 'layerNorm', [[4096, 256], [256], [256]], 'with gain and bias, over the rows of [4096, 256]'),
  trainCase('small_train_step', SMALL, ['jax_js', 'tfjs_wasm', 'pytorch', 'ours_js']),
  trainCase('train_step', GPT, ['jax_js', 'pytorch', 'ours_js', 'tfjs_wasm', 'tfjs_cpu']),
  trainCase('train_step_two_threads', GPT, ['ours_one_thread'], { ours: 'two_threads' }),
  {
    name: 'evaluate_1e6',
    kind: 'evaluate',
    what: `reading and evaluating ${ROUNDS.toLocaleString('en')} rounds of JSON Lines`,
    peers: ['duckdb_reading'],
    slow: true,
    async spec({ folder }) {
      const file = join(folder, 'rounds.jsonl');
      await writeRounds(file);
      return { file, signal: 'reward' };
    },
  },
  bootstrapCase('bootstrap_poisson', 'bootstrapPoisson', ['numpy', 'numpy_table'], 'Poisson(1) counts; numpy_table draws them of a table of 2^16 entries, an approximation'),
  bootstrapCase('bootstrap_multinomial', 'bootstrapMultinomial', ['numpy'], 'exact multinomial'),
];

async function writeRounds(file) {
  const stream = createWriteStream(file);
  const random = numbers(4096, 9);
  let text = '';
  for (let i = 0; i < ROUNDS; i++) {
    const [a, b, c] = [random[i & 4095], random[(i * 7 + 1) & 4095], random[(i * 13 + 5) & 4095]];
    const logged = (-2 + a).toFixed(6);
    text +=
      `{"id":"r${i}","prompt":"question ${i % 1000}","responses":[{"text":"answer ${i % 97}","log_propensity":${logged},` +
      `"target_log_prob":${(Math.min(-0.01, -2 + a + 0.3 * b)).toFixed(6)},"feedback":{"reward":${((c + 1) / 2).toFixed(3)}}}]}\n`;
    if (text.length > 1 << 20) {
      if (!stream.write(text)) await once(stream, 'drain');
      text = '';
    }
  }
  stream.end(text);
  await once(stream, 'finish');
}

/** The least ratio that the issue asks for; null where it asks for none. */
export function wanted(name, peer) {
  if (name.startsWith('matmul_')) return { reference_tile: 0.95, tfjs_wasm: 1.05, jax_js: 1.5 }[peer] ?? null;
  return (
    {
      attention_products: { tfjs_wasm: 10, onnxruntime_web: 1.3 },
      exp: { fastest_wasm_peer: 2 },
      gelu: { fastest_wasm_peer: 1.5 },
      layer_norm: { fastest_wasm_peer: 3 },
      softmax: { fastest_wasm_peer: 1 },
      small_train_step: { jax_js: 10 },
      train_step: { jax_js: 1.8, tfjs_wasm: 14, tfjs_cpu: 100, pytorch: 1 / 2.7 },
      train_step_two_threads: { ours_one_thread: 1.6 },
      evaluate_1e6: { duckdb_reading: 1.5 },
      bootstrap_poisson: { numpy: 10 },
      bootstrap_multinomial: { numpy: 2 },
    }[name]?.[peer] ?? null
  );
}
