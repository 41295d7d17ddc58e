import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  byteTokenizer,
  charTokenizer,
  encodePairs,
  generate,
  logProbabilities,
  samplerDistribution,
  sequenceLogProb,
} from '../../src/nn/index.js';
import { seededRandom } from '../../src/random/index.js';
import { distance, tinyGpt } from './tiny-gpt.js';

const tokenizer = charTokenizer('abc', { unknown: 'refuse' });
const model = (seed = 7) => tinyGpt({ vocabSize: 4, blockSize: 8 }, seed);

describe('generate', () => {
  test.prop(
    [
      fc.constantFrom('', 'a', 'bca'),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 99 }),
      fc.constantFrom('response', 'continuation'),
    ],
    { numRuns: 20 },
  )('with the cache it is what it is without, beyond blockSize too', async (prompt, n, seed, form) => {
    const { config, params } = model(seed);
    const options = { maxTokens: 12, n, form, temperature: 1.3, topP: 0.95 } as const;
    const cached = await generate(params, config, tokenizer, prompt, { ...options, random: seededRandom(seed) });
    const plain = await generate(params, config, tokenizer, prompt, {
      ...options,
      random: seededRandom(seed),
      useCache: false,
    });
    expect(cached.map(({ tokens }) => [...tokens])).toEqual(plain.map(({ tokens }) => [...tokens]));
    cached.forEach((sample, i) => {
      expect(distance(sample.tokenLogProbs, plain[i]!.tokenLogProbs)).toBeLessThan(1e-12);
      expect(distance(sample.sampledLogProbs, plain[i]!.sampledLogProbs)).toBeLessThan(1e-12);
    });
  });

  test.prop([fc.constantFrom('', 'ab', 'cc'), fc.integer({ min: 0, max: 99 })], { numRuns: 20 })(
    'the token log-probabilities of a finished response add up to sequenceLogProb',
    async (prompt, seed) => {
      const { config, params } = model();
      const random = seededRandom(seed);
      for (const sample of await generate(params, config, tokenizer, prompt, {
        maxTokens: 8 - prompt.length,
        n: 3,
        random,
        temperature: 0.7,
      })) {
        expect(sample.finished).toBe(sample.tokens.at(-1) === tokenizer.eosId);
        expect(sample.tokens.length).toBe(sample.tokenLogProbs.length);
        if (!sample.finished) continue;
        const exact = sequenceLogProb(params, config, encodePairs(tokenizer, [prompt], [sample.text], 8)).item();
        expect(Math.abs(sample.tokenLogProbs.reduce((sum, l) => sum + l, 0) - exact)).toBeLessThan(1e-12);
      }
    },
  );

  test('at temperature 1 with nothing truncated the sampler is the model', async () => {
    const { config, params } = model();
    const [sample] = await generate(params, config, tokenizer, 'ab', { maxTokens: 6, random: seededRandom(2) });
    expect(distance(sample!.tokenLogProbs, sample!.sampledLogProbs)).toBeLessThan(1e-12);
  });

  test('samples are pinned to the seed, and do not depend on how many are wanted', async () => {
    const { config, params } = model();
    const draw = async (n: number) =>
      (await generate(params, config, tokenizer, 'ab', { maxTokens: 6, n, random: seededRandom(11) })).map(
        ({ tokens }) => tokens.join(' '),
      );
    expect(await draw(4)).toEqual(PINNED);
    expect(await draw(2)).toEqual(PINNED.slice(0, 2));
  });

  test('drawn frequencies are those of the exact distribution', async () => {
    const { config, params } = model();
    const n = 4000;
    const samples = await generate(params, config, tokenizer, 'b', { maxTokens: 2, n, random: seededRandom(5) });
    for (const text of ['', 'a', 'b', 'c']) {
      const p = Math.exp(sequenceLogProb(params, config, encodePairs(tokenizer, ['b'], [text], 8)).item());
      const share = samples.filter((s) => s.finished && s.text === text).length / n;
      expect(Math.abs(share - p)).toBeLessThan(4.5 * Math.sqrt((p * (1 - p)) / n));
    }
  });

  test('temperature 0 takes the most probable token', async () => {
    const { config, params } = model();
    const samples = await generate(params, config, tokenizer, 'a', {
      maxTokens: 6,
      n: 3,
      temperature: 0,
      random: seededRandom(1),
    });
    expect(new Set(samples.map(({ text }) => text)).size).toBe(1);
    expect(samples[0]!.sampledLogProbs.every((l) => l === 0)).toBe(true);
  });

  test.each([
    [{ maxTokens: 0 }, /maxTokens is 0/],
    [{ n: 0 }, /n is 0/],
    [{ temperature: -1 }, /temperature is -1/],
    [{ temperature: Number.NaN }, /temperature is NaN/],
    [{ topK: 0 }, /topK is 0/],
    [{ topP: 0 }, /topP is 0; expected a number above 0 and at most 1/],
    [{ topP: 1.1 }, /topP is 1.1/],
  ])('refuses %j', async (options, message) => {
    const { config, params } = model();
    await expect(
      generate(params, config, tokenizer, 'a', { maxTokens: 3, random: seededRandom(1), ...options }),
    ).rejects.toThrow(message);
  });

  test('refuses a tokenizer of more tokens than the model has', async () => {
    const { config, params } = model();
    await expect(
      generate(params, config, byteTokenizer(), 'a', { maxTokens: 1, random: seededRandom(1) }),
    ).rejects.toThrow(/257/);
  });
});

