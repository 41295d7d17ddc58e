import { describe, expect, test } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import { simultaneousLevel } from '../../src/pope/groups.js';
import { type EvaluateOptions, evaluate, streamEvaluation } from '../../src/pope/index.js';
import { logOf, up } from './evaluation-log.js';

describe('options are refused when a stream is opened, before any row is read', () => {
  const refused: readonly [Partial<EvaluateOptions>, RegExp][] = [
    [{ level: 0 }, /^level is 0; expected a number above 0 and below 1/],
    [{ level: 1 }, /^level is 1/],
    [{ level: -0.5 }, /^level is -0.5/],
    [{ level: 1.5 }, /^level is 1.5/],
    [{ level: Number.NaN }, /^level is NaN/],
    [{ tau: -1 }, /^tau is -1/],
    [{ examination: [] }, /^examination is \[\]/],
    [{ examination: [2] }, /^examination is 2/],
    [{ parameters: { lambda: 0 } }, /^lambda is 0/],
    [{ parameters: { lambda: -1 } }, /^lambda is -1/],
    [{ signals: 'up' as never }, /^signals is "up"/],
  ];
  test.each(refused)('%j', (options, message) => {
    const { interval: _, ...more } = options;
    expect(() => streamEvaluation({ signals: up, ...more })).toThrow(message);
  });
  test('and the smallest that are allowed are not', () => {
    expect(() => streamEvaluation({ signals: up, level: 1e-9, tau: 0, parameters: { lambda: 5e-324 } })).not.toThrow();
  });
});

test('groups of a log without a target are nobody to tell of', () => {
  const log = logFromRecords([
    {
      prompt: 'x',
      responses: [{ text: 'y', propensity: 0.5, feedback: { up: 1 }, group_feedback: { a: { other: 1 } } }],
    },
  ]);
  expect(evaluate(log, { signals: up }).warnings.map(({ code }) => code)).not.toContain('group_without_signal');
  const policy = { pi: { logProb: Float64Array.of(-1) } };
  expect(evaluate(log, { signals: up, targets: policy }).warnings.map(({ code }) => code)).toContain(
    'group_without_signal',
  );
});

test('T2: a reward of 0 under a weight beyond float64 moves nothing', () => {
  const log = logOf([
    { rows: [{ p0: 0.5, pi: 0.5, up: 2 }] },
    { rows: [{ p0: 0.5, pi: 0.25, up: -1 }] },
    { rows: [{ p0: 0.5, pi: 0.5, up: 0 }] },
  ]);
  const heavy = { ...log, logPropensity: log.logPropensity!.map((p, j) => (j === 2 ? -900 : p)) };
  const [{ lower, upper }] = evaluate(heavy, { signals: up }).targets['pi'].sensitivity!.ips;
  // parts 2/3 and 1/6
  expect(lower).toBeCloseTo((Math.exp(-0.1) * 2) / 3 - Math.exp(0.1) / 6, 12);
  expect(upper).toBeCloseTo((Math.exp(0.1) * 2) / 3 - Math.exp(-0.1) / 6, 12);
});

test('T22: a level to be shared lies between 0 and 1', () => {
  for (const level of [0, 1, -0.5, 1.5, Number.NaN])
    expect(() => simultaneousLevel(level, 2)).toThrow(new RegExp(`^level is ${level}; expected a number above 0`));
  expect(simultaneousLevel(0.5, 4)).toBe(0.875);
});
