// jax-js on its wasm device, one thread, everything under jit. Its functions own (and free) what they are given:
// `.ref` keeps a value for another use.
export async function openJax() {
  if (typeof Worker !== 'undefined') throw new Error('jax-js would use several threads here');
  const jax = await import('@jax-js/jax');
  await jax.init('wasm');
  if (jax.defaultDevice() !== 'wasm') throw new Error(`jax-js uses ${jax.defaultDevice()}, not wasm`);
  return cases(jax);
}

function cases(jax) {
  const { jit, nn, numpy: np, lax } = jax;
  const upload = ({ data, shape }) => np.array(data).reshape(shape);
  const of = (inputs, fn) => {
    const xs = inputs.map(upload);
    const compiled = jit((...args) => [fn(...args)].flat());
    const call = () => Promise.all(compiled(...xs.map((x) => x.ref)).map((y) => y.blockUntilReady()));
    return {
      async run() {
        for (const y of await call()) y.dispose();
      },
      read: async () => Promise.all((await call()).map((y) => y.data())),
      close: () => xs.forEach((x) => x.dispose()),
    };
  };
  const swapped = (x) => np.matrixTranspose(x);
  return {
    matmul: ({ inputs, transposeX, transposeY }) =>
      of(inputs, (x, y) => np.matmul(transposeX ? swapped(x) : x, transposeY ? swapped(y) : y)),
    attentionProducts: ({ inputs }) => of(inputs, (q, k, p, v) => [np.matmul(q, swapped(k)), np.matmul(p, v)]),
    exp: ({ inputs }) => of(inputs, (x) => np.exp(x)),
    gelu: ({ inputs }) => of(inputs, (x) => nn.gelu(x, { approximate: true })),
    softmax: ({ inputs }) => of(inputs, (x) => nn.softmax(x, -1)),
    layerNorm: ({ inputs }) => of(inputs, (x, gain, bias) => layerNorm(np, x, gain, bias)),
    trainStep: (spec) => trainStep({ ...jax, np, lax }, spec),
  };
}

function layerNorm(np, x, gain, bias) {
  const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), -1, { keepdims: true });
  return centred.div(np.sqrt(variance.add(1e-5))).mul(gain).add(bias);
}

/** The GPT of src/nn/gpt.ts; parameters are an object by their names in it. */
async function trainStep({ jit, nn, np, tree, valueAndGrad, grad }, { config, leaves, tokens, targets, optimizer }) {
  const { nLayer, nHead, nEmbd, blockSize, batch, vocabSize } = config;
  const width = nEmbd / nHead;
  const rows = batch * blockSize;
  const lossOf = (params, ids, next) => {
    const get = (name) => params[name];
    const linear = (h, name) => np.matmul(h, get(`${name}.weight`)).add(get(`${name}.bias`));
    const norm = (h, name) => layerNorm(np, h, get(`${name}.weight`), get(`${name}.bias`));
    let h = np.matmul(nn.oneHot(ids, vocabSize), get('wte.weight').ref);
    h = h.reshape([batch, blockSize, nEmbd]).add(get('wpe.weight')).reshape([rows, nEmbd]);
    for (let layer = 0; layer < nLayer; layer++) {
      const at = `h.${layer}`;
      const qkv = linear(norm(h.ref, `${at}.ln_1`), `${at}.attn.c_attn`)
        .reshape([batch, blockSize, 3, nHead, width])
        .transpose([2, 0, 3, 1, 4]); // [3, B, H, T, D]
      const q = qkv.ref.slice(0);
      const k = qkv.ref.slice(1);
      const v = qkv.slice(2);
      const scores = np.matmul(q, np.matrixTranspose(k)).mul(1 / Math.sqrt(width));
      const masked = np.where(np.tri(blockSize, blockSize, 0, { dtype: np.bool }), scores, -1e9);
      const mixed = np.matmul(nn.softmax(masked, -1), v).transpose([0, 2, 1, 3]).reshape([rows, nEmbd]);
      h = h.add(linear(mixed, `${at}.attn.c_proj`));
      const wide = nn.gelu(linear(norm(h.ref, `${at}.ln_2`), `${at}.mlp.c_fc`), { approximate: true });
      h = h.add(linear(wide, `${at}.mlp.c_proj`));
    }
    const logits = np.matmul(norm(h, 'ln_f'), np.matrixTranspose(get('wte.weight')));
    const picked = nn.logSoftmax(logits, -1).mul(nn.oneHot(next, vocabSize));
    return np.sum(picked).mul(-1 / rows);
  };
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay } = optimizer;
  const names = leaves.map(({ name }) => name);
  // corrections [2]: 1 / (1 - b1^t), 1 / (1 - b2^t), handed in so that one compiled step serves all
  const step = jit((params, first, second, corrections, ids, next) => {
    const [loss, grads] = valueAndGrad(lossOf)(tree.ref(params), ids, next);
    const [p, m, v] = [{}, {}, {}];
    const [c1, c2] = [corrections.ref.slice(0), corrections.slice(1)];
    for (const { name, shape } of leaves) {
      const g = grads[name];
      m[name] = first[name].mul(beta1).add(g.ref.mul(1 - beta1));
      v[name] = second[name].mul(beta2).add(np.square(g).mul(1 - beta2));
      const direction = m[name].ref.mul(c1.ref).div(np.sqrt(v[name].ref.mul(c2.ref)).add(epsilon));
      const kept = shape.length >= 2 ? params[name].mul(1 - learningRate * weightDecay) : params[name];
      p[name] = kept.sub(direction.mul(learningRate));
    }
    c1.dispose();
    c2.dispose();
    return { loss, p, m, v };
  });
  const gradients = jit((params, ids, next) => grad(lossOf)(params, ids, next));
  const values = (fill) =>
    Object.fromEntries(
      leaves.map(({ name, shape, data }) => [
        name,
        np.array(fill === undefined ? data : new Float32Array(data.length).fill(fill)).reshape(shape),
      ]),
    );
  let [params, first, second] = [values(), values(0), values(0)];
  const [ids, next] = [tokens, targets].map((t) => np.array(Int32Array.from(t), { dtype: np.int32 }));
  let t = 0;
  const losses = [];
  return {
    losses,
    async run() {
      t++;
      const corrections = np.array(new Float32Array([1 / (1 - beta1 ** t), 1 / (1 - beta2 ** t)]));
      const made = step(params, first, second, corrections, ids.ref, next.ref);
      ({ p: params, m: first, v: second } = made);
      await Promise.all(names.map((name) => params[name].blockUntilReady()));
      const [loss] = await made.loss.data();
      if (losses.length < 8) losses.push(loss);
    },
    async gradients() {
      const found = gradients(values(), ids.ref, next.ref);
      return Promise.all(names.map((name) => found[name].data()));
    },
    close() {},
  };
}
