import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  charTokenizer,
  constantRate,
  gptConfig,
  initGpt,
  languageModelLoss,
  trainLanguageModel,
  warmupCosine,
} from '../../src/nn/index.js';
import { seededRandom } from '../../src/random/index.js';

const folder = new URL('../../../shared/data/tiny-shakespeare/input.txt', import.meta.url);

test('a 2-layer model learns one batch by heart', async () => {
  const text = 'To be, or not to be, that is the question: ';
  const tokenizer = charTokenizer(text);
  const data = tokenizer.encode(text);
  const config = gptConfig({
    vocabSize: tokenizer.vocabSize,
    blockSize: data.length - 1,
    nLayer: 2,
    nHead: 2,
    nEmbd: 32,
  });
  const random = seededRandom(1);
  const losses: number[] = [];
  const { params } = await trainLanguageModel({
    params: initGpt(config, random),
    config,
    data, // one window: every batch is the same
    steps: 120,
    batch: 1,
    schedule: constantRate(0.01),
    random,
    onStep: ({ loss }) => void losses.push(loss),
  });
  expect(losses[0]).toBeGreaterThan(2.5); // about log V = 3.0 at first
  expect(await languageModelLoss(params, config, data)).toBeLessThan(0.02);
});

/** Loss on `held` of the model that predicts a token from the one before (or from none), counts plus one. */
function countingLoss(train: Int32Array, held: Int32Array, vocabSize: number, isBigram: boolean): number {
  const counts = Array.from({ length: isBigram ? vocabSize : 1 }, () => new Float64Array(vocabSize).fill(1));
  const row = (data: Int32Array, i: number): Float64Array => counts[isBigram ? data[i - 1]! : 0]!;
  for (let i = 1; i < train.length; i++) row(train, i)[train[i]!]!++;
  const totals = counts.map((c) => c.reduce((sum, x) => sum + x, 0));
  let loss = 0;
  for (let i = 1; i < held.length; i++)
    loss -= Math.log(row(held, i)[held[i]!]! / totals[isBigram ? held[i - 1]! : 0]!);
  return loss / (held.length - 1);
}

describe.skipIf(!existsSync(folder))(
  'tiny-shakespeare (skipped where ../shared/data/tiny-shakespeare is absent)',
  () => {
    // A lower bar than the real run of bench/shakespeare.mjs: some seconds of training, so a character model that has
    // found more than the counts of single characters (3.35 nats) and of pairs (2.48 nats) can tell.
    test('a small 2-layer model soon beats the counts of characters and of pairs on held-out text', async () => {
      const text = readFileSync(folder, 'utf8');
      const tokenizer = charTokenizer(text, { unknown: 'refuse' });
      const ids = tokenizer.encode(text);
      const cut = Math.floor(0.9 * ids.length);
      const [train, held] = [ids.slice(0, cut), ids.slice(cut)];
      const unigram = countingLoss(train, held, tokenizer.vocabSize, false);
      const bigram = countingLoss(train, held, tokenizer.vocabSize, true);
      expect([unigram, bigram].map((x) => Number(x.toFixed(2)))).toEqual([3.35, 2.48]);

      const config = gptConfig({ vocabSize: tokenizer.vocabSize, blockSize: 8, nLayer: 2, nHead: 2, nEmbd: 32 });
      const random = seededRandom(1);
      const early: number[] = [];
      const { params } = await trainLanguageModel({
        params: initGpt(config, random, { deviation: 0.08 }),
        config,
        data: train,
        steps: 220,
        batch: 48,
        schedule: warmupCosine({ peak: 0.007, warmup: 20, steps: 220, final: 0.0007 }),
        beta2: 0.99,
        random,
        onStep: async (report) => {
          if (report.step === 60)
            early.push(await languageModelLoss(report.params, config, held, { maxWindows: 1000 }));
        },
      });
      const loss = await languageModelLoss(params, config, held, { maxWindows: 2000 });
      expect(early[0]).toBeLessThan(unigram - 0.4);
      expect(loss).toBeLessThan(bigram);
    });
  },
);
