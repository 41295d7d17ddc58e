import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { valueAndGrad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { emptyCache, type GptParams, gptConfig, gptLogits, initGpt, paramShapes } from '../../src/nn/index.js';
import { crossEntropy } from '../../src/ops/index.js';
import { seededRandom } from '../../src/random/index.js';
import { leavesOf, mapTree, namedLeaves, scope } from '../../src/tensor/index.js';
import { slowGptLogits } from './slow-gpt.js';
import { distance, tinyGpt, tokensOf } from './tiny-gpt.js';

const sequence = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 });

describe('gptLogits', () => {
  test.prop([sequence, fc.integer({ min: 1, max: 3 }), fc.constantFrom(1, 2, 4), fc.integer({ min: 0, max: 1000 })], {
    numRuns: 30,
  })('equals the slow twin, written from the papers in plain float64 loops', (tokens, nLayer, nHead, seed) => {
    const { config, params } = tinyGpt({ nLayer, nHead }, seed);
    const logits = gptLogits(params, config, tokensOf([tokens]));
    expect(logits.shape).toEqual([1, tokens.length, 5]);
    expect(distance(logits.dataSync(), slowGptLogits(params, config, tokens).flat())).toBeLessThan(1e-10);
  });

  test('float32 is within rounding of float64', () => {
    const { config, params } = tinyGpt();
    const tokens = tokensOf([[0, 1, 2, 3, 4, 0]]);
    const single = mapTree(params, (leaf) => tensor(leaf.dataSync(), { shape: leaf.shape, dtype: 'float32' }));
    const logits = gptLogits(single, config, tokens);
    expect(logits.dtype).toBe('float32');
    expect(distance(logits.dataSync(), gptLogits(params, config, tokens).dataSync())).toBeLessThan(1e-4);
  });

  test.prop([sequence, sequence], { numRuns: 30 })(
    'is causal: a later token changes no earlier logit',
    (tokens, others) => {
      const { config, params } = tinyGpt();
      const from = Math.min(tokens.length, others.length) - 1;
      const changed = tokens.map((token, t) => (t < from ? token : (token + 1 + (others[from] ?? 0)) % 5));
      const before = gptLogits(params, config, tokensOf([tokens])).dataSync();
      const after = gptLogits(params, config, tokensOf([changed])).dataSync();
      expect(distance(before.slice(0, from * 5), after.slice(0, from * 5))).toBe(0);
    },
  );

  test('a token does change the logits from its own position on', () => {
    const { config, params } = tinyGpt();
    const before = gptLogits(params, config, tokensOf([[0, 1, 2, 3]])).dataSync();
    const after = gptLogits(params, config, tokensOf([[0, 4, 2, 3]])).dataSync();
    for (const t of [1, 2, 3])
      expect(distance(before.slice(5 * t, 5 * t + 5), after.slice(5 * t, 5 * t + 5))).toBeGreaterThan(1e-6);
  });

  test.prop(
    [
      fc.array(fc.tuple(...Array.from({ length: 5 }, () => fc.integer({ min: 0, max: 4 }))), {
        minLength: 1,
        maxLength: 4,
      }),
    ],
    {
      numRuns: 20,
    },
  )('a batch is its rows', (rows) => {
    const { config, params } = tinyGpt();
    const together = gptLogits(params, config, tokensOf(rows)).dataSync();
    rows.forEach((row, i) => {
      const alone = gptLogits(params, config, tokensOf([row])).dataSync();
      expect(distance(together.slice(i * 25, (i + 1) * 25), alone)).toBeLessThan(1e-12);
    });
  });

  test.prop([sequence, fc.integer({ min: 1, max: 5 })], { numRuns: 30 })(
    'reading in two parts with a cache is reading at once',
    (tokens, cut) => {
      const { config, params } = tinyGpt();
      const cache = emptyCache();
      const parts = [tokens.slice(0, cut), tokens.slice(cut)].filter((part) => part.length > 0);
      const logits = parts.flatMap((part) => [...gptLogits(params, config, tokensOf([part]), { cache }).dataSync()]);
      expect(cache.length).toBe(tokens.length);
      expect(distance(logits, gptLogits(params, config, tokensOf([tokens])).dataSync())).toBeLessThan(1e-12);
    },
  );

  test('the gradient of the loss equals central differences, for every one of its parameters', () => {
    const { config, params } = tinyGpt({ nLayer: 1, vocabSize: 4, blockSize: 4 });
    const tokens = tokensOf([
      [0, 1, 2, 3],
      [3, 3, 1, 0],
    ]);
    const targets = tokensOf([
      [1, 2, 3, -1],
      [3, 1, 0, 2],
    ]);
    const loss = (p: GptParams) => crossEntropy(gptLogits(p, config, tokens), targets);
    const { gradient } = valueAndGrad(loss)(params);
    const flat = leavesOf(gradient).map((leaf) => leaf.dataSync());
    const h = 1e-5;
    const at = (index: number, j: number, step: number): number =>
      scope(() =>
        loss(
          mapTree(params, (leaf, i) => {
            if (i !== index) return leaf;
            const data = leaf.dataSync();
            data[j]! += step;
            return tensor(data, { shape: leaf.shape });
          }),
        ).item(),
      );
    let checked = 0;
    namedLeaves(params).forEach(([name, leaf], index) => {
      for (let j = 0; j < leaf.size; j++) {
        const numeric = (at(index, j, h) - at(index, j, -h)) / (2 * h);
        expect(Math.abs(flat[index]![j]! - numeric), `${name}[${j}]`).toBeLessThan(1e-8);
        checked++;
      }
    });
    expect(checked).toBe(284);
    expect(Math.max(...flat.map((g) => Math.max(...g)))).toBeGreaterThan(1e-2);
  });

  test('the gradient with dropout is that of the dropped model (central differences under one mask)', () => {
    const { config, params } = tinyGpt({ nLayer: 1, dropout: 0.4 });
    const tokens = tokensOf([[0, 1, 2, 3, 4]]);
    const targets = tokensOf([[1, 2, 3, 4, 0]]);
    const loss = (p: GptParams) => crossEntropy(gptLogits(p, config, tokens, { random: seededRandom(3) }), targets);
    const { value, gradient } = valueAndGrad(loss)(params);
    const plain = crossEntropy(gptLogits(params, config, tokens), targets).item();
    expect(Math.abs(value.item() - plain)).toBeGreaterThan(1e-3);
    const names = namedLeaves(params).map(([name]) => name);
    for (const [name, j] of [
      ['wte.weight', 3],
      ['h.0.attn.c_attn.weight', 7],
      ['h.0.mlp.c_fc.bias', 2],
      ['ln_f.bias', 1],
    ] as const) {
      const index = names.indexOf(name);
      const moved = (step: number): number =>
        loss(
          mapTree(params, (leaf, i) => {
            const data = leaf.dataSync();
            if (i === index) data[j]! += step;
            return tensor(data, { shape: leaf.shape });
          }),
        ).item();
      expect(leavesOf(gradient)[index]!.dataSync()[j]).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 8);
    }
  });

  test('refuses what it cannot read', () => {
    const { config, params } = tinyGpt();
    expect(() => gptLogits(params, config, tensor([[0, 1]], { dtype: 'float64' }))).toThrow(
      /tokens is "float64 \[1, 2\]"; expected an int32/,
    );
    expect(() => gptLogits(params, config, tokensOf([[0, 1, 2, 3, 4, 0, 1]]))).toThrow(
      /7 positions; expected at most config.blockSize = 6/,
    );
    expect(() => gptLogits(params, config, tokensOf([[5]]))).toThrow(/5/);
    expect(() => gptLogits(params, config, tokensOf([[-1]]))).toThrow(/-1/);
  });
});

