import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkGradient } from '../../src/autograd/index.js';
import { estimate, exactMoments, exactValue, expectation, expectUnder } from '../../src/ope/index.js';
import { permutation, seededRandom } from '../../src/random/index.js';
import {
  emptyMoments,
  estimateOf,
  mergeMoments,
  momentsOf,
  standardError,
  standardErrorOf,
  valueOfMoments,
} from '../../src/stats/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { PopeError } from '../../src/util/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { inputOf, type SampleConstraints, sampleLogs } from '../arbitraries/sample-log.js';
import { expectClose } from '../theorems/close.js';
import type { EstimatorCase } from './estimator-cases.js';
import {
  biasWitness,
  changeWitness,
  exactBias,
  exactLimit,
  gradientOf,
  isDefinedOn,
  isNever,
  type Log,
  limitOf,
  modelOf,
  scaleOf,
  termsOn,
  twoMore,
  valueOn,
  withRatios,
  withRewards,
} from './estimator-oracles.js';

/** Enough for a suite that runs each property on every estimator. */
const runs = { numRuns: 40 };

/** The properties that every estimator has by its traits. */
export function estimatorSuite(cases: readonly EstimatorCase[]): void {
  describe.each(cases.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const { use } = one;
    const isDefined = (log: Log): boolean => isDefinedOn(one, log);
    const reward = one.nonnegative ? 'nonnegative' : 'signed';
    const logs = (constraints: SampleConstraints = {}): fc.Arbitrary<Log> =>
      sampleLogs(constraints).map((log) => (one.nonnegative ? withRewards(log, Math.abs) : log));

    if (one.expectation === 'ratio') {
      test.prop([finiteProblem(), anySlate(2)], runs)(
        'in the limit: the ratio of expectations',
        (problem, slateWeights) => {
          const got = limitOf(use, problem, { slateWeights });
          const expected = one.unbiased === 'limit' ? exactValue(problem) : exactLimit(one, problem);
          expectClose(got, expected, scaleOf(problem, 2));
        },
      );
    }
    if (one.unbiased === 'limit' || one.expectation === 'ratio') {
      test.prop([finiteProblem({ targetZeros: false })], runs)(
        'on one round of one response: the logging policy in the place of the target',
        (problem) => {
          const q = modelOf(one, problem);
          const expected =
            expectUnder(problem, problem.target, q) +
            expectUnder(problem, problem.logging, (x, y) => problem.reward[x][y] - q(x, y));
          expectClose(expectation(use, problem), expected, scaleOf(problem));
        },
      );
    }
    if (one.expectation === 'sum') {
      test.prop([finiteProblem({ reward }), anySlate(2)], runs)(
        'its bias is the sum over the problem',
        (problem, w) => {
          const got = exactMoments(use, problem, { slate: w.length, slateWeights: w }).bias;
          const bias = one.unbiased === 'always' ? 0 : exactBias(one, problem);
          expectClose(got, bias, scaleOf(problem));
        },
      );

      test.prop([finiteProblem({ reward, support: 'deficient' })], runs)(
        'and so where the log lacks support',
        (problem) => {
          expectClose(exactMoments(use, problem).bias, exactBias(one, problem), scaleOf(problem));
        },
      );

      test.prop([finiteProblem({ reward, contexts: 1, responses: 2 })], runs)(
        'two rounds have the mean of one and half its variance',
        (problem) => {
          const [single, two] = [1, 2].map((rounds) => exactMoments(use, problem, { rounds }));
          expectClose(two.mean, single.mean, scaleOf(problem));
          expectClose(two.variance, single.variance / 2, scaleOf(problem, 2));
        },
      );
    }
    if (one.expectation === 'slates') {
      test.prop([finiteProblem(), anySlate(3)], runs)('is unbiased with whole slates', (problem, w) => {
        const got = expectation(use, problem, { slate: w.length, slateWeights: w });
        expectClose(got, exactValue(problem), scaleOf(problem, w.length));
      });
    }
    if (one.expectation === 'log' && one.unbiased === 'always') {
      test.prop([finiteProblem({ contexts: 1, responses: 2 })], { numRuns: 20 })(
        'is unbiased over logs of 4 rounds',
        (problem) => {
          expectClose(exactMoments(use, problem, { rounds: 4 }).bias, 0, scaleOf(problem, 2));
        },
      );
    }
    if (one.unbiased !== 'open') {
      test(`bias at the witness: ${one.unbiased === 'always' ? 'none' : 'not 0'}`, () => {
        const { bias } = exactMoments(use, biasWitness, { rounds: 3 });
        if (one.unbiased === 'always') expectClose(bias, 0);
        else expect(Math.abs(bias)).toBeGreaterThan(1e-3);
      });
    }

    const shuffle = (log: Log, seed: number): Log => {
      const random = seededRandom(seed);
      const order = permutation(random, log.length);
      return [...order].map((at, i) => {
        const round = log[one.position ? i : at];
        const within = permutation(random, round.responses.length);
        return { ...round, responses: [...within].map((j, k) => round.responses[one.slots ? k : j]) };
      });
    };
    test.prop([logs({ maxRounds: one.wholeLog ? 40 : 8 }), fc.integer()], runs)(
      `does not depend on the order of ${one.position ? 'responses' : one.slots ? 'rounds' : 'rounds, nor of responses'}`,
      (log, seed) => {
        fc.pre(isDefined(log));
        expectClose(valueOn(use, shuffle(log, seed)), valueOn(use, log), 10);
      },
    );
    if (one.slots || one.position) {
      test(`witness: it does on that of ${one.slots ? 'responses' : 'rounds'}`, () => {
        const turned = one.slots
          ? changeWitness.map((round, i) => (i === 0 ? { ...round, responses: [...round.responses].reverse() } : round))
          : [1, 2, 0, 3, 4].map((i) => twoMore[i]);
        const before = one.slots ? changeWitness : twoMore;
        expect(Math.abs(valueOn(use, turned) - valueOn(use, before))).toBeGreaterThan(1e-3);
      });
    }

    if (!one.position && one.unbiased !== 'open') {
      test.prop([logs({ maxRounds: 3 })], runs)('does not change when the log is doubled', (log) => {
        fc.pre(isDefined(log));
        expectClose(valueOn(use, [...log, ...log]), valueOn(use, log), 10);
      });
    }

    const factor = fc.integer({ min: -8, max: 8 }).map((q) => q / 2);
    const scaled = (log: Log, s: number) =>
      valueOn(
        use,
        withRewards(log, (r) => s * r),
      );
    const shifted = (log: Log, c: number) =>
      valueOn(
        use,
        withRewards(log, (r) => r + c),
      );
    if (one.linear) {
      test.prop([logs(), factor], runs)('s times the rewards is s times the value', (log, s) => {
        fc.pre(isDefined(log));
        expectClose(scaled(log, s), s * valueOn(use, log), 100);
      });
    } else {
      test('witness: twice the rewards is not twice the value', () => {
        expect(Math.abs(scaled(changeWitness, 2) - 2 * valueOn(use, changeWitness))).toBeGreaterThan(1e-3);
      });
    }
    if (one.shift) {
      test.prop([logs(), factor], runs)('rewards + c have the value + c', (log, c) => {
        fc.pre(isDefined(log));
        expectClose(shifted(log, c), valueOn(use, log) + c, 100);
      });
    } else {
      test('witness: rewards + 1 do not have the value + 1', () => {
        const one = changeWitness.slice(0, 1);
        expect(Math.abs(shifted(one, 1) - valueOn(use, one) - 1)).toBeGreaterThan(1e-3);
      });
    }
    if (one.linear && !one.shift) {
      test.prop([logs(), factor], runs)('rewards + c have the value + c times the mean weight', (log, c) => {
        fc.pre(isDefined(log));
        const meanWeight = valueOn(
          use,
          withRewards(log, () => 1),
        );
        expectClose(shifted(log, c), valueOn(use, log) + c * meanWeight, 100);
      });
    }

    test.prop([logs({ minRounds: 2 }), fc.array(fc.nat(8), { maxLength: 3 })], runs)(
      'T17: the moments of any split of its terms, merged, are those of the whole',
      (log, cuts) => {
        fc.pre(isDefined(log));
        const terms = termsOn(use, log);
        const ends = [0, ...cuts.map((cut) => Math.min(cut, log.length)).sort((x, y) => x - y), log.length];
        const part = (from: number, to: number) => {
          const cut = (column: Float64Array | null) => column?.slice(from, to) ?? null;
          const { numerator, denominator, baseline } = terms;
          return momentsOf({
            numerator: cut(numerator)!,
            denominator: cut(denominator),
            baseline: cut(baseline),
          });
        };
        const merged = ends
          .slice(1)
          .map((end, k) => part(ends[k], end))
          .reduceRight(mergeMoments, emptyMoments());
        expectClose(valueOfMoments(merged), estimateOf(terms), 10);
        const error = standardError(terms);
        expectClose(standardErrorOf(merged) ** 2, error ** 2, 1e-9 + error ** 2 + estimateOf(terms) ** 2);
      },
    );

    if (!one.wholeLog && typeof one.nothing === 'function') {
      test.prop([logs({ minRounds: 2 }), fc.nat(8)], runs)(
        'T17: and so for shards that were evaluated apart',
        (log, at) => {
          const cut = 1 + (at % (log.length - 1));
          const [x, y] = [log.slice(0, cut), log.slice(cut)].map((shard) => momentsOf(termsOn(use, shard)));
          expectClose(valueOfMoments(mergeMoments(x, y)), valueOn(use, log), 10);
        },
      );
    }

    test.prop([logs({ maxRounds: 4 }), fc.constantFrom(1000, 5000), fc.nat(3)], runs)(
      `a log-ratio of 1000 is ${one.huge}, never NaN in silence`,
      (log, huge, at) => {
        const moved = withRatios(log, (l, i) => (i === at % log.length ? huge : l));
        const hasValue = () => Number.isFinite(estimateOf(termsOn(use, moved)));
        const isRefused = () => {
          try {
            estimateOf(termsOn(use, moved));
            return false;
          } catch (error) {
            return error instanceof PopeError && /terms\.numerator\[\d+\] is (-?Infinity|NaN)/.test(error.message);
          }
        };
        if (one.huge === 'finite') expect(hasValue()).toBe(true);
        else if (one.huge === 'refused') expect(isRefused()).toBe(true);
        else expect(isRefused() || hasValue()).toBe(true);
      },
    );

    test.prop([logs({ maxRounds: 3 })], runs)(
      'where every weight is 0: a value, NaN that is announced, or refused',
      (log) => {
        const none = withRatios(log, () => -Infinity);
        const got = () => estimateOf(termsOn(use, none));
        if (one.nothing === 'undefined') expect(got()).toBeNaN();
        else if (one.nothing === 'refused') expect(got).toThrow(/terms\.numerator\[0\] is NaN/);
        else expectClose(got(), one.nothing(none));
      },
    );

    test.prop([logs({ maxRounds: 1 })], runs)('one round has a value and no standard error', (log) => {
      fc.pre(isDefined(log));
      const terms = termsOn(use, log);
      expect(Number.isFinite(estimateOf(terms))).toBe(true);
      expect(standardError(terms)).toBeNaN();
    });

    if (one.gradient === 'exact') {
      test.prop([logs({ maxRounds: 4, zeros: false })], runs)(
        'its gradient in the log-ratios is that of central differences',
        (log) => {
          const input = inputOf(log);
          checkGradient((logRatio: Tensor) => estimate(use, { ...input, logRatio }), input.logRatio);
        },
      );
    }

    test.prop([logs({ maxRounds: 4 })], runs)(
      'its gradient is 0 in responses that the target never says, and finite in the others',
      (log) => {
        const responses = log.flatMap((round) => round.responses);
        fc.pre(isDefined(log) && responses.some(isNever));
        const gradient = gradientOf(use, inputOf(log));
        responses.forEach((r, j) => {
          if (isNever(r)) expect(Math.abs(gradient[j])).toBe(0);
          else expect(Number.isFinite(gradient[j])).toBe(true);
        });
      },
    );
  });
}
