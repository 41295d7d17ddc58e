// TensorFlow.js: its wasm backend (SIMD, one thread) and its cpu backend.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export async function openTfjs(backendName) {
  const tf = (await import('@tensorflow/tfjs-core')).default ?? (await import('@tensorflow/tfjs-core'));
  tf.env().set('PROD', true); // no check of every number, no advertisement
  await import('@tensorflow/tfjs-backend-cpu');
  await registerGradients();
  if (backendName === 'wasm') {
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    const main = fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm'));
    (wasm.default ?? wasm).setWasmPaths(`${dirname(main)}/`);
  }
  await tf.setBackend(backendName);
  await tf.ready();
  if (tf.getBackend() !== backendName) throw new Error(`tfjs has no ${backendName} backend here`);
  if (backendName === 'wasm' && !tf.env().get('WASM_HAS_SIMD_SUPPORT')) throw new Error('tfjs-wasm found no SIMD');
  return Object.fromEntries(
    Object.entries(cases(tf)).map(([kind, make]) => [
      kind,
      async (spec) => {
        await tf.setBackend(backendName);
        return bound(await make(spec), tf, backendName);
      },
    ]),
  );
}

/** tfjs has one current backend; each call of a contender runs on its own. */
function bound(contender, tf, backendName) {
  const { run, read, gradients } = contender;
  const there = () => tf.getBackend() === backendName;
  const on = (fn) => (there() ? fn() : tf.setBackend(backendName).then(fn));
  return { ...contender, run: () => on(run), read: read && (() => on(read)), gradients: gradients && (() => on(gradients)) };
}

/** Gradients are registered by the union package alone; their registry is global, so a bundle of that part serves. */
async function registerGradients() {
  const folder = mkdtempSync(join(tmpdir(), 'pope-bench-'));
  try {
    const core = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-core')));
    const outfile = join(folder, 'gradients.mjs');
    const entryPoints = [join(core, 'register_all_gradients.js')];
    await build({ entryPoints, bundle: true, format: 'esm', platform: 'node', outfile, logLevel: 'error' });
    await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function cases(tf) {
  const upload = ({ data, shape }) => tf.tensor(data, shape, 'float32');
  const of = (inputs, fn) => {
    const xs = inputs.map(upload);
    return {
      run() {
        for (const y of [tf.tidy(() => fn(...xs))].flat()) y.dispose();
      },
      read: () => [tf.tidy(() => fn(...xs))].flat().map((y) => y.dataSync()),
      close: () => xs.forEach((x) => x.dispose()),
    };
  };
  return {
    matmul: ({ inputs, transposeX, transposeY }) => of(inputs, (x, y) => tf.matMul(x, y, transposeX, transposeY)),
    attentionProducts: ({ inputs }) =>
      of(inputs, (q, k, p, v) => [tf.matMul(q, k, false, true), tf.matMul(p, v)]),
    exp: ({ inputs }) => of(inputs, (x) => tf.exp(x)),
    gelu: ({ inputs }) => of(inputs, (x) => gelu(tf, x)),
    softmax: ({ inputs }) => of(inputs, (x) => tf.softmax(x)),
    layerNorm: ({ inputs }) => of(inputs, (x, gain, bias) => layerNorm(tf, x, gain, bias)),
    trainStep: (spec) => trainStep(tf, spec),
  };
}

// x / (1 + exp(-2 u)) is the tanh form in one transcendental and the fewest passes: 0.5 (1 + tanh u) = sigmoid(2u)
function gelu(tf, x) {
  const u = tf.mul(x, tf.add(tf.mul(tf.square(x), 2 * 0.044715 * Math.sqrt(2 / Math.PI)), 2 * Math.sqrt(2 / Math.PI)));
  return tf.mul(x, tf.sigmoid(u));
}

function layerNorm(tf, x, gain, bias) {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5));
  return tf.add(tf.mul(tf.div(centred, deviation), gain), bias);
}

