import { describe, expect, test } from 'vitest';
import { fastestResampler } from '../../src/pope/fastest-resampler.js';
import { normal, type Random, seededRandom, uniformInt } from '../../src/random/index.js';
import {
  bootstrapInterval,
  bootstrapMany,
  type IntervalOptions,
  interval,
  poissonBootstrap,
  poissonBootstrapMany,
  type RoundTermArrays,
  resamplings,
  standardError,
} from '../../src/stats/index.js';
import { bootstrapReplicates } from '../../src/stats/interval/bootstrap.js';
import { columnsOf, estimateOf, type TermColumns, valueFromTotals } from '../../src/stats/terms.js';

function termsOf(rows: number, seed: number): Record<'mean' | 'ratio' | 'robust', RoundTermArrays> {
  const random = seededRandom(seed);
  const weight = Float64Array.from({ length: rows }, () => Math.exp(0.7 * normal(random)));
  const reward = Float64Array.from({ length: rows }, () => 1 + normal(random));
  const numerator = weight.map((w, i) => w * reward[i]!);
  return {
    mean: { numerator, denominator: null, baseline: null },
    ratio: { numerator, denominator: weight, baseline: null },
    robust: { numerator, denominator: weight, baseline: reward.map((r) => r / 2) },
  };
}

/** The bootstrap as it was: an index a draw. */
function byIndices(columns: TermColumns, random: Random, resamples: number): Float64Array {
  const { rows, numerator, denominator, baseline, count } = columns;
  return Float64Array.from({ length: resamples }, () => {
    let [a, b, c, n] = [0, 0, 0, 0];
    for (let draw = 0; draw < rows; draw++) {
      const i = uniformInt(random, rows);
      a += numerator[i]!;
      b += denominator[i]!;
      c += baseline[i]!;
      n += count[i]!;
    }
    return valueFromTotals(a, b, c, n);
  });
}

const moments = (x: Float64Array) => {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const squares = x.map((v) => (v - mean) ** 2);
  const variance = squares.reduce((a, b) => a + b, 0) / x.length;
  const fourth = squares.reduce((a, b) => a + b * b, 0) / x.length;
  return { mean, variance, meanError: variance / x.length, varianceError: (fourth - variance ** 2) / x.length };
};

/** Same mean and variance within 4.5 standard errors, and the same distribution by Kolmogorov and Smirnov at 1e-5. */
function expectSameLaw(x: Float64Array, y: Float64Array): void {
  const [one, other] = [moments(x), moments(y)];
  expect(Math.abs(one.mean - other.mean)).toBeLessThan(4.5 * Math.sqrt(one.meanError + other.meanError));
  expect(Math.abs(one.variance - other.variance)).toBeLessThan(
    4.5 * Math.sqrt(one.varianceError + other.varianceError),
  );
  // sums in another order: values that are equal but for rounding are one
  const [p, q] = [x, y].map((values) => values.map((v) => Math.round(v * 1e9)).sort()) as [Float64Array, Float64Array];
  let [i, j, far] = [0, 0, 0];
  while (i < p.length && j < q.length) {
    const value = Math.min(p[i]!, q[j]!);
    while (p[i] === value) i++;
    while (q[j] === value) j++;
    far = Math.max(far, Math.abs(i / p.length - j / q.length));
  }
  expect(far).toBeLessThan(Math.sqrt((-Math.log(1e-5 / 2) / 2) * (1 / p.length + 1 / q.length)));
}

const options = (more: Partial<IntervalOptions> = {}): IntervalOptions => ({
  level: 0.9,
  random: seededRandom(9),
  resamples: 4000,
  ...more,
});

