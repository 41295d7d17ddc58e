// What bench/gpu.mjs measures, the same in Node and in a page: the gpu backend beside wasm, and beside a peer where one is given.

/** Milliseconds: the median of `runs` after one that warms up. */
export async function time(runs, once) {
  await once();
  const times = [];
  for (let i = 0; i < runs; i++) {
    const begin = performance.now();
    await once();
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

export const ms = (t) => `${t < 10 ? t.toFixed(2) : t.toFixed(0)} ms`;
export const rowText = (...cells) =>
  cells.map((cell, i) => (i === 0 ? String(cell).padEnd(34) : String(cell).padStart(14))).join('');

/**
 * @param lib our exports. @param peer null, or { name, square(n), matmul(x, y), scale(x, s), read(x), free(...xs) }.
 * @param options.largest side of the largest product. @param say takes a line. Figures: see the end.
 */
export async function gpuCases(lib, gpu, wasm, { largest, width, peer = null }, say) {
  const ratios = {};
  const row = (...cells) => say(rowText(...cells));
  const settled = async (make) => {
    const made = lib.scope(make);
    await Promise.all(lib.leavesOf(made).map((leaf) => leaf.data()));
    lib.dispose(made);
  };
  row('', 'gpu', 'wasm', 'wasm / gpu', ...(peer === null ? [] : [peer.name, `${peer.name} / gpu`]));
  const beside = (name, onGpu, onWasm, onPeer) => {
    ratios[`${name}/wasm`] = onWasm / onGpu;
    if (onPeer !== undefined) ratios[`${name}/${peer.name}`] = onPeer / onGpu;
    const more = onPeer === undefined ? [] : [ms(onPeer), (onPeer / onGpu).toFixed(2)];
    row(name, ms(onGpu), ms(onWasm), (onWasm / onGpu).toFixed(2), ...more);
  };
  for (let n = 64; n <= largest; n *= 2) {
    const runs = n > 512 ? 3 : 7;
    const on = async (backend) => {
      const x = lib.tensor(new Float32Array(n * n).fill(0.5), { shape: [n, n], backend });
      const once = await time(runs, () => settled(() => lib.matmul(x, x)));
      const chain = await time(runs, () =>
        settled(() => {
          let y = x;
          for (let i = 0; i < 10; i++) y = lib.mul(lib.matmul(y, x), 1 / n);
          return y;
        }),
      );
      lib.dispose(x);
      return { once, chain };
    };
    const onPeer = async () => {
      const x = peer.square(n);
      const once = await time(runs, async () => {
        const y = peer.matmul(x, x);
        await peer.read(y);
        peer.free(y);
      });
      const chain = await time(runs, async () => {
        let y = x;
        const made = [];
        for (let i = 0; i < 10; i++) {
          const product = peer.matmul(y, x);
          y = peer.scale(product, 1 / n);
          made.push(product, y);
        }
        await peer.read(y);
        peer.free(...made);
      });
      peer.free(x);
      return { once, chain };
    };
    const [g, w, p] = [await on(gpu), await on(wasm), peer === null ? undefined : await onPeer()];
    beside(`matmul_${n}`, g.once, w.once, p?.once);
    beside(`chain_of_10_${n}`, g.chain, w.chain, p?.chain);
  }

  const config = { vocabSize: 128, blockSize: 32, nLayer: 2, nHead: 4, nEmbd: width, dropout: 0, layerNormEpsilon: 1e-5 };
  const lossOf = lib.valueAndGrad((p, tokens, targets) => lib.crossEntropy(lib.gptLogits(p, config, tokens, {}), targets));
  const batch = (backend) =>
    lib.tensor(Int32Array.from({ length: 4 * 32 }, (_, i) => (i * 7) % 128), { shape: [4, 32], backend });
  const step = async (backend) => {
    const params = lib.initGpt(config, lib.seededRandom(1), { backend });
    const [tokens, targets] = [batch(backend), batch(backend)];
    const state = lib.adamwInit(params);
    return time(5, () =>
      settled(() => {
        const { value, gradient } = lossOf(params, tokens, targets);
        return { value, ...lib.adamwStep(params, gradient, state, { learningRate: 1e-3 }).params };
      }),
    );
  };
  beside(`train_step_d${width}`, await step(gpu), await step(wasm));

  // forward and backward alone, op by op and replayed
  const params = lib.initGpt(config, lib.seededRandom(1), { backend: gpu });
  const [tokens, targets] = [batch(gpu), batch(gpu)];
  const eager = await time(5, () => settled(() => lossOf(params, tokens, targets)));
  const submitting = await time(5, async () => lib.dispose(lib.scope(() => lossOf(params, tokens, targets))));
  const captured = await gpu.capture((x, y) => lossOf(params, x, y), tokens, targets);
  const replayed = await time(5, () => settled(() => captured(tokens, targets)));
  const replaying = await time(5, async () => lib.dispose(captured(tokens, targets)));
  captured.free();
  say('');
  row('forward and backward', 'op by op', 'captured', 'ratio');
  row('  until it is read', ms(eager), ms(replayed), (eager / replayed).toFixed(2));
  row('  until it is submitted', ms(submitting), ms(replaying), (submitting / replaying).toFixed(2));

  const x = lib.tensor(new Float32Array(64), { backend: gpu });
  const many = 500;
  const dispatch = await time(3, async () => {
    lib.scope(() => {
      let y = x;
      for (let i = 0; i < many; i++) y = lib.neg(y);
    });
  });
  row('a dispatch, on the calling side', `${((dispatch / many) * 1000).toFixed(1)} us`);
  return {
    ratios,
    dispatch_us: (dispatch / many) * 1000,
    capture: { eager_ms: eager, captured_ms: replayed, submit_eager_ms: submitting, submit_captured_ms: replaying },
  };
}
