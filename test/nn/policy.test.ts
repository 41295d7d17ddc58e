import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { valueAndGrad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  candidatePolicy,
  charTokenizer,
  encodePairs,
  type GptParams,
  gptPolicy,
  sequenceLogProb,
  tokenLogProb,
} from '../../src/nn/index.js';
import { gather, logSoftmax, sum } from '../../src/ops/index.js';
import { leavesOf } from '../../src/tensor/index.js';
import { slowGptLogits } from './slow-gpt.js';
import { distance, tinyGpt } from './tiny-gpt.js';

const tokenizer = charTokenizer('abc', { unknown: 'refuse' }); // ids a b c, end 3
const model = (seed = 7) => tinyGpt({ vocabSize: 4, blockSize: 8 }, seed);
const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }).map((letters) => letters.join(''));
const pair = fc.tuple(text, text);

/** All strings over abc of exactly `length` letters. */
const strings = (length: number): string[] =>
  length === 0 ? [''] : strings(length - 1).flatMap((s) => ['a', 'b', 'c'].map((c) => s + c));

describe('encodePairs', () => {
  test('lays out prompt, separator, response and end', () => {
    const batch = encodePairs(tokenizer, ['ab', ''], ['c', 'bb'], 8);
    expect(batch).toMatchObject({ rows: 2, columns: 4 });
    expect([...batch.tokens]).toEqual([0, 1, 3, 2, 3, 1, 1, 0]);
    expect([...batch.targets]).toEqual([-1, -1, 2, 3, 1, 1, 3, -1]);
    expect([...batch.lengths]).toEqual([4, 3]);
  });

  test('a long prompt loses its beginning, whatever the response', () => {
    for (const response of ['', 'a', 'ab']) {
      const batch = encodePairs(tokenizer, ['aaaabbbccc'], [response], 8, { maxPromptTokens: 5 });
      expect([...batch.tokens.slice(0, 6)]).toEqual([1, 1, 2, 2, 2, 3]);
    }
    expect(encodePairs(tokenizer, ['abcabcabc'], ['a'], 8).lengths[0]).toBe(6 + 2);
  });

  test('a long response is refused, or cut without its end', () => {
    expect(() => encodePairs(tokenizer, ['ab'], ['abcabc'], 8)).toThrow(/a response has 6 tokens; expected at most 5/);
    expect([...encodePairs(tokenizer, ['ab'], ['abcab'], 8).targets]).toEqual([-1, -1, 0, 1, 2, 0, 1, 3]);
    expect([...encodePairs(tokenizer, ['ab'], ['abcabcc'], 8, { truncate: true }).targets]).toEqual([
      -1, -1, 0, 1, 2, 0, 1, 2,
    ]);
    expect(() => encodePairs(tokenizer, ['ab'], ['a', 'b'], 8)).toThrow(/responses has 2 texts; expected 1/);
    expect(() => encodePairs(tokenizer, [], [], 8)).toThrow(/prompts is \[\]/);
    expect(() => encodePairs(tokenizer, ['ab'], ['a'], 8, { maxPromptTokens: 8 })).toThrow(/maxPromptTokens is 8/);
  });
});

describe('sequenceLogProb', () => {
  test.prop([pair], { numRuns: 30 })('is the sum that the slow twin gives', ([prompt, response]) => {
    const { config, params } = model();
    const ids = [...tokenizer.encode(prompt), 3, ...tokenizer.encode(response), 3];
    const logits = slowGptLogits(params, config, ids.slice(0, -1));
    let expected = 0;
    for (let t = prompt.length; t < ids.length - 1; t++) {
      const row = logits[t]!;
      expected += row[ids[t + 1]!]! - Math.log(row.reduce((total, x) => total + Math.exp(x), 0));
    }
    const found = sequenceLogProb(
      params,
      config,
      encodePairs(tokenizer, [prompt], [response], config.blockSize),
    ).item();
    expect(Math.abs(found - expected)).toBeLessThan(1e-10);
  });

  test.prop([fc.array(pair, { minLength: 1, maxLength: 5 })], { numRuns: 25 })(
    'padding and company change nothing, and the tokens add up to it',
    (pairs) => {
      const { config, params } = model();
      const batch = encodePairs(
        tokenizer,
        pairs.map(([x]) => x),
        pairs.map(([, y]) => y),
        8,
      );
      const together = sequenceLogProb(params, config, batch).dataSync();
      const alone = pairs.map(([x, y]) => sequenceLogProb(params, config, encodePairs(tokenizer, [x], [y], 8)).item());
      expect(distance(together, alone)).toBeLessThan(1e-12);
      expect(distance(together, sum(tokenLogProb(params, config, batch), 1).dataSync())).toBeLessThan(1e-12);
      const policy = gptPolicy(config, tokenizer, { tokensPerBatch: 9 }).bind(params);
      expect(
        distance(
          policy
            .logProb(
              pairs.map(([x]) => x),
              pairs.map(([, y]) => y),
            )
            .dataSync(),
          alone,
        ),
      ).toBeLessThan(1e-12);
    },
  );

  test('the probabilities of all strings up to 4 letters, and of going on after them, sum to 1', () => {
    const { config, params } = model();
    const all = [0, 1, 2, 3, 4].flatMap(strings);
    const logProb = gptPolicy(config, tokenizer)
      .bind(params)
      .logProb(
        all.map(() => 'ca'),
        all,
      );
    const finished = [...logProb.dataSync()].reduce((total, l) => total + Math.exp(l), 0);
    // A string of 5 letters that is cut before its end is the event of beginning so: 'truncate' scores just that.
    const open = strings(5);
    const cut = encodePairs(
      tokenizer,
      open.map(() => 'ca'),
      open,
      7,
      { truncate: true, maxPromptTokens: 2 },
    );
    const goesOn = [...sequenceLogProb(params, config, cut).dataSync()].reduce((total, l) => total + Math.exp(l), 0);
    expect(finished).toBeLessThan(1);
    expect(finished).toBeGreaterThan(0.2);
    expect(Math.abs(finished + goesOn - 1)).toBeLessThan(1e-12);
  });
});