/** The GPT of src/nn/gpt.ts. The embedding is a product with one-hot rows: gather has no gradient kernel on wasm. */
function trainStep(tf, { config, leaves, tokens, targets, optimizer }) {
  const { nLayer, nHead, nEmbd, blockSize, batch, vocabSize } = config;
  const width = nEmbd / nHead;
  const rows = batch * blockSize;
  let params = leaves.map(({ data, shape }) => tf.tensor(data, shape));
  let first = params.map((p) => tf.zerosLike(p));
  let second = params.map((p) => tf.zerosLike(p));
  const index = new Map(leaves.map(({ name }, i) => [name, i]));
  const oneHot = (ids) => tf.cast(tf.oneHot(tf.tensor1d(ids, 'int32'), vocabSize), 'float32');
  const [x, y] = [oneHot(tokens), oneHot(targets)];
  const mask = tf.tensor(
    Float32Array.from({ length: blockSize ** 2 }, (_, i) => (i % blockSize > Math.floor(i / blockSize) ? -1e9 : 0)),
    [1, blockSize, blockSize],
  );
  const loss = (...values) => {
    const get = (name) => values[index.get(name)];
    const linear = (h, name) => tf.add(tf.matMul(h, get(`${name}.weight`)), get(`${name}.bias`));
    const norm = (h, name) => layerNorm(tf, h, get(`${name}.weight`), get(`${name}.bias`));
    let h = tf.matMul(x, get('wte.weight'));
    h = tf.reshape(tf.add(tf.reshape(h, [batch, blockSize, nEmbd]), get('wpe.weight')), [rows, nEmbd]);
    for (let layer = 0; layer < nLayer; layer++) {
      const at = `h.${layer}`;
      const qkv = tf.reshape(linear(norm(h, `${at}.ln_1`), `${at}.attn.c_attn`), [batch, blockSize, 3, nHead, width]);
      const [q, k, v] = tf
        .unstack(tf.transpose(qkv, [2, 0, 3, 1, 4]), 0)
        .map((part) => tf.reshape(part, [batch * nHead, blockSize, width]));
      const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width)), mask);
      const mixed = tf.matMul(tf.softmax(scores), v);
      const joined = tf.reshape(
        tf.transpose(tf.reshape(mixed, [batch, nHead, blockSize, width]), [0, 2, 1, 3]),
        [rows, nEmbd],
      );
      h = tf.add(h, linear(joined, `${at}.attn.c_proj`));
      h = tf.add(h, linear(gelu(tf, linear(norm(h, `${at}.ln_2`), `${at}.mlp.c_fc`)), `${at}.mlp.c_proj`));
    }
    const logits = tf.matMul(norm(h, 'ln_f'), get('wte.weight'), false, true);
    return tf.neg(tf.div(tf.sum(tf.mul(y, tf.logSoftmax(logits))), rows));
  };
  const lossAndGradients = tf.valueAndGrads(loss);
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay } = optimizer;
  let step = 0;
  const losses = [];
  return {
    losses,
    run() {
      step++;
      const next = tf.tidy(() => {
        const { value, grads } = lossAndGradients(params);
        const m = first.map((f, i) => tf.add(tf.mul(f, beta1), tf.mul(grads[i], 1 - beta1)));
        const v = second.map((s, i) => tf.add(tf.mul(s, beta2), tf.mul(tf.square(grads[i]), 1 - beta2)));
        // lr mhat / (sqrt(vhat) + eps), the corrections drawn together
        const rate = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
        const floor = epsilon * Math.sqrt(1 - beta2 ** step);
        const p = params.map((param, i) => {
          const kept = param.rank >= 2 ? tf.mul(param, 1 - learningRate * weightDecay) : param;
          return tf.sub(kept, tf.mul(tf.div(m[i], tf.add(tf.sqrt(v[i]), floor)), rate));
        });
        return { value, p, m, v };
      });
      tf.dispose([params, first, second]);
      [params, first, second] = [next.p, next.m, next.v];
      const [value] = next.value.dataSync();
      next.value.dispose();
      if (losses.length < 8) losses.push(value);
    },
    gradients: () => tf.tidy(() => lossAndGradients(params).grads.map((g) => g.dataSync())),
    close: () => tf.dispose([params, first, second, x, y, mask]),
  };
}
