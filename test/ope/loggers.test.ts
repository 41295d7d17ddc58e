import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import {
  decomposedIps,
  doublyRobust,
  type Estimator,
  type EstimatorInput,
  exactValue,
  type FiniteProblem,
  inverseVarianceTerms,
  mixtureLogPropensity,
  stratifiedStandardError,
  stratumShares,
  stratumVariances,
  weighStrata,
} from '../../src/ope/index.js';
import { estimateOf, type RoundTermArrays, standardError, tInterval } from '../../src/stats/index.js';
import { scope } from '../../src/tensor/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { expectAllClose, expectAtLeast, expectClose } from '../theorems/close.js';
import { everyRound } from '../theorems/enumerate.js';

type Table = readonly (readonly number[])[];
const numbers = (values: readonly number[]) => tensor(Float64Array.from(values));

/** A problem with the policies of several loggers and how many rounds each made. */
interface Loggers {
  readonly problem: FiniteProblem;
  readonly loggers: readonly Table[];
  readonly counts: readonly number[];
}

const sharesOf = ({ counts }: Loggers) => counts.map((n) => n / counts.reduce((a, b) => a + b, 0));

/** pi_avg, by the function under test. */
function mixtureOf(all: Loggers): Table {
  const flat = all.loggers.map((table) => Float64Array.from(table.flat(), Math.log));
  const mixed = mixtureLogPropensity(flat, sharesOf(all)).map(Math.exp);
  const k = all.loggers[0][0].length;
  return all.loggers[0].map((_, x) => [...mixed.slice(x * k, (x + 1) * k)]);
}

interface Drawn {
  readonly probability: number;
  readonly a: number;
  readonly c: number;
}

/** The terms of every round that a logger can make, with the ratio taken to the policy `assumed`. */
function drawnBy(use: Estimator, problem: FiniteProblem, logger: Table, assumed: Table, w: readonly number[]): Drawn[] {
  const all = everyRound({ ...problem, logging: logger }, w.length);
  const { target, reward, predicted } = problem;
  const flat = (f: (x: number, y: number, j: number) => number) =>
    numbers(all.flatMap(({ context, slate }) => slate.map((y, j) => f(context, y, j))));
  return scope(() => {
    const input: EstimatorInput = {
      rounds: all.length,
      logRatio: flat((x, y) => Math.log(target[x][y]) - Math.log(assumed[x][y])),
      reward: flat((x, y) => reward[x][y]),
      slateWeight: flat((_x, _y, j) => w[j]),
      roundOf: tensor(Int32Array.from(all.flatMap(({ slate }, i) => slate.map(() => i)))),
      predictedReward: flat((x, y) => predicted?.[x][y] ?? 0),
      predictedValue: numbers(
        all.map(({ context: x }) => target[x].reduce((sum, p, y) => sum + p * (predicted?.[x][y] ?? 0), 0)),
      ),
    };
    const { numerator, baseline } = use(input);
    const [a, c] = [numerator.dataSync(), baseline?.dataSync()];
    return all.map(({ probability }, i) => ({ probability, a: a[i], c: c?.[i] ?? 0 }));
  });
}

const expected = (drawn: readonly Drawn[], f: (t: number) => number) =>
  drawn.reduce((sum, { probability, a, c }) => sum + probability * f(a + c), 0);

/** Mean and N times the variance of the plain mean over all rounds, the counts of the strata held fixed. */
function meanOfStrata(use: Estimator, all: Loggers, assumed: (k: number) => Table, w: readonly number[]) {
  const each = all.loggers.map((logger, k) => drawnBy(use, all.problem, logger, assumed(k), w));
  const shares = sharesOf(all);
  const means = each.map((drawn) => expected(drawn, (t) => t));
  const variance = each.reduce((sum, drawn, k) => sum + shares[k] * expected(drawn, (t) => (t - means[k]) ** 2), 0);
  return { mean: means.reduce((sum, m, k) => sum + shares[k] * m, 0), variance, means };
}

const naive = (use: Estimator, all: Loggers, w: readonly number[]) => meanOfStrata(use, all, (k) => all.loggers[k], w);
const balanced = (use: Estimator, all: Loggers, w: readonly number[]) =>
  meanOfStrata(use, all, () => mixtureOf(all), w);

/** Two or three loggers of one problem, each of which covers the target. */
const loggers = (contexts: number, responses: number): fc.Arbitrary<Loggers & { problem: Required<FiniteProblem> }> => {
  const problem = finiteProblem({ contexts, responses });
  return fc
    .record({
      problem,
      others: fc.array(problem, { minLength: 1, maxLength: 2 }),
      counts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }),
    })
    .map(({ problem: first, others, counts }) => ({
      problem: first,
      loggers: [first, ...others].map(({ logging }) => logging),
      counts: counts.slice(0, 1 + others.length),
    }));
};

