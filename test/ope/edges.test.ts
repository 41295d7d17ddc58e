import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import {
  assertProblem,
  diagnose,
  effectiveSampleSize,
  expectUnder,
  type FiniteProblem,
  feedbackColumn,
  finitePolicy,
  mixedValue,
  promptKey,
  recordedPolicy,
  requirePropensity,
  sensitivityInterval,
  softmaxLinearPolicy,
} from '../../src/ope/index.js';
import { PopeError } from '../../src/util/index.js';

const errorOf = (run: () => unknown): PopeError => {
  try {
    run();
  } catch (error) {
    if (error instanceof PopeError) return error;
    throw error;
  }
  return expect.fail('nothing was thrown');
};
const each = (m: number) => Int32Array.from({ length: m }, (_, j) => j);

describe('the mean weight at the edge of float64', () => {
  const meanOf = (...logRatio: number[]) => {
    const d = diagnose(Float64Array.from(logRatio), each(logRatio.length), logRatio.length);
    return [d.meanWeight, d.meanWeightError];
  };
  test('is told up to a log-ratio of 709, and not above it, where its verdict says so', () => {
    expect(meanOf(709)).toEqual([Math.exp(709), null]);
    expect(meanOf(709.5)).toEqual([null, null]); // the weight itself would still fit
  });
  test('is unknown where only the sum overflows', () => {
    expect(meanOf(709, 709, 709)).toEqual([null, null]);
    expect(meanOf(...new Array<number>(12).fill(709))).toEqual([null, null]);
  });
  test('a log-ratio that is none names its column', () => {
    expect(errorOf(() => effectiveSampleSize([0, Number.NaN]))).toMatchObject({
      argument: 'logRatio',
      got: Number.NaN,
    });
  });
});

describe('finite problems', () => {
  const problem: FiniteProblem = {
    contextProb: [0.5, 0.5],
    logging: [
      [0.5, 0.5],
      [1, 0],
    ],
    target: [
      [1, 0],
      [0.25, 0.75],
    ],
    reward: [
      [1, 2],
      [3, 4],
    ],
  };
  const refused = (changes: Partial<FiniteProblem>, message: RegExp) =>
    expect(() => assertProblem({ ...problem, ...changes })).toThrow(message);

  test('every table has a row a context, no more and no fewer', () => {
    assertProblem(problem);
    for (const name of ['logging', 'target', 'reward', 'predicted'] as const) {
      const rows = problem[name] ?? problem.reward;
      refused({ [name]: [...rows, rows[0]] }, new RegExp(`${name}.length is 3; expected 2`));
      refused({ [name]: rows.slice(0, 1) }, new RegExp(`${name}.length is 1; expected 2`));
    }
  });
  test('both policies are distributions, rewards need not be', () => {
    const short = [
      [0.5, 0.4],
      [1, 0],
    ];
    refused({ logging: short }, /logging\[0\].*sum 1/);
    refused({ target: short }, /target\[0\].*sum 1/);
    assertProblem({ ...problem, reward: short, predicted: short });
  });
  test('what has probability 0 is not asked for: 0 log 0 is 0', () => {
    const entropy = -expectUnder(problem, problem.target, (x, y) => Math.log(problem.target[x][y]));
    expect(entropy).toBeCloseTo(-0.5 * (0.25 * Math.log(0.25) + 0.75 * Math.log(0.75)), 14);
    const never = { ...problem, contextProb: [1, 0] };
    expect(expectUnder(never, never.target, (x) => (x === 1 ? Number.NaN : 2))).toBe(2);
  });
  test('T1b: a slate that nobody draws needs no reward', () => {
    const reward = (x: number, slate: readonly number[], position: number) => {
      // the position's response is the target's, the other one the log's
      const possible = slate.every((y, l) => (l === position ? problem.target : problem.logging)[x][y] > 0);
      return possible ? problem.reward[x][slate[position]] : Number.NaN;
    };
    expect(mixedValue(problem, [0.5, 0.5], reward)).toBeCloseTo(0.5 * 1 + 0.5 * (0.25 * 3 + 0.75 * 4), 14);
    // a response without weight is not asked for either
    const first = mixedValue(problem, [1, 0], (x, slate, j) => (j === 1 ? Number.NaN : reward(x, slate, j)));
    expect(first).toBeCloseTo(2.375, 14);
  });
});

