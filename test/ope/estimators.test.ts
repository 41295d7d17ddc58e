import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import {
  clippedIps,
  decomposedIps,
  directMethod,
  doublyRobust,
  doublyRobustShrinkage,
  type Estimator,
  estimate,
  ips,
  jointIps,
  selfNormalizedDoublyRobust,
  snips,
  switchDoublyRobust,
} from '../../src/ope/index.js';
import { permutation, seededRandom } from '../../src/random/index.js';
import { estimateOf } from '../../src/stats/index.js';
import { inputOf, type SampleResponse, type SampleRound, sampleLogs } from '../arbitraries/sample-log.js';
import { expectClose } from '../theorems/close.js';

type Log = readonly SampleRound[];
const value = (use: Estimator, log: Log): number => estimate(use, inputOf(log)).item();
const rho = (r: SampleResponse): number => Math.exp(r.logRatio);
const mean = (log: Log, f: (round: SampleRound) => number): number =>
  log.reduce((sum, round) => sum + f(round), 0) / log.length;
const slate = (round: SampleRound, f: (r: SampleResponse) => number): number =>
  round.responses.reduce((sum, r) => sum + r.slateWeight * f(r), 0);
const total = (log: Log, f: (r: SampleResponse) => number): number =>
  log.reduce((sum, round) => sum + slate(round, f), 0);
const residual = (r: SampleResponse): number => r.reward - r.predicted;

/** Every estimator as loops over plain numbers. */
const oracles: Record<string, { readonly use: Estimator; readonly loop: (log: Log) => number }> = {
  ips: { use: ips, loop: (log) => mean(log, (i) => slate(i, (r) => rho(r) * r.reward)) },
  snips: { use: snips, loop: (log) => total(log, (r) => rho(r) * r.reward) / total(log, rho) },
  'clipped at 2': {
    use: clippedIps(2),
    loop: (log) => mean(log, (i) => slate(i, (r) => Math.min(rho(r), 2) * r.reward)),
  },
  dm: { use: directMethod, loop: (log) => mean(log, (i) => i.predictedValue) },
  dr: { use: doublyRobust, loop: (log) => mean(log, (i) => i.predictedValue + slate(i, (r) => rho(r) * residual(r))) },
  sndr: {
    use: selfNormalizedDoublyRobust,
    loop: (log) => mean(log, (i) => i.predictedValue) + total(log, (r) => rho(r) * residual(r)) / total(log, rho),
  },
  'switch at 1.5': {
    use: switchDoublyRobust(1.5),
    loop: (log) => mean(log, (i) => i.predictedValue + slate(i, (r) => (rho(r) <= 1.5 ? rho(r) : 0) * residual(r))),
  },
  'dros at 3': {
    use: doublyRobustShrinkage(3),
    loop: (log) =>
      mean(log, (i) => i.predictedValue + slate(i, (r) => ((3 * rho(r)) / (rho(r) ** 2 + 3)) * residual(r))),
  },
  joint: {
    use: jointIps,
    loop: (log) => mean(log, (i) => i.responses.reduce((p, r) => p * rho(r), 1) * i.slateReward),
  },
};

describe.each(Object.entries(oracles))('%s', (name, { use, loop }) => {
  const undefinedWithout = name === 'snips' || name === 'sndr';

  test.prop([sampleLogs()])('equals its loop over plain numbers', (log) => {
    fc.pre(!undefinedWithout || total(log, rho) > 0);
    expectClose(value(use, log), loop(log), 10);
  });

  test.prop([sampleLogs(), fc.integer()])('does not depend on the order of rounds, nor of responses', (log, seed) => {
    fc.pre(!undefinedWithout || total(log, rho) > 0);
    const shuffled = [...permutation(seededRandom(seed), log.length)].map((i) => ({
      ...log[i],
      responses: [...log[i].responses].reverse(),
    }));
    expectClose(value(use, shuffled), value(use, log), 10);
  });

  test.prop([sampleLogs({ maxRounds: 4 })])('does not change when the log is doubled', (log) => {
    fc.pre(!undefinedWithout || total(log, rho) > 0);
    expectClose(value(use, [...log, ...log]), value(use, log), 10);
  });
});

test.prop([sampleLogs({ maxSlate: 1 })])('E1: with slates of one the joint estimator is the decomposed one', (log) => {
  const own = log.map((round) => ({ ...round, slateReward: round.responses[0].reward }));
  expectClose(value(jointIps, own), value(decomposedIps, log), 10);
});