// #region loggers
test.prop([loggers(2, 3), anySlate(2)])(
  'loggers: naive and balanced, plain and doubly robust, are unbiased with the counts of the strata held fixed',
  (all, w) => {
    for (const use of [decomposedIps, doublyRobust]) {
      expectClose(naive(use, all, w).mean, exactValue(all.problem), 3);
      expectClose(balanced(use, all, w).mean, exactValue(all.problem), 3);
    }
  },
);
// #endregion loggers

const evenHalf = fc.constantFrom([1], [0.5, 0.5], [0.75, 0.25], [0.7, 0.2, 0.1]);

test.prop([loggers(2, 3), evenHalf])(
  'loggers: balanced varies no more than naive where sum w_j^2 >= 1/2: one response, or two',
  (all, w) => {
    const [plain, mixed] = [naive, balanced].map((form) => form(decomposedIps, all, w).variance);
    expectAtLeast(plain, mixed, 10 + plain);
  },
);

test.prop([loggers(2, 3), anySlate(3)])(
  'loggers: N times the gap is W2 J - (1 - W2) E_x D(x) + D for every slate',
  (all, w) => {
    const { problem } = all;
    const [shares, mixture] = [sharesOf(all), mixtureOf(all)];
    const w2 = w.reduce((sum, x) => sum + x * x, 0);
    let [j, inside] = [0, 0];
    const means = shares.map(() => 0);
    problem.contextProb.forEach((px, x) => {
      const f = problem.target[x].map((p, y) => p * problem.reward[x][y]);
      const v = f.reduce((a, b) => a + b, 0);
      f.forEach((fy, y) => {
        const inverse = shares.reduce((sum, s, k) => sum + s / all.loggers[k][x][y], 0);
        j += px * fy * fy * (inverse - 1 / mixture[x][y]);
      });
      shares.forEach((s, k) => {
        const mu = f.reduce((sum, fy, y) => sum + (all.loggers[k][x][y] * fy) / mixture[x][y], 0);
        inside += px * s * (mu - v) ** 2;
        means[k] += px * mu;
      });
    });
    const between = shares.reduce((sum, s, k) => sum + s * (means[k] - exactValue(problem)) ** 2, 0);
    const [plain, mixed] = [naive, balanced].map((form) => form(decomposedIps, all, w));
    expectAllClose(mixed.means, means, 3);
    expectClose(plain.variance - mixed.variance, w2 * j - (1 - w2) * inside + between, 10 + plain.variance);
  },
);

test('loggers: not always: with three responses a round balanced can vary more, 0.0775 against 0.0729', () => {
  // every balanced weight is 1; but a round is all from one logger, and what it likes does not average out within it
  const all: Loggers = {
    problem: {
      contextProb: [0.5, 0.5],
      logging: [],
      target: [
        [0.75, 0.25],
        [0.75, 0.25],
      ],
      reward: [
        [1, 0],
        [1, 0],
      ],
    },
    loggers: [
      [
        [0.9, 0.1],
        [0.6, 0.4],
      ],
      [
        [0.6, 0.4],
        [0.9, 0.1],
      ],
    ],
    counts: [1, 1],
  };
  const third = [1 / 3, 1 / 3, 1 / 3];
  expectClose(naive(decomposedIps, all, third).variance, 0.21875 / 3);
  expectClose(balanced(decomposedIps, all, third).variance, 0.0775);
});

test('loggers: balanced needs only that the loggers together cover the target: 1/2 for 0 and 1/2', () => {
  const all: Loggers = {
    problem: { contextProb: [1], logging: [], target: [[0.5, 0.5]], reward: [[0, 1]] },
    loggers: [[[1, 0]], [[0.5, 0.5]]],
    counts: [1, 1],
  };
  expectClose(balanced(decomposedIps, all, [1]).mean, 0.5);
  expectAllClose(naive(decomposedIps, all, [1]).means, [0, 0.5]);
  expectClose(naive(decomposedIps, all, [1]).mean, 0.25);
});

test('loggers: not where they meet different contexts: balanced says 0.6 for a value of 1, unless shares are of the context', () => {
  // context A only by the first logger, B only by the second
  const [a, b] = [
    [0.9, 0.1],
    [0.1, 0.9],
  ];
  const half = [0.5, 0.5];
  const problem: FiniteProblem = {
    contextProb: half,
    logging: [a, b],
    target: [half, half],
    reward: [
      [1, 0],
      [3, 0],
    ],
  };
  const all: Loggers = {
    problem,
    loggers: [
      [a, a],
      [b, b],
    ],
    counts: [1, 1],
  };
  const mean = (assumed: (k: number) => Table) =>
    all.loggers.reduce((sum, logger, k) => {
      const own = { ...problem, contextProb: [1 - k, k] };
      return sum + expected(drawnBy(decomposedIps, own, logger, assumed(k), [1]), (t) => t) / 2;
    }, 0);
  expectClose(exactValue(problem), 1);
  expectClose(
    mean((k) => all.loggers[k]),
    1,
  );
  expectClose(
    mean(() => mixtureOf(all)),
    0.6,
  );
  const ofContext = [0, 1].map((x) => {
    const logs = all.loggers.map((table) => Float64Array.from(table[x], Math.log));
    return [...mixtureLogPropensity(logs, [1 - x, x]).map(Math.exp)];
  });
  expectClose(
    mean(() => ofContext),
    1,
  );
});