describe('policies', () => {
  const texts = ['a', 'b', 'c'];
  const candidates = texts.map((text) => ({ text }));
  test('scores are one row of numbers: a column or a table of as many is refused', () => {
    for (const shape of [
      [1, 3],
      [3, 1],
    ]) {
      const policy = finitePolicy(
        () => candidates,
        (p) => p.map(() => tensor(new Float64Array(3), { shape })),
      );
      expect(() => policy.distribution(['x'])).toThrow(/scores of prompt 0 .*expected shape \[3\]/);
    }
  });
  test('the refusal of unpaired responses tells how many were expected', () => {
    const policy = finitePolicy(
      () => candidates,
      (p) => p.map(() => tensor(new Float64Array(3))),
    );
    expect(() => policy.logProb(['x', 'y'], ['a'])).toThrow(
      /^responses.length is 1; expected 2, one response a prompt/,
    );
    expect(() => policy.logProb([], [])).toThrow(/^responses.length is 0; expected 1, one response a prompt/);
  });
  test('candidates that repeat are shown', () => {
    const policy = finitePolicy(
      () => [...candidates, { text: 'b' }],
      (p) => p.map(() => tensor(new Float64Array(4))),
    );
    expect(() => policy.logProb(['x'], ['a'])).toThrow(/\["a", ?"b", ?"c", ?"b"\]/);
  });
  test('softmax-linear: one feature that is not finite is enough to refuse', () => {
    const policy = softmaxLinearPolicy(
      () => candidates,
      (_, text) => [1, text === 'c' ? Number.NaN : 0],
    ).bind({ weight: tensor(Float64Array.of(1, 1)) });
    expect(() => policy.distribution!(['x'])).toThrow(/^features .*2 finite numbers/);
  });
  test('recorded: float64, and nothing to read on a log without propensities', () => {
    const log = logFromRecords([{ id: '1', prompt: 'x', responses: [{ text: 'a', log_propensity: -0.1 }] }]);
    const found = recordedPolicy(log).logProb(['x'], ['a']);
    expect([found.dtype, found.item()]).toEqual(['float64', -0.1]);
    expect(() => recordedPolicy({ ...log, logPropensity: null })).toThrow(/a target of the log/);
  });
});

describe('logs', () => {
  const log = logFromRecords([{ id: '1', prompt: 'x', responses: [{ text: 'a', propensity: 0.5 }] }]);
  test('a field of a prompt may be null', () => {
    expect(promptKey({ b: null, a: [null] })).toBe('{"a":[null],"b":null}');
  });
  test('a log without feedback says so instead of naming no signals', () => {
    expect(() => feedbackColumn({ ...log, feedback: new Map() }, 'up')).toThrow(/the log has no feedback/);
    expect(() => feedbackColumn({ ...log, feedback: new Map([['up', new Float64Array(1)]]) }, 'down')).toThrow(
      /\(up\)/,
    );
  });
  test('a log without propensities has its own code, for programs that then fit them', () => {
    expect(errorOf(() => requirePropensity({ ...log, logPropensity: null }))).toMatchObject({
      argument: 'log',
      code: 'no_propensity',
    });
  });
});

describe('T13: sensitivity at the edge of float64', () => {
  test('T13: a tilt that underflows leaves the range of the rewards, never NaN', () => {
    for (const eta of [372, 400, Infinity]) {
      // e^-744 is the smallest float64 above 0, and times 1e-5 it is none
      const one = { mass: Float64Array.of(1e-5), reward: Float64Array.of(2) };
      expect(sensitivityInterval(one, eta)).toEqual({ lower: 2, upper: 2 });
      const two = { mass: Float64Array.of(1e-5, 1e-5), reward: Float64Array.of(2, -1) };
      expect(sensitivityInterval(two, eta)).toEqual({ lower: -1, upper: 2 });
    }
  });
  test('T13: a mass beyond float64 is refused', () => {
    expect(() => sensitivityInterval({ mass: Float64Array.of(1, Infinity), reward: Float64Array.of(1, 2) }, 1)).toThrow(
      /^mass\[1\] is Infinity/,
    );
  });
});
