import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkGradient, grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  charTokenizer,
  encodePairs,
  type GptConfig,
  type GptParams,
  responseTokenTerms,
  sequenceLogProb,
  type TokenBatch,
  tokenLogProb,
} from '../../src/nn/index.js';
import { exp, mul, neg, segmentSum, sub, sum } from '../../src/ops/index.js';
import { chainRuleEntropy } from '../../src/pope/index.js';
import { leavesOf, type Tensor } from '../../src/tensor/index.js';
import { slowGptLogits } from './slow-gpt.js';
import { distance, tinyGpt } from './tiny-gpt.js';

const tokenizer = charTokenizer('ab', { unknown: 'refuse' }); // ids a b, end 2
const sizes = { vocabSize: 3, blockSize: 8 };
const text = fc.array(fc.constantFrom('a', 'b'), { maxLength: 3 }).map((letters) => letters.join(''));
const strings = (length: number): string[] =>
  length === 0 ? [''] : strings(length - 1).flatMap((s) => ['a', 'b'].map((c) => s + c));

/** Every response to the prompt "ba" of at most 3 letters, and every beginning of 4 letters of those that go on. */
const everyResponse = (): TokenBatch => {
  const all = [0, 1, 2, 3, 4].flatMap(strings);
  return encodePairs(
    tokenizer,
    all.map(() => 'ba'),
    all,
    6,
    { maxPromptTokens: 2, truncate: true },
  );
};

/** H(pi), from the probabilities of whole responses alone. */
function wholeEntropy(params: GptParams, config: GptConfig, batch: TokenBatch): Tensor {
  const logProb = sequenceLogProb(params, config, batch);
  return neg(sum(mul(exp(logProb), logProb)));
}

/** E_pi0 of the chain-rule numbers, pi0 another model. */
function chainEntropy(params: GptParams, config: GptConfig, logging: GptParams, batch: TokenBatch): Tensor {
  const { logProb, entropy, tokenOf } = responseTokenTerms(params, config, batch);
  const logged = responseTokenTerms(logging, config, batch).logProb;
  const values = chainRuleEntropy(sub(logProb, logged), entropy, tokenOf, batch.rows);
  return sum(mul(exp(segmentSum(logged, tokenOf, batch.rows)), values));
}

describe('responseTokenTerms', () => {
  test.prop([fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 })], { numRuns: 20 })(
    'gives, in one pass, what the slow twin gives token by token',
    (pairs) => {
      const { config, params } = tinyGpt(sizes);
      const batch = encodePairs(
        tokenizer,
        pairs.map(([x]) => x),
        pairs.map(([, y]) => y),
        8,
      );
      const { logProb, entropy, tokenOf } = responseTokenTerms(params, config, batch);
      const expected = pairs.flatMap(([x, y], row) => {
        const ids = [...tokenizer.encode(x), 2, ...tokenizer.encode(y), 2];
        return slowGptLogits(params, config, ids.slice(0, -1))
          .map((logits, t) => {
            const norm = Math.log(logits.reduce((total, l) => total + Math.exp(l), 0));
            const h = logits.reduce((total, l) => total - Math.exp(l - norm) * (l - norm), 0);
            return [logits[ids[t + 1]!]! - norm, h, row];
          })
          .slice(x.length);
      });
      [logProb, entropy, tokenOf].forEach((found, i) => {
        expect(
          distance(
            found.dataSync(),
            expected.map((row) => row[i]!),
          ),
        ).toBeLessThan(1e-10);
      });
      expect(
        distance(
          segmentSum(logProb, tokenOf, batch.rows).dataSync(),
          sequenceLogProb(params, config, batch).dataSync(),
        ),
      ).toBeLessThan(1e-12);
      expect(
        distance(
          logProb.dataSync(),
          [...tokenLogProb(params, config, batch).dataSync()].filter((_, i) => batch.targets[i]! >= 0),
        ),
      ).toBeLessThan(1e-12);
    },
  );

  test('entropies stay within [0, log V], also of a model that is certain', () => {
    const { config, params } = tinyGpt(sizes);
    const certain = { ...params, ln_f: { ...params.ln_f, weight: mul(params.ln_f.weight, 1e4) } };
    for (const model of [params, certain]) {
      const { entropy } = responseTokenTerms(model, config, everyResponse());
      for (const h of entropy.dataSync()) {
        expect(h).toBeGreaterThanOrEqual(0);
        expect(h).toBeLessThanOrEqual(Math.log(3) + 1e-12);
      }
    }
  });
});

describe('T20 on a transformer', () => {
  test.each([
    ['float64', 1e-10],
    ['float32', 1e-4],
  ] as const)('T20: the chain rule under another model is the entropy over all responses, %s', (dtype, tolerance) => {
    const { config, params } = tinyGpt(sizes, 7, dtype);
    const { params: logging } = tinyGpt(sizes, 8, dtype);
    const batch = everyResponse();
    const logProb = sequenceLogProb(params, config, batch);
    expect(Math.abs(sum(exp(logProb)).item() - 1)).toBeLessThan(tolerance);
    const exact = wholeEntropy(params, config, batch).item();
    expect(exact).toBeGreaterThan(1);
    expect(exact).toBeLessThan(Math.log(31));
    expect(Math.abs(chainEntropy(params, config, logging, batch).item() - exact)).toBeLessThan(tolerance);
    // the two models are far enough apart for the ratios to matter
    expect(Math.abs(chainEntropy(params, config, params, batch).item() - exact)).toBeLessThan(tolerance);
    const { entropy, tokenOf, logProb: steps } = responseTokenTerms(params, config, batch);
    const unweighted = chainRuleEntropy(mul(steps, 0), entropy, tokenOf, batch.rows);
    expect(Math.abs(sum(mul(exp(sequenceLogProb(logging, config, batch)), unweighted)).item() - exact)).toBeGreaterThan(
      0.01,
    );
  });

  test('T20: and so is its gradient in every parameter', () => {
    const { config, params } = tinyGpt(sizes);
    const { params: logging } = tinyGpt(sizes, 8);
    const batch = everyResponse();
    const [chain, whole] = [
      grad((p: GptParams) => chainEntropy(p, config, logging, batch))(params),
      grad((p: GptParams) => wholeEntropy(p, config, batch))(params),
    ];
    leavesOf(chain).forEach((leaf, i) => {
      expect(distance(leaf.dataSync(), leavesOf(whole)[i]!.dataSync())).toBeLessThan(1e-9);
    });
  });

  test('T20: the gradient of the next-token entropies is that of central differences', () => {
    const { config, params } = tinyGpt({ ...sizes, nLayer: 1, nEmbd: 2, nHead: 1 });
    const batch = encodePairs(tokenizer, ['b', ''], ['ab', 'b'], 8);
    const { tokenOf } = responseTokenTerms(params, config, batch);
    const logging = tensor(new Float64Array(tokenOf.size).fill(-1));
    checkGradient((p: GptParams) => {
      const { logProb, entropy } = responseTokenTerms(p, config, batch);
      return chainRuleEntropy(sub(logProb, logging), entropy, tokenOf, batch.rows);
    }, params);
  });
});