/** Every log of n_k rounds a logger with its terms, and the probability of each. */
function everyLog({ loggers: tables, counts }: Loggers, termsBy: (k: number) => readonly Drawn[]) {
  const stratumOf = Int32Array.from(tables.flatMap((_, k) => new Array<number>(counts[k]).fill(k)));
  let logs: { readonly probability: number; readonly rows: readonly Drawn[] }[] = [{ probability: 1, rows: [] }];
  for (const k of stratumOf) {
    logs = logs.flatMap(({ probability, rows }) =>
      termsBy(k).map((row) => ({ probability: probability * row.probability, rows: [...rows, row] })),
    );
  }
  return logs.map(({ probability, rows }) => {
    const terms: RoundTermArrays = {
      numerator: Float64Array.from(rows, ({ a }) => a),
      denominator: null,
      baseline: Float64Array.from(rows, ({ c }) => c),
    };
    return { probability, terms, stratumOf };
  });
}

const small = loggers(1, 2).map((all) => ({ ...all, loggers: all.loggers.slice(0, 2), counts: [2, 3] }));
const precisions = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 8 }));

test.prop([small, precisions, fc.constantFrom('all' as const, 'correction' as const)])(
  'strata: any fixed precisions leave the estimate unbiased',
  (all, precision, part) => {
    const each = all.loggers.map((logger) => drawnBy(doublyRobust, all.problem, logger, logger, [1]));
    let mean = 0;
    for (const { probability, terms, stratumOf } of everyLog(all, (k) => each[k]))
      mean += probability * estimateOf(weighStrata(terms, stratumOf, precision, part));
    expectClose(mean, exactValue(all.problem), 3);
  },
);

test.prop([small, precisions])('strata: the least variance is that of precisions 1/variance', (all, precision) => {
  const each = all.loggers.map((logger) => drawnBy(decomposedIps, all.problem, logger, logger, [1]));
  const variances = each.map((drawn) => {
    const mean = expected(drawn, (t) => t);
    return expected(drawn, (t) => (t - mean) ** 2);
  });
  fc.pre(variances.every((v) => v > 1e-6));
  const varianceWith = (l: readonly number[]) => {
    let [mean, square] = [0, 0];
    for (const { probability, terms, stratumOf } of everyLog(all, (k) => each[k])) {
      const value = estimateOf(weighStrata(terms, stratumOf, l));
      mean += probability * value;
      square += probability * value * value;
    }
    return square - mean * mean;
  };
  const best = varianceWith(variances.map((v) => 1 / v));
  expectClose(best, 1 / variances.reduce((sum, v, k) => sum + all.counts[k] / v, 0), 10);
  expectAtLeast(varianceWith(precision), best, 10 + best);
});

test('strata: precisions read off the same log bias the estimate: 1.56 for 2', () => {
  // two loggers that are the target itself, two rounds each, rewards 0, 1, 5: given that both strata vary the naive
  // mean still expects 2, but a stratum that saw 0 and 1 by luck also looks the most precise
  const drawn = [0, 1, 5].map((a) => ({ probability: 1 / 3, a, c: 0 }));
  const all: Loggers = {
    problem: { contextProb: [1], logging: [], target: [], reward: [] },
    loggers: [[], []],
    counts: [2, 2],
  };
  let [chance, plain, weighed] = [0, 0, 0];
  for (const { probability, terms, stratumOf } of everyLog(all, () => drawn)) {
    if (stratumVariances(terms, stratumOf, 2).includes(0)) {
      expect(() => inverseVarianceTerms(terms, stratumOf, 2)).toThrow(/variance of stratum [01] is 0/);
      continue;
    }
    chance += probability;
    plain += probability * estimateOf(terms);
    weighed += probability * estimateOf(inverseVarianceTerms(terms, stratumOf, 2));
  }
  expectClose(plain / chance, 2);
  expectClose(weighed / chance, 1.562, 1, 1e-3);
});

