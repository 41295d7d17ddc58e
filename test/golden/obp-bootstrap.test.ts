import { describe, expect, test } from 'vitest';
import { ips } from '../../src/ope/index.js';
import { seededRandom } from '../../src/random/index.js';
import { bootstrapInterval, type RoundTermArrays } from '../../src/stats/index.js';
import { type Bootstrap, columnsOf, discreteCases, inputOf, mean, slateCases, spread, termsOf } from './obp-cases.js';

const resamples = 10_000;
/** Five standard errors of an empirical level of 0.025 on theirs and on our resamples. */
const levelSlack = 5 * Math.sqrt((2 * 0.025 * 0.975) / resamples);

/** Their ends lie between our quantiles a little further out and a little further in. */
function expectSameBootstrap(numerator: Float64Array, theirs: Bootstrap): void {
  const terms: RoundTermArrays = { numerator, denominator: null, baseline: null };
  const at = (tail: number) => bootstrapInterval(terms, { level: 1 - 2 * tail, random: seededRandom(7), resamples });
  const [outer, inner] = [at(0.025 - levelSlack), at(0.025 + levelSlack)];
  const rounding = 1e-9 * (1 + Math.abs(theirs.upper));
  expect(theirs.lower).toBeGreaterThanOrEqual(outer.lower - rounding);
  expect(theirs.lower).toBeLessThanOrEqual(inner.lower + rounding);
  expect(theirs.upper).toBeGreaterThanOrEqual(inner.upper - rounding);
  expect(theirs.upper).toBeLessThanOrEqual(outer.upper + rounding);
  const monteCarlo = spread(numerator) / Math.sqrt(numerator.length * resamples);
  expect(Math.abs(theirs.mean - mean(numerator))).toBeLessThanOrEqual(5 * monteCarlo + rounding);
}

describe('Open Bandit Pipeline: percentile bootstrap within Monte Carlo error', () => {
  test.each(discreteCases)('$id: ips', ({ inputs, helpers }) => {
    expect(helpers.bootstrap_percentile_95_ipw.resamples).toBe(resamples);
    expectSameBootstrap(termsOf(ips, inputOf(columnsOf(inputs, inputs.pscore))).numerator, helpers.bootstrap_percentile_95_ipw);
  });

  // theirs resamples slates with the weights' means held fixed, so it is the bootstrap of their sums over slots
  test.each(slateCases.flatMap(({ id, inputs, outputs, shape }) => outputs.map((o) => ({ id, inputs, shape, ...o }))))(
    '$id: $estimator',
    ({ inputs, shape, slot_values, bootstrap_percentile_95 }) => {
      const sums = new Float64Array(shape.n_slates);
      slot_values!.forEach((v, i) => void (sums[inputs.slate_id[i]] += Number(v)));
      expectSameBootstrap(sums, bootstrap_percentile_95!);
    },
  );
});
