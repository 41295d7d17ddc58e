import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import { exactMoments, type FiniteProblem, ips, type Log } from '../../src/ope/index.js';
import { logShape } from '../../src/pope/estimator-keys.js';
import { groupsResult } from '../../src/pope/groups.js';
import {
  chainRuleEntropy,
  estimateExamination,
  evaluate,
  evaluationRows,
  type GroupResult,
  objectiveValue,
  optimalPolicy,
  pooledClassLogRatio,
  positionWeights,
  type Signal,
  varianceAcrossContexts,
  wholeBatch,
} from '../../src/pope/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { PopeError } from '../../src/util/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import { enumeratedLog, family, klOf, pi0, rowsOf, utilities } from './enumerated-log.js';

const errorOf = (run: () => unknown): PopeError => {
  try {
    run();
  } catch (error) {
    if (error instanceof PopeError) return error;
    throw error;
  }
  return expect.fail('nothing was thrown');
};
const up: Signal[] = [{ name: 'up', transform: 'identity', weight: 1 }];

describe('T21: positions', () => {
  /** Rounds of one response each, by position and vote; null is a missing vote, 0 a missing position. */
  const logOf = (rows: readonly (readonly [position: number, vote: number | null])[]): Log =>
    logFromRecords(
      rows.map(([position, vote], i) => ({
        id: `r${i}`,
        prompt: 'x',
        responses: [
          {
            text: `y${i}`,
            propensity: 0.5,
            ...(position > 0 && { position }),
            feedback: vote === null ? { other: 1 } : { up: vote },
          },
        ],
      })),
    );
  const votes = (log: Log): Float64Array => log.feedback.get('up')!;

  test('T21: a missing vote is left out of the means, not counted as 0', () => {
    const log = logOf([
      [1, 4],
      [1, null],
      [1, 2],
      [2, 3],
      [2, null],
      [2, 0],
    ]);
    expectAllClose(estimateExamination(log, votes(log)), [1, 0.5]);
  });
  test('T21: every position needs feedback, the first one a success to compare with', () => {
    const refused = (rows: Parameters<typeof logOf>[0], message: RegExp) => {
      const log = logOf(rows);
      expect(() => estimateExamination(log, votes(log))).toThrow(message);
    };
    refused([[2, 1]], /^responses at position 1 is 0/);
    refused(
      [
        [1, 1],
        [3, 1],
      ],
      /^responses at position 2 is 0/,
    );
    refused(
      [
        [1, 0],
        [2, 1],
      ],
      /^feedback at position 1 is 0; expected a sum above 0, to compare/,
    );
  });
  test('T21: probabilities of being seen are named by the one that is none', () => {
    const log = logOf([[1, 1]]);
    for (const [theta, bad] of [
      [[1.5, 1], 1.5],
      [[1, 2], 2],
      [[0.5, -0.5], -0.5],
    ] as const)
      expect(() => positionWeights(log, theta)).toThrow(new RegExp(`^examination is ${bad};`));
    expect(() => positionWeights(log, [])).toThrow(/^examination is \[\]/);
  });
  test('T21: a response without position, or beyond the last, names its round', () => {
    const cases: [Log, RegExp, string][] = [
      [{ ...logOf([[1, 1]]), positions: null }, /round r0 has no position/, 'position'],
      [
        {
          ...logOf([
            [1, 1],
            [1, 1],
          ]),
          positions: Int32Array.of(0, 1),
        },
        /round r0 has no position/,
        'position',
      ],
      [
        {
          ...logOf([
            [1, 1],
            [1, 1],
          ]),
          positions: Int32Array.of(1, 0),
        },
        /round r1 has no position/,
        'position',
      ],
      [
        logOf([
          [1, 1],
          [2, 1],
        ]),
        /round r1 stands at position 2; expected positions 1 to 1/,
        'examination',
      ],
    ];
    for (const [log, message, argument] of cases) {
      const error = errorOf(() => positionWeights(log, [1]));
      expect(error.message).toMatch(message);
      expect(error).toMatchObject({ argument });
    }
  });
  test('T21: ranks cannot be corrected, and rows without signals have nothing to correct', () => {
    const log = logOf([[1, 1]]);
    const rank: Signal[] = [{ name: 'up', transform: 'rank', weight: 1 }];
    expect(errorOf(() => evaluationRows(log, rank, { examination: [1] }))).toMatchObject({ argument: 'signals' });
    expect([...evaluationRows(log, null, { examination: [0.5] }).utility]).toEqual([0]);
  });
});