describe('initGpt', () => {
  const config = gptConfig({ vocabSize: 97, blockSize: 32, nLayer: 8, nHead: 4, nEmbd: 64 });

  test('names and shapes are those of GPT-2', () => {
    const leaves = namedLeaves(initGpt(config, seededRandom(1)));
    expect(leaves.map(([name, leaf]) => [name, leaf.shape])).toEqual([...paramShapes(config)]);
    expect(leaves.slice(0, 4).map(([name]) => name)).toEqual([
      'wte.weight',
      'wpe.weight',
      'h.0.ln_1.weight',
      'h.0.ln_1.bias',
    ]);
    expect(paramShapes(config).get('h.7.attn.c_attn.weight')).toEqual([64, 192]);
  });

  test('deviations are 0.02, and 0.02 / sqrt(2 nLayer) into the residual stream', () => {
    for (const [name, leaf] of namedLeaves(initGpt(config, seededRandom(1)))) {
      const data = Array.from(leaf.dataSync());
      if (leaf.rank === 1) {
        expect(data.every((x) => x === (/ln_.*weight/.test(name) ? 1 : 0))).toBe(true);
        continue;
      }
      const expected = name.endsWith('c_proj.weight') ? 0.02 / 4 : 0.02;
      const deviation = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
      expect(Math.abs(deviation / expected - 1), name).toBeLessThan(5 / Math.sqrt(2 * data.length));
    }
  });

  test('the loss at the start is near log V, as an undecided model has it', () => {
    const params = initGpt(config, seededRandom(1));
    const loss = crossEntropy(gptLogits(params, config, tokensOf([[1, 50, 96, 3]])), tokensOf([[50, 96, 3, 7]])).item();
    expect(Math.abs(loss - Math.log(97))).toBeLessThan(0.15);
  });

  test.each([
    [{ vocabSize: 0 }, /config.vocabSize is 0; expected an integer of at least 1/],
    [{ nHead: 3 }, /config.nEmbd is 64; expected a multiple of config.nHead = 3/],
    [{ dropout: 1 }, /config.dropout is 1; expected a number below 1/],
    [{ dropout: Number.NaN }, /config.dropout is NaN/],
    [{ layerNormEpsilon: 0 }, /config.layerNormEpsilon is 0; expected a number above 0/],
    [{ blockSize: 1.5 }, /config.blockSize is 1.5/],
  ])('refuses %j', (field, message) => {
    expect(() => initGpt({ ...config, ...field }, seededRandom(1))).toThrow(message);
  });
});