const PINNED: readonly string[] = ['1 0 3', '1 3', '3', '1 3'];

describe('samplerDistribution', () => {
  const logProb = logProbabilities([1, 3, 2, 3, -50].map((x) => x * 1.0));
  const kept = (options: object): number[] =>
    [...samplerDistribution(logProb, options)].flatMap((p, id) => (p > 0 ? [id] : []));

  test('log softmax in float64 survives large logits', () => {
    expect(
      distance(logProbabilities([1e4, 1e4 - 1]), [-Math.log1p(Math.exp(-1)), -1 - Math.log1p(Math.exp(-1))]),
    ).toBeLessThan(1e-12);
    expect(() => logProbabilities([0, Number.NaN])).toThrow(/logit of token 1 is NaN/);
  });

  test('nothing truncated gives the model', () => {
    expect(distance(samplerDistribution(logProb), logProb.map(Math.exp))).toBeLessThan(1e-15);
  });

  test('topK keeps exactly k, the smaller id among equals; more than V keeps all', () => {
    expect(kept({ topK: 1 })).toEqual([1]);
    expect(kept({ topK: 2 })).toEqual([1, 3]);
    expect(kept({ topK: 3 })).toEqual([1, 2, 3]);
    expect(kept({ topK: 99 })).toEqual([0, 1, 2, 3, 4]);
  });

  test('topP keeps the fewest tokens that reach p', () => {
    const half = logProbabilities([0.5, 0.25, 0.125, 0.125].map(Math.log));
    const count = (topP: number): number => samplerDistribution(half, { topP }).filter((p) => p > 0).length;
    expect([1e-9, 0.49, 0.51, 0.74, 0.76, 0.99, 1].map(count)).toEqual([1, 1, 2, 2, 3, 4, 4]);
    expect(kept({ topP: 1 })).toEqual([0, 1, 2, 3, 4]);
    const even = logProbabilities([0, 0, 0, 0]);
    expect([...samplerDistribution(even, { topP: 0.5 })]).toEqual([0.5, 0.5, 0, 0]); // exactly reached is reached
  });

  test('topP counts what topK left', () => {
    const probabilities = samplerDistribution(logProbabilities([0.4, 0.3, 0.2, 0.1].map(Math.log)), {
      topK: 2,
      topP: 0.57,
    });
    expect(probabilities.map((p) => Number(p.toFixed(12)))).toEqual(Float64Array.from([1, 0, 0, 0])); // 0.4 / 0.7 = 0.571
  });

  test('temperature follows its formula; tiny and huge ones stay finite', () => {
    const two = samplerDistribution(logProbabilities([1, 0]), { temperature: 0.5 });
    expect(two[0]).toBeCloseTo(1 / (1 + Math.exp(-2)), 14);
    expect([...samplerDistribution(logProb, { temperature: 1e-300 })]).toEqual([0, 0.5, 0, 0.5, 0]);
    expect(distance(samplerDistribution(logProb, { temperature: 1e300 }), new Float64Array(5).fill(0.2))).toBeLessThan(
      1e-12,
    );
  });

  test.prop([
    fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 8 }),
    fc.integer({ min: 1, max: 9 }),
    fc.double({ min: 0.01, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 5, noNaN: true }),
  ])('is a distribution that keeps the order of what it keeps', (logits, topK, topP, temperature) => {
    const l = logProbabilities(logits);
    const p = samplerDistribution(l, { topK, topP, temperature });
    expect(Math.abs(p.reduce((sum, x) => sum + x, 0) - 1)).toBeLessThan(1e-12);
    for (let a = 0; a < p.length; a++)
      for (let b = 0; b < p.length; b++) if (p[a]! > p[b]!) expect(l[a]).toBeGreaterThanOrEqual(l[b]!);
  });
});
