// pope-ts as a contender: the sources as they stand, called as a user calls them.
import { fromSource } from '../from-source.mjs';

const sources = [
  'src/entry/tensor.ts', 'src/entry/wasm.ts',
  'src/autograd/index.ts',
  'src/nn/index.ts',
  'src/random/index.ts',
  'src/data/node.ts',
  'src/pope/index.ts',
  'src/stats/index.ts',
  'src/stats/interval/bootstrap.ts',
  'src/stats/terms.ts',
];

/** @param {'default' | 'js' | 'wasm'} choice */
export async function openOurs(choice = 'default', options = {}) {
  const lib = await fromSource(...sources);
  const backend =
    choice === 'js' ? lib.jsBackend : choice === 'wasm' ? await lib.createWasmBackend(options) : lib.defaultBackend();
  lib.setDefaultBackend(backend);
  return { lib, backend, name: backend.name, ...cases(lib, backend) };
}

function cases(lib, backend) {
  const { scope, tensor } = lib;
  const upload = (data, shape) => tensor(data, { shape, backend });
  /** A contender of a function of tensors. */
  const of = (inputs, fn) => {
    const xs = inputs.map(({ data, shape }) => upload(data, shape));
    return {
      run() {
        scope(() => {
          fn(...xs);
        });
      },
      read: () => scope(() => [fn(...xs)].flat().map((y) => y.dataSync())),
      close: () => lib.dispose(xs),
    };
  };
  return {
    matmul: ({ inputs, transposeX, transposeY }) =>
      of(inputs, (x, y) => lib.matmul(x, y, { transposeX, transposeY })),
    attentionProducts: ({ inputs }) =>
      of(inputs, (q, k, p, v) => [lib.matmul(q, k, { transposeY: true }), lib.matmul(p, v)]),
    exp: ({ inputs }) => of(inputs, (x) => lib.exp(x)),
    gelu: ({ inputs }) => of(inputs, (x) => lib.gelu(x)),
    softmax: ({ inputs }) => of(inputs, (x) => lib.softmax(x)),
    layerNorm: ({ inputs }) => of(inputs, (x, gain, bias) => lib.layerNorm(x, gain, bias, 1e-5)),
    trainStep: (spec) => trainStep(lib, backend, spec),
    evaluate: (spec) => evaluate(lib, spec),
    bootstrapMultinomial: (spec) => bootstrap(lib, spec, {}),
    bootstrapPoisson: (spec) => bootstrap(lib, spec, { resampling: 'poisson' }),
  };
}

/** The training step as a user writes it: valueAndGrad, then AdamW, in a scope; the loss is read every step. */
function trainStep(lib, backend, { config, leaves, tokens, targets, optimizer }) {
  const { scope, dispose, tensor } = lib;
  const sizes = lib.gptConfig(config);
  const template = scope(() => lib.initGpt(sizes, lib.seededRandom(1), { backend }));
  const start = () => lib.mapTree(template, (leaf, i) => tensor(leaves[i].data, { shape: leaf.shape, backend }));
  const shape = [config.batch, config.blockSize];
  const lossAndGradient = lib.valueAndGrad((params, ids, next) =>
    lib.crossEntropy(lib.gptLogits(params, sizes, ids), next),
  );
  let params = start();
  let state = lib.adamwInit(params);
  const losses = [];
  return {
    losses,
    run() {
      const next = scope(() => {
        const ids = tensor(tokens, { shape, backend });
        const { value, gradient } = lossAndGradient(params, ids, tensor(targets, { shape, backend }));
        return { loss: value, ...lib.adamwStep(params, gradient, state, optimizer) };
      });
      const loss = next.loss.item();
      dispose([next.loss, params, state.firstMoment, state.secondMoment]);
      ({ params, state } = next);
      if (losses.length < 8) losses.push(loss);
    },
    gradients() {
      return scope(() => {
        const ids = tensor(tokens, { shape, backend });
        const { gradient } = lossAndGradient(start(), ids, tensor(targets, { shape, backend }));
        return lib.leavesOf(gradient).map((leaf) => leaf.dataSync());
      });
    },
    close: () => dispose([params, state.firstMoment, state.secondMoment, template]),
  };
}

/** The parameters of a GPT at its start, as [name, shape, numbers], in the order of the tree. */
export function initialLeaves(lib, config, seed) {
  const params = lib.initGpt(lib.gptConfig(config), lib.seededRandom(seed), { backend: lib.jsBackend });
  return lib.namedLeaves(params).map(([name, leaf]) => ({ name, shape: [...leaf.shape], data: leaf.dataSync() }));
}

function evaluate(lib, { file, signal }) {
  return {
    slow: true,
    async run() {
      let stream;
      for await (const part of lib.readLogChunks(file)) {
        stream ??= lib.streamEvaluation({ signals: [{ name: signal, transform: 'identity', weight: 1 }], diversity: 'none' });
        stream.add(part);
      }
      this.result = stream.result();
    },
  };
}

function bootstrap(lib, { numerator, denominator }, options) {
  const columns = lib.columnsOf({ numerator, denominator, baseline: null });
  const random = lib.seededRandom(7);
  if (options.resampling !== undefined && lib.resamplings?.includes(options.resampling) !== true)
    throw new Error(`the library has no ${options.resampling} bootstrap yet`);
  // ours draws 128 side by side
  let resamples = 128;
  return {
    // the time of one resample, of calls that draw enough of them to forget what a call costs
    time(slotMs) {
      const start = performance.now();
      lib.bootstrapReplicates([columns], { level: 0.9, random, resamples, resampler: lib.fastestResampler, ...options });
      const each = (performance.now() - start) / resamples;
      resamples = Math.max(128, Math.ceil(slotMs / each));
      return each;
    },
  };
}