describe.each(['mean', 'ratio', 'robust'] as const)('the bootstrap of a %s', (kind) => {
  test('has the law of drawing indices', () => {
    for (const rows of [5, 40]) {
      const columns = columnsOf(termsOf(rows, rows)[kind]);
      expectSameLaw(bootstrapReplicates([columns], options())[0]!, byIndices(columns, seededRandom(1), 4000));
    }
  });

  test('by Poisson counts has the same law on many rounds', () => {
    const columns = columnsOf(termsOf(3000, 2)[kind]);
    const [exact, poisson] = resamplings.map(
      (resampling) => bootstrapReplicates([columns], options({ resampling, resampler: fastestResampler }))[0]!,
    );
    expectSameLaw(exact!, poisson!);
    const error = standardError(termsOf(3000, 2)[kind]);
    for (const replicates of [exact!, poisson!]) {
      expect(Math.abs(Math.sqrt(moments(replicates).variance) / error - 1)).toBeLessThan(4.5 / Math.sqrt(8000) + 0.01);
    }
  });

  test('does not depend on who computes it', () => {
    const terms = termsOf(9000, 3)[kind];
    for (const find of [bootstrapInterval, poissonBootstrap]) {
      const found = find(terms, options({ resamples: 20, resampler: fastestResampler }));
      expect(found).toEqual(find(terms, options({ resamples: 20 })));
    }
  });
});

describe('poissonBootstrap', () => {
  const { mean, ratio, robust } = termsOf(500, 4);

  test('is the bootstrap with resampling poisson, many at a time or one', () => {
    const all = poissonBootstrapMany([mean, ratio, robust], options());
    expect(all).toEqual(bootstrapMany([mean, ratio, robust], options({ resampling: 'poisson' })));
    expect(poissonBootstrap(robust, options())).toEqual(all[2]);
    expect(all[1]).not.toEqual(bootstrapInterval(ratio, options()));
  });

  test('whole clusters are resampled', () => {
    const clusterOf = Int32Array.from({ length: 500 }, (_, i) => Math.floor(i / 10));
    const clustered = options({ clusterOf, clusters: 50, resampling: 'poisson' });
    const { lower, upper, stdError } = interval('bootstrap', ratio, clustered);
    expect((upper - lower) / (2 * 1.645 * stdError)).toBeGreaterThan(0.8);
    expect((upper - lower) / (2 * 1.645 * stdError)).toBeLessThan(1.2);
  });

  test('leaves out resamples that drew nothing', () => {
    const few: RoundTermArrays = { numerator: Float64Array.of(2, 4), denominator: null, baseline: null };
    const replicates = bootstrapReplicates([columnsOf(few)], options({ resampling: 'poisson' }))[0]!;
    const none = replicates.filter(Number.isNaN).length / 4000;
    expect(Math.abs(none - Math.exp(-2))).toBeLessThan(4.5 * Math.sqrt((Math.exp(-2) * (1 - Math.exp(-2))) / 4000));
    expect(poissonBootstrap(few, options())).toMatchObject({ estimate: 3, lower: 2, upper: 4 });
  });

  test('refuses what the bootstrap refuses, and another resampling', () => {
    expect(() => poissonBootstrap(mean, { level: 0.9 })).toThrow(/random/);
    expect(() => poissonBootstrap(mean, options({ level: 1 }))).toThrow(/level/);
    expect(() => poissonBootstrap(mean, options({ resamples: 0 }))).toThrow(/resamples/);
    const wrong = { resampling: 'bayes' } as unknown as Partial<IntervalOptions>;
    expect(() => bootstrapInterval(mean, options(wrong))).toThrow(
      /resampling is "bayes"; expected one of multinomial, poisson/,
    );
  });
});

test('columns that several estimates share, and constant ones, are summed once and give the same figures', () => {
  const { mean, ratio, robust } = termsOf(60, 5);
  const widths: number[] = [];
  const copied: RoundTermArrays = { ...ratio, denominator: ratio.denominator!.slice() };
  const units = [mean, ratio, robust, copied].map(columnsOf);
  const counted = options({
    resamples: 10,
    resampler: (request) => {
      widths.push(request.columns.length);
      return fastestResampler(request);
    },
  });
  const found = bootstrapReplicates(units, counted);
  expect(widths).toEqual([3]); // the weighted rewards, the weights, the baseline
  expect(found[3]).toEqual(found[1]);
  const alone = units.map((columns) => bootstrapReplicates([columns], options({ resamples: 10 }))[0]!);
  expect(found).toEqual(alone);
  expect(estimateOf(copied)).toBe(estimateOf(ratio));
});
