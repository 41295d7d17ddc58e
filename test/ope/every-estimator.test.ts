import { describe, expect, test } from 'vitest';
import { compareGradient } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import * as ope from '../../src/ope/index.js';
import {
  betaStar,
  type Estimator,
  estimate,
  estimator,
  exactMoments,
  exactValue,
  expectUnder,
  importanceWeight,
  ips,
  local,
  paretoSmoothedIps,
  prefixSnips,
  selfNormalized,
  slotSnips,
  snips,
} from '../../src/ope/index.js';
import { mergeMoments, momentsOf, valueOfMoments } from '../../src/stats/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { inputOf } from '../arbitraries/sample-log.js';
import { sourcesUnder } from '../house/sources.js';
import { estimatorCases } from '../properties/estimator-cases.js';
import {
  biasWitness,
  changeWitness,
  type Log,
  termsOn,
  valueOn,
  withRewards,
} from '../properties/estimator-oracles.js';
import { estimatorSuite } from '../properties/estimator-suite.js';
import { expectClose } from '../theorems/close.js';

estimatorSuite(estimatorCases);

describe('the suite lists every estimator of src/ope', () => {
  const covered = new Set(estimatorCases.flatMap(({ covers }) => covers));
  const input = inputOf(changeWitness);
  const isTerms = (x: unknown): boolean => typeof x === 'object' && x !== null && 'numerator' in x;
  const attempt = (f: () => unknown): unknown => {
    try {
      return f();
    } catch {
      return undefined;
    }
  };
  /** Settings with which makers of estimators are tried. */
  const settings: readonly unknown[] = [
    2,
    0.5,
    importanceWeight,
    ips,
    tensor(new Float64Array(6)),
    { foldOf: Int32Array.of(0, 1, 1), folds: 2 },
    undefined,
  ];
  /** The general makers, of which the others are instances. */
  const general = new Set(['estimator', 'acrossRounds']);
  const isEstimator = (value: unknown): boolean => {
    if (typeof value !== 'function') return false;
    if (isTerms(attempt(() => value(input)))) return true;
    return settings.some((setting) => {
      const made = attempt(() => value(setting));
      return typeof made === 'function' && isTerms(attempt(() => made(input)));
    });
  };

  test('by trying each export on a log', () => {
    const found = Object.entries(ope).flatMap(([name, value]) => (isEstimator(value) ? [name] : []));
    expect(found.filter((name) => !covered.has(name) && !general.has(name))).toEqual([]);
    expect(found.length).toBeGreaterThanOrEqual(25);
  });

  /** Exports of src/ope whose declared or evident type is the given one, or a function that returns it. */
  const declaredAs = (type: string, makers: string) =>
    sourcesUnder('src/ope').flatMap(({ text }) =>
      [
        ...text.matchAll(new RegExp(`^export (?:const|function) (\\w+)(?:\\([^)]*\\))?: ${type}\\b`, 'gm')),
        ...text.matchAll(new RegExp(`^export const (\\w+) =\\s*(?:\\([^)]*\\): ${type} =>|(?:${makers})\\()`, 'gm')),
      ].map((m) => m[1]),
    );

  test('and every weight transform, by the types of the sources', () => {
    const estimators = declaredAs('Estimator', 'estimator|doublyRobustWith|acrossRounds|withPrefix');
    const transforms = declaredAs('WeightTransform', 'never');
    expect(estimators.length).toBeGreaterThanOrEqual(20);
    expect(transforms.length).toBeGreaterThanOrEqual(10);
    expect([...estimators, ...transforms].filter((name) => !covered.has(name) && !general.has(name))).toEqual([]);
  });

  test('and covers nothing that is not there', () => {
    expect([...covered].filter((name) => !(name in ope))).toEqual([]);
  });

  test('an estimator that was forgotten would be found', () => {
    const forgotten: Estimator = (x) => ({ numerator: x.reward, denominator: null, baseline: null });
    expect([forgotten, () => forgotten, (limit: number) => ope.clippedIps(limit)].map(isEstimator)).toEqual([
      true,
      true,
      true,
    ]);
    expect([tensor, ope.clip, ope.judge, 3].map(isEstimator)).toEqual([false, false, false, false]);
  });
});