describe('T22: groups', () => {
  const entry = (estimate: number | null, lower: number | null = estimate, upper: number | null = estimate) => ({
    estimate,
    std_error: 0,
    lower,
    upper,
  });
  const group = (utility: GroupResult['utility'], value: GroupResult['value'] = {}): GroupResult => ({
    rounds: 1,
    responses: 1,
    effective_sample_size: 1,
    verdict: { level: 'supported', reasons: [] },
    utility,
    value,
    versus_logging: { utility: value, value: utility },
  });

  test('T22: the worst group by every figure, with the smallest of both ends', () => {
    const { worst, level } = groupsResult(0.9, {
      a: group({ ips: entry(2, -1, 5) }, { ips: entry(7) }),
      b: group({ ips: entry(1, 0, 3) }, { ips: entry(8) }),
    });
    const [low, high] = [
      { ips: { group: 'b', estimate: 1, lower: -1, upper: 3 } },
      { ips: { group: 'a', estimate: 7, lower: 7, upper: 7 } },
    ];
    expect(worst).toEqual({ utility: low, value: high, versus_logging: { utility: high, value: low } });
    expect(level).toBe(0.9);
  });
  test('T22: a group without an estimate could be the worst, so that none is', () => {
    const nobody = { group: null, estimate: null, lower: null, upper: null };
    for (const other of [group({ ips: entry(null) }), group({})]) {
      expect(groupsResult(0.9, { a: group({ ips: entry(2) }), b: other }).worst.utility).toEqual({ ips: nobody });
      expect(groupsResult(0.9, { b: other, a: group({ ips: entry(2) }) }).worst.utility).toEqual({ ips: nobody });
    }
  });

  /** Slates of two, of which group `few` rated one response a round and `all` both. */
  const log = logFromRecords(
    Array.from({ length: 4 }, (_, i) => ({
      prompt: 'x',
      responses: [0, 1].map((j) => ({
        text: `y${j}`,
        position: j + 1,
        propensity: 0.5,
        // the target never says the first response of the first round
        target_log_prob: { pi: i + j === 0 ? null : Math.log(0.25) },
        feedback: { up: 1 },
        group_feedback: { all: { up: i + j }, ...(j === 0 && { few: { up: i } }) },
      })),
    })),
  );
  test('T22: a response that the target never says weighs 0 among a group, too', () => {
    const { few, all } = evaluate(log, { signals: up }).targets['pi'].groups!.groups;
    // rho 0 and 1/2: (0 + 1/2 + 2/2 + 3/2)/4, and the means of both over i
    expectClose(few.utility['ips']!.estimate!, 0.75);
    expectClose(all.utility['ips']!.estimate!, (0 / 2 + 0.5 / 2 + (0.5 + 1) / 2 + (1 + 1.5) / 2 + (1.5 + 2) / 2) / 4);
    expectClose(few.effective_sample_size, 3);
  });
  test('T22: one rated response a round has no entropy of a slate, and so no value; the others do', () => {
    const { groups } = evaluate(log, { signals: up, diversity: 'slate' }).targets['pi'].groups!;
    expect(groups['few'].value).toEqual({});
    expect(groups['few'].versus_logging.value).toEqual({});
    expectClose(groups['few'].utility['ips']!.estimate!, 0.75);
    expect(Object.keys(groups['all'].value)).toEqual(['joint_ips']);
  });
  test('T22: the feedback of groups is corrected by position as well', () => {
    const corrected = evaluate(log, { signals: up, examination: [0.5, 1] }).targets['pi'].groups!.groups;
    expectClose(corrected['few'].utility['ips']!.estimate!, 1.5);
  });
  test('T22: where no group has the signal there are no groups, and a warning each', () => {
    const groupFeedback = new Map([...log.groupFeedback].map(([name]) => [name, new Map<string, Float64Array>()]));
    const result = evaluate({ ...log, groupFeedback }, { signals: up });
    expect(result.targets['pi']).not.toHaveProperty('groups');
    expect(result.warnings.filter(({ code }) => code === 'group_without_signal').length).toBe(2);
  });
});

