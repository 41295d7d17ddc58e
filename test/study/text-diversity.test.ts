import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { distinctBigrams, selfBleu } from '../../src/study/text-diversity.js';

const texts = fc.array(
  fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 }).map((words) => words.join(' ')),
  {
    minLength: 2,
    maxLength: 6,
  },
);

describe('distinct bigrams', () => {
  test('by hand: 3 of the 4 bigrams of "a b c" and "A b, d" differ', () => {
    expect(distinctBigrams(['a b c', 'A b, d'])).toBe(3 / 4);
    expect(distinctBigrams(['one', 'two'])).toBe(1);
  });
  test.prop([texts])('lie in (0, 1], and saying all of it twice does not add any', (some) => {
    const once = distinctBigrams(some);
    expect(once > 0 && once <= 1).toBe(true);
    if (some.some((text) => text.includes(' '))) expect(distinctBigrams([...some, ...some])).toBeCloseTo(once / 2, 12);
  });
});

describe('self-BLEU', () => {
  test('is 1 where all texts are one, and small where none shares a word', () => {
    expect(selfBleu(['a b c d e', 'a b c d e'])).toBe(1);
    // nothing matched: 0.1 over 2 words and over 1 pair of them
    expect(selfBleu(['a b', 'c d'])).toBeCloseTo(Math.sqrt((0.1 / 2) * 0.1), 12);
  });
  test.prop([texts])('lies in [0, 1] and does not ask for the order of the texts', (some) => {
    const score = selfBleu(some);
    expect(score >= 0 && score <= 1).toBe(true);
    expect(selfBleu([...some].reverse())).toBeCloseTo(score, 12);
  });
});
