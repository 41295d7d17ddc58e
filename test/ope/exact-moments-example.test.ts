// #region exact-moments
import { exactMoments, ips, snips } from 'pope-ts';
import { expect, test } from 'vitest';

// Two responses. The log says the first nine times out of ten, the target the second.
const problem = {
  contextProb: [1],
  logging: [[0.9, 0.1]],
  target: [[0.1, 0.9]],
  reward: [[1, 2]],
};

test('ips is unbiased and noisy, snips biased and less so', () => {
  const plain = exactMoments(ips, problem, { rounds: 10 });
  const normalized = exactMoments(snips, problem, { rounds: 10 });

  expect(plain.value).toBeCloseTo(1.9, 12);
  expect(plain.bias).toBeCloseTo(0, 12);
  expect(plain.variance).toBeCloseTo((0.9 * (1 / 9) ** 2 + 0.1 * 18 ** 2 - 1.9 ** 2) / 10, 12);
  expect(normalized.bias).toBeLessThan(-0.25);
  expect(normalized.meanSquaredError).toBeLessThan(0.1 * plain.meanSquaredError);
});
// #endregion exact-moments