describe('T20: token weights at the edge of float64', () => {
  const [column, of] = [
    (...x: number[]) => tensor(Float64Array.from(x)),
    (...x: number[]) => tensor(Int32Array.from(x)),
  ];
  test('T20: weights that float32 could not hold are fine in float64, and refused in float32', () => {
    expectClose(chainRuleEntropy(column(100, 0), column(1, 2), of(0, 0), 1).item() / Math.exp(100), 2);
    const single = (...x: number[]) => tensor(Float32Array.from(x));
    expect(() => chainRuleEntropy(single(100, 0), single(1, 2), of(0, 0), 1)).toThrow(/response 0 has the weight/);
  });
  test('T20: a weight beyond float32 that meets no entropy is no trouble', () => {
    const single = (...x: number[]) => tensor(Float32Array.from(x));
    expect(chainRuleEntropy(single(100, 0), single(1, 0), of(0, 0), 1).item()).toBe(1);
  });
  test('T20: every token weighs the product of all before it, however many', () => {
    const [l, h] = [
      [1, -2, 0.5, 0.25, -1, 3],
      [1, 2, 3, 4, 5, 6],
    ];
    const expected = h.reduce((sum, value, t) => sum + Math.exp(l.slice(0, t).reduce((a, b) => a + b, 0)) * value, 0);
    expectClose(chainRuleEntropy(column(...l), column(...h), of(0, 0, 0, 0, 0, 0), 1).item(), expected);
  });
  test('T20: a sum that overflows is refused where each weight fits', () => {
    const error = errorOf(() => chainRuleEntropy(column(0, 709, 0), column(1, 2, 3), of(0, 1, 1), 2));
    expect(error.message).toMatch(/response 1 has the weight/);
    expect(error).toMatchObject({ argument: 'tokenLogRatio' });
  });
  test('T20: columns are columns, and entropies finite', () => {
    const row = (x: Tensor): Tensor => tensor(x.dataSync(), { shape: [1, x.size] });
    const [l, h, t] = [column(0, 0), column(1, 1), of(0, 0)];
    expect(() => chainRuleEntropy(row(l), h, t, 1)).toThrow(/^tokenLogRatio.shape/);
    expect(() => chainRuleEntropy(l, row(h), t, 1)).toThrow(/^nextTokenEntropy.shape/);
    expect(() => chainRuleEntropy(l, h, row(t), 1)).toThrow(/^tokenOf.shape/);
    expect(() => chainRuleEntropy(l, column(1, Infinity), t, 1)).toThrow(/^nextTokenEntropy\[1\] is Infinity/);
  });
});