describe('candidatePolicy', () => {
  const candidates = ['a', 'abc', '', 'bb', 'cab'];
  const candidatesOf = (prompt: string): readonly string[] => (prompt === 'c' ? ['b', 'a'] : candidates);

  test.prop([text, fc.constantFrom(0, 0.5, 1), fc.constantFrom(1, 3), fc.integer({ min: 1, max: 40 })], {
    numRuns: 25,
  })('is the softmax of the scores over the candidates', (prompt, lengthExponent, scoreScale, tokensPerBatch) => {
    const { config, params } = model();
    const list = candidatesOf(prompt);
    const scores = [
      ...gptPolicy(config, tokenizer)
        .bind(params)
        .logProb(
          list.map(() => prompt),
          list,
        )
        .dataSync(),
    ].map((l, k) => (scoreScale * l) / (list[k]!.length + 1) ** lengthExponent);
    const norm = Math.log(scores.reduce((total, s) => total + Math.exp(s), 0));
    const policy = candidatePolicy(config, tokenizer, candidatesOf, {
      lengthExponent,
      scoreScale,
      tokensPerBatch,
    }).bind(params);
    const [found] = policy.distribution([prompt]);
    expect(
      distance(
        found!.dataSync(),
        scores.map((s) => s - norm),
      ),
    ).toBeLessThan(1e-12);
    const prompts = [...list.map(() => prompt), 'c', prompt];
    const responses = [...list, 'a', list[1]!];
    const logProb = policy.logProb(prompts, responses).dataSync();
    expect(distance(logProb.slice(0, list.length), found!.dataSync())).toBe(0);
    expect(logProb[list.length]).toBe(policy.distribution(['c'])[0]!.dataSync()[1]);
    expect(logProb[list.length + 1]).toBe(found!.dataSync()[1]);
  });

  test('the gradient through the shared prompt is that of the plain policy', () => {
    const { config, params } = model();
    const prompts = candidates.map(() => 'ab');
    const viaCandidates = valueAndGrad((p: GptParams) => {
      const l = candidatePolicy(config, tokenizer, candidatesOf).bind(p).logProb(['ab', 'ab', 'ab'], ['abc', 'a', 'a']);
      return sum(l);
    })(params);
    const viaStrings = valueAndGrad((p: GptParams) => {
      const l = gptPolicy(config, tokenizer).bind(p).logProb(prompts, candidates);
      return sum(gather(logSoftmax(l), tensor([1, 0, 0], { dtype: 'int32' })));
    })(params);
    expect(Math.abs(viaCandidates.value.item() - viaStrings.value.item())).toBeLessThan(1e-12);
    leavesOf(viaCandidates.gradient).forEach((leaf, i) => {
      expect(distance(leaf.dataSync(), leavesOf(viaStrings.gradient)[i]!.dataSync())).toBeLessThan(1e-12);
    });
  });

  test('refuses a response that is no candidate, repeats, and a foreign tokenizer', () => {
    const { config, params } = model();
    const policy = candidatePolicy(config, tokenizer, candidatesOf).bind(params);
    expect(() => policy.logProb(['a'], ['cc'])).toThrow(
      /responses\[0\] is "cc"; expected one of the 5 candidates of its prompt "a"/,
    );
    const twice = candidatePolicy(config, tokenizer, () => ['a', 'a']).bind(params);
    expect(() => twice.distribution(['a'])).toThrow(/expected texts without repeats/);
    const none = candidatePolicy(config, tokenizer, () => []).bind(params);
    expect(() => none.distribution(['a'])).toThrow(/expected a list of at least one text/);
    expect(() => gptPolicy(config, charTokenizer('abcdef'))).toThrow(
      /tokenizer.vocabSize is 8; expected at most config.vocabSize = 4/,
    );
    expect(() => candidatePolicy(config, tokenizer, candidatesOf, { lengthExponent: Number.NaN })).toThrow(
      /lengthExponent is NaN/,
    );
    expect(() => gptPolicy(config, tokenizer).bind(params).logProb(['aé'], ['a'])).toThrow(/U\+00E9/);
  });
});