test.prop([sampleLogs()])('E1: without a slate reward it weighs sum_j w_j R_j', (log) => {
  const { slateReward: _, ...input } = inputOf(log);
  const byHand = mean(log, (i) => i.responses.reduce((p, r) => p * rho(r), 1) * slate(i, (r) => r.reward));
  expectClose(estimate(jointIps, input).item(), byHand, 100);
});

// #region E2
test('E2: by hand', () => {
  const response = (weight: number, reward: number, slateWeight: number): SampleResponse => ({
    logRatio: Math.log(weight),
    reward,
    slateWeight,
    predicted: 0,
  });
  // round 1: 1/2 (3 * 1) + 1/2 (0.5 * 2) = 2; round 2: 2 * -1 = -2; the response of probability 0.2 and 0.6 weighs 3
  const log = [
    { responses: [response(0.6 / 0.2, 1, 0.5), response(0.5, 2, 0.5)], slateReward: 0, predictedValue: 0 },
    { responses: [response(2, -1, 1)], slateReward: 0, predictedValue: 0 },
  ];
  expectClose(value(decomposedIps, log), 0);
  expectClose(value(decomposedIps, log.slice(0, 1)), 2);
  // (2 - 2)/(1.75 + 2), and (2)/(1.75) on the first round alone
  expectClose(value(snips, log.slice(0, 1)), 2 / 1.75);
});
// #endregion E2

test.prop([sampleLogs({ zeros: false }), fc.constantFrom(-1000, -700, 300, 1000)])(
  'snips does not notice a common factor of all weights, however large',
  (log, shift) => {
    const moved = log.map((round) => ({
      ...round,
      responses: round.responses.map((r) => ({ ...r, logRatio: r.logRatio + shift })),
    }));
    expectClose(value(snips, moved), value(snips, log), 1);
    expectClose(value(selfNormalizedDoublyRobust, moved), value(selfNormalizedDoublyRobust, log), 1);
  },
);

test.prop([sampleLogs({ zeros: false })])('snips lies within the range of the rewards', (log) => {
  const rewards = log.flatMap((round) => round.responses.map((r) => r.reward));
  const v = value(snips, log);
  expect(v).toBeGreaterThanOrEqual(Math.min(...rewards) - 1e-12);
  expect(v).toBeLessThanOrEqual(Math.max(...rewards) + 1e-12);
});

test('log-ratios of 1000 and -Infinity: snips is finite, ips overflows where one can see it, all zero is undefined', () => {
  const of = (logRatios: number[]): Log =>
    logRatios.map((logRatio, i) => ({
      responses: [{ logRatio, reward: i + 1, slateWeight: 1, predicted: 0 }],
      slateReward: 0,
      predictedValue: 0,
    }));
  expect(value(snips, of([1000, 1000, -Infinity]))).toBe(1.5);
  expect(value(snips, of([1000, -Infinity, 3]))).toBe(1);
  expect([...ips(inputOf(of([1, 1000, -Infinity]))).numerator.dataSync()]).toEqual([Math.E, Infinity, 0]);
  expect(value(clippedIps(20), of([1000, -Infinity]))).toBeCloseTo(10, 12);
  expect(value(ips, of([-Infinity, -Infinity]))).toBe(0);
  const { numerator, denominator } = snips(inputOf(of([-Infinity, -Infinity])));
  const read = (x: typeof numerator) => Float64Array.from(x.dataSync());
  expect(estimateOf({ numerator: read(numerator), denominator: read(denominator!), baseline: null })).toBeNaN();
});

test('what an estimator lacks, or gets in the wrong shape, is named', () => {
  const input = inputOf([
    { responses: [{ logRatio: 0, reward: 1, slateWeight: 1, predicted: 0 }], slateReward: 0, predictedValue: 0 },
  ]);
  const { predictedReward: _q, predictedValue: _v, ...bare } = input;
  expect(() => doublyRobust(bare)).toThrow(/predictedReward/);
  expect(() => directMethod(bare)).toThrow(/predictedValue/);
  expect(() => ips({ ...input, reward: tensor(Float64Array.of(1, 2)) })).toThrow(/reward.*\[1\]/);
  expect(() => ips({ ...input, rounds: 0 })).toThrow(/rounds/);
});