describe('D4, D5: what a kind of diversity lacks is told by its argument', () => {
  const round = (id: string, slate: readonly number[], more: Record<string, unknown> = {}) => ({
    id,
    prompt: id,
    ...more,
    responses: slate.map((logProb, j) => ({
      text: `y${j}`,
      propensity: 0.5,
      opinion: 'pq'[j],
      target_log_prob: { pi: logProb === 0 ? null : logProb },
      feedback: { up: j },
    })),
  });
  const distribution = { opinion_distribution: { p: 0.5, q: 0.5 } };
  const refusal = (log: Log, diversity: 'slate' | 'distribution') =>
    errorOf(() => evaluate(log, { signals: up, diversity }));

  test('D4: slates of one', () => {
    expect(refusal(logFromRecords([round('r0', [-1])]), 'slate')).toMatchObject({ argument: 'diversity' });
  });
  test('D5: a round without preferences, and a prompt that the target never answers as logged', () => {
    const bare = refusal(logFromRecords([round('r0', [-1, -2], distribution), round('r1', [-1, -2])]), 'distribution');
    expect(bare.message).toMatch(/^round r1 has no opinion_distribution/);
    expect(bare).toMatchObject({ argument: 'opinion_distribution' });
    const none = refusal(
      logFromRecords([round('r0', [-1, -2], distribution), round('r1', [0, 0], distribution)]),
      'distribution',
    );
    expect(none.message).toMatch(/round r1's prompt probability 0/);
    expect(none).toMatchObject({ argument: 'target_log_prob' });
    // one class without mass is no trouble
    const half = logFromRecords([round('r0', [-1, 0], distribution), round('r1', [-1, -2], distribution)]);
    expect(evaluate(half, { signals: up, diversity: 'distribution' }).targets['pi'].diversity).not.toEqual({});
  });
  test('D6: what is no reward of a response has no variance of one', () => {
    const log = logFromRecords([round('r0', [-1, -2], distribution), round('r1', [-1, -3], distribution)]);
    for (const diversity of ['slate', 'distribution'] as const) {
      const { variance } = evaluate(log, { signals: up, diversity }).targets['pi'];
      expect(variance.value).toBeNull();
      expect(variance.utility).not.toBeNull();
    }
  });
  test('D6: diversity that dominates is told with its own tau', () => {
    // surprisals 1, 2 and 3 a range of 2, times tau 3 is 6; utilities 0 and 1
    const log = logFromRecords([round('r0', [-1, -2]), round('r1', [-1, -3])]);
    const { message } = evaluate(log, { signals: up, tau: 3 }).warnings.find((w) => w.code === 'diversity_dominates')!;
    expect(message).toMatch(/diversity reward is 6\.00, the range of the utility 1\.00/);
  });
  test('an interval without its range names the option', () => {
    const log = logFromRecords([round('r0', [-1])]);
    expect(errorOf(() => evaluate(log, { signals: up, interval: 'hoeffding' }))).toMatchObject({
      argument: 'rewardRange',
    });
  });
});

test('T9: the anchor is a distribution over the same responses', () => {
  for (const anchor of [[1], [1.5, -0.5], [-0.5, 1.5], [0.5, 0.4], [0.5, 0.25, 0.25]])
    expect(() => optimalPolicy([1, 2], 1, anchor)).toThrow(/^anchor .*2 numbers of at least 0 with sum 1/);
});

test('T19: pooled ratios refuse a weight beyond float64, and a class that was never seen', () => {
  const log = logFromRecords([
    { prompt: 'x', responses: [{ text: 'a', propensity: 0.5, opinion: 'p', feedback: { up: 1 } }] },
  ]);
  expect(() => pooledClassLogRatio(log, [Infinity])).toThrow(/^logRatio\[0\] is Infinity/);
  expect(errorOf(() => pooledClassLogRatio(log, [0], { ...log, opinions: ['q'] }))).toMatchObject({
    argument: 'onto',
    got: 'q',
  });
});

test('T5: across contexts, one response a round unless told otherwise', () => {
  const problem: FiniteProblem = {
    contextProb: [0.25, 0.75],
    logging: [
      [0.5, 0.5],
      [0.2, 0.8],
    ],
    target: [
      [1, 0],
      [0.6, 0.4],
    ],
    reward: [
      [1, 2],
      [-3, 4],
    ],
  };
  expectClose(varianceAcrossContexts(problem).variance, exactMoments(ips, problem).variance);
});

test.prop([fc.integer({ min: 1, max: 23 }), fc.nat(9)])(
  'T16: the folds of an evaluation: five or as many as there are units, clusters whole, sizes that differ by one at most',
  (units, seed) => {
    const log = logFromRecords(
      Array.from({ length: 2 * units }, (_, i) => ({
        prompt: 'x',
        cluster: `u${i % units}`,
        responses: [{ text: 'y', propensity: 0.5, feedback: { up: 1 } }],
      })),
    );
    const { rounds, folds, foldOf } = logShape(evaluationRows(log, up), seed);
    expect([rounds, folds]).toEqual([2 * units, Math.min(5, units)]);
    expect([...foldOf.slice(units)]).toEqual([...foldOf.slice(0, units)]);
    const sizes = Array.from({ length: folds }, (_, k) => foldOf.filter((f) => f === k).length / 2);
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(units);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  },
);

describe('objectives away from their anchor', () => {
  const batch = wholeBatch(rowsOf(enumeratedLog()));
  const [flat, from] = [
    [0.5, 0, -1, 0, 1, 0.25],
    [0, 0.5, 0, -0.5, 0, 1],
  ];
  const table = (logits: readonly number[]) => tensor(Float64Array.from(logits), { shape: [2, 3] });
  const softmax = (logits: readonly number[]): number[][] =>
    [0, 1].map((x) => {
      const row = logits.slice(3 * x, 3 * x + 3).map(Math.exp);
      return row.map((e) => e / row.reduce((a, b) => a + b, 0));
    });
  const [pi, anchor] = [softmax(flat), softmax(from)];
  const anchored = family.bind({ logits: table(from) }).logProb(batch.prompts, batch.responses);

  test('T7: the floor is what the tangent turns around', () => {
    const found = objectiveValue(family.bind({ logits: table(flat) }), batch, anchored, {
      objective: 'pope',
      diversity: 'none',
      tau: 0,
      rewardFloor: -1,
    }).item();
    const above = (x: number, y: number) =>
      anchor[x][y] * (utilities[x][y] + 1) * (1 + Math.log(pi[x][y] / anchor[x][y]));
    expectClose(found, pi0.flatMap((row, x) => row.map((_, y) => above(x, y) / 2)).reduce((a, b) => a + b) - 1);
  });
  test('D7: clipped weights clip the divergence of objective diversity, too', () => {
    const found = objectiveValue(family.bind({ logits: table(flat) }), batch, null, {
      objective: 'diversity',
      diversity: 'anchored',
      tau: 0.5,
      clip: 0.5,
    }).item();
    expectClose(found, -0.5 * 0.5 * klOf(pi)); // the weight of pi0 against itself is 1
  });
  test('T10: the policy gradient is taken at the present policy, wherever the anchor is', () => {
    const slope = (at: Tensor | null) => [
      ...grad((logits: Tensor) =>
        objectiveValue(family.bind({ logits }), batch, at, {
          objective: 'policy-gradient',
          diversity: 'anchored',
          tau: 0.5,
        }),
      )(table(flat)).dataSync(),
    ];
    expect(slope(anchored)).toEqual(slope(null));
  });
});