describe('named witnesses', () => {
  test('snips is biased at every N, and its bias falls like 1/N', () => {
    const problem = { ...biasWitness, logging: [[0.5, 0.5]], target: [[0.2, 0.8]], reward: [[1, 0]] };
    const value = exactValue(problem);
    const bias = (rounds: number) => exactMoments(snips, problem, { rounds }).mean - value;
    expectClose(bias(1), 0.5 - 0.2);
    // the first term of the bias: -E rho^2 (R - V) / N
    const first = -expectUnder(
      problem,
      problem.logging,
      (x, y) => (problem.target[x][y] / problem.logging[x][y]) ** 2 * (problem.reward[x][y] - value),
    );
    expect(bias(14)).toBeGreaterThan(0.001);
    expect(bias(14) * 14).toBeGreaterThan(0.9 * first);
    expect(bias(14) * 14).toBeLessThan(1.1 * first);
    expect(Math.abs(bias(14) * 14 - first)).toBeLessThan(Math.abs(bias(7) * 7 - first));
  });

  const twoRounds: Log = [
    [1, 1],
    [3, 2],
  ].map(([logRatio, reward]) => ({
    slateReward: reward,
    predictedValue: 0,
    responses: [{ logRatio, reward, slateWeight: 1, predicted: 0 }],
  }));

  test('rewards + 1 move ips by the mean weight, snips by 1', () => {
    const meanWeight = (Math.E + Math.E ** 3) / 2;
    const moved = withRewards(twoRounds, (r) => r + 1);
    expectClose(valueOn(ips, moved) - valueOn(ips, twoRounds), meanWeight, 100);
    expectClose(valueOn(snips, moved) - valueOn(snips, twoRounds), 1);
  });

  test('T17: shards of snips that were scaled apart do not merge; with unscaled weights they do', () => {
    const shards: readonly Log[] = twoRounds.map((round) => [round]);
    const merged = (use: Estimator) =>
      valueOfMoments(shards.map((shard) => momentsOf(termsOn(use, shard))).reduce(mergeMoments));
    const whole = (Math.E + 2 * Math.E ** 3) / (Math.E + Math.E ** 3);
    expectClose(valueOn(snips, twoRounds), whole);
    expectClose(merged(snips), 1.5); // each shard's largest weight became 1
    const unscaled = estimator({ weight: importanceWeight, reward: local, aggregate: selfNormalized });
    expectClose(merged(unscaled), whole);
  });

  test('slot by slot is snips where slates have one response, and not where they have more', () => {
    expectClose(valueOn(slotSnips, twoRounds), valueOn(snips, twoRounds));
    expectClose(valueOn(prefixSnips, twoRounds), valueOn(snips, twoRounds));
    expect(Math.abs(valueOn(slotSnips, changeWitness) - valueOn(snips, changeWitness))).toBeGreaterThan(1e-3);
  });

  test('Pareto smoothing moves the estimate of a log with a tail, and of no log with fewer than 21 responses', () => {
    const log = (n: number): Log =>
      Array.from({ length: n }, (_, i) => ({
        ...twoRounds[0],
        responses: [{ logRatio: -Math.log((i + 0.5) / n), reward: 1 + (i % 2), slateWeight: 1, predicted: 0 }],
      }));
    expectClose(valueOn(paretoSmoothedIps, log(20)), valueOn(ips, log(20)), 10);
    expect(Math.abs(valueOn(paretoSmoothedIps, log(60)) - valueOn(ips, log(60)))).toBeGreaterThan(1e-3);
  });

  test('what holds a part of its gradient constant has not the gradient of its value', () => {
    const input = inputOf([...changeWitness, ...changeWitness.slice(0, 2)]);
    const folds = { foldOf: Int32Array.of(0, 1, 0, 1, 0), folds: 2 };
    const { maxError } = compareGradient(
      (logRatio: Tensor) => estimate(betaStar(folds), { ...input, logRatio }),
      input.logRatio,
    );
    expect(maxError).toBeGreaterThan(1e-3);
  });
});
