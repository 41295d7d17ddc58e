// onnxruntime-web, its wasm provider on one thread. Operands lie in its memory as initializers and only a slice of a
// result is copied out, so that its kernels are timed and not the copies of its interface.
import { onnxModel } from './onnx-model.mjs';

const SLICE = 64;

export async function openOnnx() {
  const had = globalThis.Worker;
  const ort = await import('onnxruntime-web');
  // its module defines Worker in Node, by which jax-js would take itself to be threaded; one thread needs none
  const hideWorker = () => {
    if (had === undefined) delete globalThis.Worker;
  };
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';

  /** A contender of nodes that read x0, x1 .. and write y0, y1 .. */
  const of = async (inputs, nodes, results) => {
    const initializers = inputs.map(({ data, shape }, i) => ({ name: `x${i}`, shape, data }));
    const vector = (name, value) => ({ name, shape: [1], data: BigInt64Array.of(BigInt(value)) });
    initializers.push(vector('flat', -1), vector('from', 0), vector('to', SLICE));
    const sliced = Array.from({ length: results }, (_, i) => [
      { op: 'Reshape', inputs: [`y${i}`, 'flat'], outputs: [`flat${i}`] },
      { op: 'Slice', inputs: [`flat${i}`, 'from', 'to'], outputs: [`out${i}`] },
    ]).flat();
    const outputs = Array.from({ length: results }, (_, i) => `out${i}`);
    const model = onnxModel({ nodes: [...nodes, ...sliced], initializers, outputs });
    // no optimisation: constants would be folded, and nothing would be left to time
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'disabled',
    });
    hideWorker();
    let last;
    return {
      partial: true,
      async run() {
        last = await session.run({});
      },
      async read() {
        await this.run();
        return outputs.map((name) => last[name].data);
      },
      close: () => session.release(),
    };
  };
  const one = (op, inputs, attributes, domain) =>
    of(
      inputs,
      [{ op, domain, inputs: inputs.map((_, i) => `x${i}`), outputs: ['y0'], ...(attributes && { attributes }) }],
      1,
    );
  return {
    matmul({ inputs, transposeX, transposeY }) {
      if (!transposeX && !transposeY) return one('MatMul', inputs);
      return one('Gemm', inputs, { transA: transposeX ? 1 : 0, transB: transposeY ? 1 : 0 });
    },
    attentionProducts: ({ inputs }) =>
      of(
        inputs,
        [
          {
            op: 'FusedMatMul',
            domain: 'com.microsoft',
            inputs: ['x0', 'x1'],
            outputs: ['y0'],
            attributes: { transB: 1 },
          },
          { op: 'MatMul', inputs: ['x2', 'x3'], outputs: ['y1'] },
        ],
        2,
      ),
    exp: ({ inputs }) => one('Exp', inputs),
    gelu: ({ inputs }) => one('Gelu', inputs, { approximate: 'tanh' }),
    softmax: ({ inputs }) => one('Softmax', inputs, { axis: -1 }),
    layerNorm: ({ inputs }) => one('LayerNormalization', inputs, { axis: -1, epsilon: 1e-5 }),
  };
}