test.prop([small])('strata: the square of the stratified standard error is unbiased, balanced or naive', (all) => {
  const mixture = mixtureOf(all);
  for (const assumed of [() => mixture, (k: number) => all.loggers[k]]) {
    const each = all.loggers.map((logger, k) => drawnBy(decomposedIps, all.problem, logger, assumed(k), [1]));
    let [mean, square, claimed] = [0, 0, 0];
    for (const { probability, terms, stratumOf } of everyLog(all, (k) => each[k])) {
      const value = estimateOf(terms);
      mean += probability * value;
      square += probability * value * value;
      claimed += probability * stratifiedStandardError(terms, stratumOf, 2) ** 2;
    }
    expectClose(claimed, square - mean * mean, 10 + square);
  }
});

test('strata: with one stratum it is the plain standard error, and equal precisions change nothing', () => {
  const terms = { numerator: Float64Array.of(1, 4, 2, 7), denominator: null, baseline: Float64Array.of(0, 1, 0, 1) };
  const one = new Int32Array(4);
  expectClose(stratifiedStandardError(terms, one, 1), standardError(terms));
  const two = Int32Array.of(0, 1, 0, 1);
  const equal = weighStrata(terms, two, [3, 3]);
  expectClose(estimateOf(equal), estimateOf(terms));
  expectClose(standardError(equal), standardError(terms));
  // an interval of weighed terms is around the weighed mean: strata means 1.5 and 6.5, precisions 3 and 1
  const weighed = tInterval(weighStrata(terms, two, [3, 1]), { level: 0.9 });
  expectClose(weighed.estimate, (3 * 1.5 + 6.5) / 4);
  expect(weighed.upper).toBeGreaterThan(weighed.estimate);
});

test.prop([loggers(2, 3), fc.integer({ min: 0, max: 1 })])(
  'mixture: is the mixture, and a logger without share has no part',
  (all, out) => {
    const logs = all.loggers.map((table) => Float64Array.from(table.flat(), Math.log));
    const shares = sharesOf(all);
    const mixed = mixtureLogPropensity(logs, shares);
    mixed.forEach((value, i) => {
      expectClose(
        Math.exp(value),
        shares.reduce((sum, s, k) => sum + s * all.loggers[k].flat()[i], 0),
        1e-3,
      );
    });
    const alone = logs.map((_, k) => (k === out ? 1 : 0));
    expectAllClose(mixtureLogPropensity(logs, alone), logs[out], 1);
  },
);

test('mixture: far below the smallest number, and what nobody says', () => {
  const far = mixtureLogPropensity([Float64Array.of(-1000, -Infinity, 0)], [1]);
  expect([...far]).toEqual([-1000, -Infinity, 0]);
  const two = mixtureLogPropensity(
    [Float64Array.of(-1000, -Infinity), Float64Array.of(-Infinity, -Infinity)],
    [0.5, 0.5],
  );
  expectClose(two[0], -1000 - Math.LN2);
  expect(two[1]).toBe(-Infinity);
});

test('loggers: what does not fit is refused by name', () => {
  const b = Float64Array.of(-1, -2);
  const terms = { numerator: b, denominator: null, baseline: null };
  const strata = Int32Array.of(0, 1);
  expect(() => mixtureLogPropensity([b], [0.5])).toThrow(/shares is .*expected non-negative numbers with sum 1/);
  expect(() => mixtureLogPropensity([], [])).toThrow(/shares/);
  expect(() => mixtureLogPropensity([b], [0.5, 0.5])).toThrow(/logPropensities.length is 1; expected 2/);
  expect(() => mixtureLogPropensity([b, b.slice(1)], [0.5, 0.5])).toThrow(/logPropensities\[1\].length/);
  expect(() => mixtureLogPropensity([Float64Array.of(Number.NaN)], [1])).toThrow(/logPropensities\[0\]\[0\] is NaN/);
  expect(() => mixtureLogPropensity([Float64Array.of(0.1)], [1])).toThrow(/at most 0/);
  expect(() => stratumShares(Int32Array.of(0, 2), 2)).toThrow(/stratumOf\[1\] is 2/);
  expect(() => stratumShares(Int32Array.of(0, 0), 2)).toThrow(/Stratum 1 has none/);
  expect(() => weighStrata(terms, Int32Array.of(0), [1, 1])).toThrow(/stratumOf.length is 1; expected 2/);
  expect(() => weighStrata(terms, strata, [1, -1])).toThrow(/precision\[1\] is -1/);
  expect(() => weighStrata(terms, strata, [0, 0])).toThrow(/at least one above 0/);
  expect(() => weighStrata({ ...terms, denominator: b }, strata, [1, 1])).toThrow(/terms.denominator/);
  expect(() => weighStrata({ ...terms, count: Float64Array.of(1, 1) }, strata, [1, 1])).toThrow(/terms.count/);
  expect(() => weighStrata({ ...terms, numerator: Float64Array.of(1, Number.NaN) }, strata, [1, 1])).toThrow(/NaN/);
  expect(stratifiedStandardError(terms, strata, 2)).toBeNaN();
});
