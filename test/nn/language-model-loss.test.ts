import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { languageModelLoss } from '../../src/nn/index.js';
import { lengthChunks } from '../../src/nn/length-chunks.js';
import { slowGptLogits } from './slow-gpt.js';
import { tinyGpt } from './tiny-gpt.js';

describe('languageModelLoss', () => {
  test.prop(
    [
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 2, maxLength: 25 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 30 }),
    ],
    { numRuns: 25 },
  )(
    'predicts every token but the first once, in windows, as the slow twin does',
    async (ids, length, tokensPerBatch) => {
      const { config, params } = tinyGpt();
      let total = 0;
      for (let start = 0; start + 1 < ids.length; start += length) {
        const window = ids.slice(start, start + length + 1);
        slowGptLogits(params, config, window.slice(0, -1)).forEach((row, t) => {
          total += Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[window[t + 1]!]!;
        });
      }
      const loss = await languageModelLoss(params, config, Int32Array.from(ids), { length, tokensPerBatch });
      expect(Math.abs(loss - total / (ids.length - 1))).toBeLessThan(1e-10);
    },
  );

  test('refuses a text without a token to predict', async () => {
    const { config, params } = tinyGpt();
    await expect(languageModelLoss(params, config, Int32Array.of(1))).rejects.toThrow(
      /data is "1 tokens"; expected at least 2/,
    );
  });
});

test.prop([fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 30 }), fc.integer({ min: 1, max: 60 })])(
  'lengthChunks: every row once, no group above the limit but a single row',
  (lengths, maxTokens) => {
    const chunks = lengthChunks(lengths, maxTokens);
    expect(chunks.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
    for (const chunk of chunks) {
      const padded = chunk.length * Math.max(...chunk.map((i) => lengths[i]!));
      expect(chunk.length === 1 || padded <= maxTokens).toBe(true);
    }
  },
);
