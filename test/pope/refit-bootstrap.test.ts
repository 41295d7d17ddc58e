import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords, type RoundRecord } from '../../src/data/index.js';
import {
  doublyRobust,
  type Estimator,
  ips,
  type Log,
  type PolicyFamily,
  snips,
  softmaxLinearPolicy,
} from '../../src/ope/index.js';
import { takeRows } from '../../src/pope/evaluation-rows.js';
import {
  bootstrapWithRefit,
  countedPropensity,
  crossFit,
  type EvaluationRows,
  estimateOn,
  evaluationRows,
  type RefitOptions,
  scoreRows,
  trainPope,
} from '../../src/pope/index.js';
import { rowTerms } from '../../src/pope/row-terms.js';
import { categorical, normal, type Random, seededRandom, uniformInt } from '../../src/random/index.js';
import { bootstrapInterval, tInterval } from '../../src/stats/index.js';
import { dispose, type Tree } from '../../src/tensor/index.js';
import { expectClose } from '../theorems/close.js';
import { enumeratedLog, family, logits, responses, rowsOf, up } from './enumerated-log.js';

const target = [
  [0.2, 0.3, 0.5],
  [0.6, 0.3, 0.1],
];
const targetLogProb = (log: Log): Float64Array =>
  Float64Array.from(log.responses, (y, j) =>
    Math.log(target[Number(String(log.prompts[j]).slice(1))][responses.indexOf(y)]),
  );

/** Rounds of one response with propensities of 1/2 that mean nothing: pi0 is to be fitted. */
function logOf(rounds: readonly { readonly x: number; readonly y: number; readonly reward: number }[]): Log {
  return logFromRecords(
    rounds.map(({ x, y, reward }) => ({
      prompt: `x${x}`,
      responses: [{ text: responses[y], propensity: 0.5, feedback: { up: reward } }],
    })),
  );
}

const cell = fc.array(fc.integer({ min: -12, max: 12 }), { minLength: 1, maxLength: 4 });
test.prop([fc.array(cell, { minLength: 6, maxLength: 6 })])(
  'with counted propensities IPS is the stratified estimate: the mean reward of every cell, weighted by the target',
  async (cells) => {
    const rounds = cells.flatMap((rewards, c) =>
      rewards.map((r) => ({ x: c % 2, y: Math.floor(c / 2), reward: r / 4 })),
    );
    const log = logOf(rounds);
    const rows = rowsOf(log);
    const found = estimateOn(ips, targetLogProb(log))({ ...rows, logPropensity: countedPropensity(log)(rows) });
    let stratified = 0;
    for (const x of [0, 1]) {
      const inContext = rounds.filter((r) => r.x === x).length / rounds.length;
      for (const y of [0, 1, 2]) {
        const rewards = rounds.filter((r) => r.x === x && r.y === y).map((r) => r.reward);
        const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
        stratified += inContext * target[x][y] * mean;
      }
    }
    expectClose(found, stratified);
  },
);

test('so rewards that only depend on prompt and response leave no error of the draws of responses', () => {
  const reward = [3, 1, 2];
  const drawn = [0, 0, 1, 2, 2, 2, 2, 0, 1].map((y) => ({ x: 0, y, reward: reward[y] }));
  const log = logOf(drawn);
  const rows = rowsOf(log);
  const fitted = { ...rows, logPropensity: countedPropensity(log)(rows) };
  const exact = reward.reduce((sum, r, y) => sum + target[0][y] * r, 0);
  expectClose(estimateOn(ips, targetLogProb(log))(fitted), exact);
  // an interval that takes the counts for known is wide nevertheless
  expect(tInterval(termsOf(ips, log, fitted), { level: 0.95 }).stdError).toBeGreaterThan(0.1);
});

function termsOf(estimator: Estimator, log: Log, rows: EvaluationRows) {
  const logRatio = takeRows(rows, targetLogProb(log)).map((p, m) => p - rows.logPropensity[m]);
  return rowTerms(estimator, rows, logRatio, { reward: rows.utility });
}

describe('coverage on a table', () => {
  const pi0 = [
    [0.5, 0.3, 0.2],
    [0.25, 0.35, 0.4],
  ];
  const mean = [
    [2, 1, 1.5],
    [1, 2, 3],
  ];
  const truth = [0, 1].reduce((sum, x) => sum + 0.5 * target[x].reduce((s, p, y) => s + p * mean[x][y], 0), 0);
  const [N, repetitions, resamples, level] = [200, 200, 100, 0.9];

  test('the refit covers at its level; to take the fit for known is far too wide', async () => {
    const random = seededRandom(20);
    const covered = { percentile: 0, basic: 0, fixed: 0 };
    const width = { percentile: 0, fixed: 0 };
    for (let k = 0; k < repetitions; k++) {
      const log = drawLog(random);
      const rows = rowsOf(log);
      const counts = countedPropensity(log);
      const found = await bootstrapWithRefit({
        rows,
        fit: counts,
        estimate: plainIps(targetLogProb(log)),
        level,
        resamples,
        random,
      });
      const fixed = tInterval(termsOf(ips, log, { ...rows, logPropensity: counts(rows) }), { level });
      const holds = ({ lower, upper }: { lower: number; upper: number }) => (lower <= truth && truth <= upper ? 1 : 0);
      covered.percentile += holds(found.percentile);
      covered.basic += holds(found.basic);
      covered.fixed += holds(fixed);
      width.percentile += found.percentile.upper - found.percentile.lower;
      width.fixed += fixed.upper - fixed.lower;
    }
    const error = Math.sqrt((level * (1 - level)) / repetitions);
    // 100 resamples cost a percentile interval about 1 % of its level
    for (const share of [covered.percentile, covered.basic])
      expect(Math.abs(share / repetitions - level)).toBeLessThan(3.5 * error + 0.015);
    expect(covered.fixed / repetitions).toBeGreaterThan(level + 3 * error);
    expect(width.fixed / width.percentile).toBeGreaterThan(1.5);
  });

  /** IPS without tensors: 20,000 estimates have to be quick. */
  const plainIps =
    (logProb: Float64Array) =>
    ({ responseIndex, logPropensity, utility }: EvaluationRows): number =>
      responseIndex.reduce((sum, j, m) => sum + Math.exp(logProb[j] - logPropensity[m]) * utility[m], 0) / N;

  function drawLog(random: Random): Log {
    return logOf(
      Array.from({ length: N }, () => {
        const x = uniformInt(random, 2);
        const y = categorical(random, pi0[x]);
        return { x, y, reward: mean[x][y] + 0.5 * normal(random) };
      }),
    );
  }
});

describe('a fit that knows pi0 makes it the percentile bootstrap', () => {
  const records: RoundRecord[] = Array.from({ length: 24 }, (_, i) => ({
    prompt: `x${i % 2}`,
    predicted_value: { pi: (i % 4) / 3 },
    responses: [0, 1].map((j) => ({
      text: responses[(i + j) % 3],
      log_propensity: -1 - ((i * 7 + j) % 5) / 4,
      target_log_prob: { pi: i % 6 === 5 ? null : -1 - ((i * 3 + j) % 7) / 4 },
      feedback: { up: ((i * 5 + j) % 9) / 2 },
      predicted_reward: ((i + j) % 5) / 2,
    })),
  }));
  test.each([
    ['rounds', ips, 0],
    ['rounds, self-normalised', snips, 0],
    ['rounds, doubly robust', doublyRobust, 0],
    ['clusters', snips, 3],
  ] as const)('%s', async (_, estimator, size) => {
    const log = logFromRecords(
      records.map((record, i) => ({ ...record, ...(size > 0 && { cluster: `c${i % size}${i % 2}` }) })),
    );
    const rows = evaluationRows(log, up);
    const logProb = log.targetLogProb.get('pi')!;
    const value = log.predictedValue.get('pi')!;
    const found = await bootstrapWithRefit({
      rows,
      fit: (drawn) => takeRows(drawn, log.logPropensity!),
      estimate: estimateOn(estimator, logProb, value),
      level: 0.8,
      resamples: 150,
      random: seededRandom(8),
    });
    const logRatio = logProb.map((p, j) => p - log.logPropensity![j]);
    const terms = rowTerms(estimator, rows, logRatio, {
      reward: rows.utility,
      predictedReward: log.predictedReward!,
      predictedValue: value,
    });
    const expected = bootstrapInterval(terms, {
      level: 0.8,
      resamples: 150,
      random: seededRandom(8),
      ...(rows.clustered && { clusterOf: rows.unitOfRound, clusters: rows.units }),
    });
    expectClose(found.estimate, expected.estimate);
    expectClose(found.percentile.lower, expected.lower);
    expectClose(found.percentile.upper, expected.upper);
    expectClose(found.basic.lower, 2 * expected.estimate - expected.upper);
    expectClose(found.basic.upper, 2 * expected.estimate - expected.lower);
  });
});

describe('the fits of this repository go inside', () => {
  const log = enumeratedLog({ propensities: false });
  const rows = rowsOf(log);
  const estimate = estimateOn(snips, targetLogProb(log));
  const common = { rows, estimate, level: 0.9, resamples: 3 };
  const training = { steps: 60, batch: 64, learningRate: 0.2, diversity: 'none', tau: 0, innerSteps: 1 } as const;

  /** Maximum likelihood on the rows themselves. */
  const likeliest =
    <P extends Tree>(use: PolicyFamily<P>, start: () => P) =>
    async (drawn: EvaluationRows): Promise<Float64Array> => {
      const options = {
        ...training,
        family: use,
        params: start(),
        rows: drawn,
        heldOut: null,
        objective: 'sft',
      } as const;
      const { params, state } = await trainPope(options);
      const scores = await scoreRows(use.bind(params), drawn);
      dispose([params, state.optimizer.firstMoment, state.optimizer.secondMoment]);
      return scores;
    };

  test('softmax-linear by maximum likelihood; with a feature a cell it finds the counts', async () => {
    const candidates = responses.map((text) => ({ text }));
    const linear = softmaxLinearPolicy(
      () => candidates,
      (prompt, text) => {
        const place = 3 * Number(String(prompt).slice(1)) + responses.indexOf(text);
        return Array.from({ length: 6 }, (_, k) => (k === place ? 1 : 0));
      },
    );
    const linearFit = likeliest(linear, () => ({ weight: tensor(new Float64Array(6)) }));
    const counted = countedPropensity(log)(rows);
    const fitted = await linearFit(rows);
    for (const [m, p] of fitted.entries()) expect(Math.abs(p - counted[m])).toBeLessThan(0.05);
    const found = await bootstrapWithRefit({ ...common, fit: linearFit, random: seededRandom(1) });
    const byCounts = await bootstrapWithRefit({ ...common, fit: countedPropensity(log), random: seededRandom(1) });
    // the last replicates are resamples of 16 rounds, whose rare cells are fitted slowly
    expect(Math.abs(found.estimate - byCounts.estimate)).toBeLessThan(0.05);
    expect(found.replicates).toHaveLength(3);
  });

  test('cross-fitted: the copies of a round share a unit, so folds by unit keep them together', async () => {
    const seen: boolean[] = [];
    const fit = (drawn: EvaluationRows): Promise<Float64Array> => {
      const folds = drawn.unitOfRound.map((unit) => unit % 2);
      const foldsOf = new Map<number, Set<number>>();
      drawn.roundIndex.forEach((round, i) => void foldsOf.set(round, (foldsOf.get(round) ?? new Set()).add(folds[i])));
      seen.push([...foldsOf.values()].every(({ size }) => size === 1) && drawn.roundIndex.length > foldsOf.size);
      return crossFit({ rows: drawn, family, start: () => logits(), folds, ...training, steps: 5 });
    };
    const found = await bootstrapWithRefit({ ...common, fit, random: seededRandom(2) });
    expect(found.replicates.every(Number.isFinite)).toBe(true);
    expect(seen).toEqual([false, true, true, true]);
  });

  test('smoothed counts of candidates', () => {
    const candidates = new Map(['x0', 'x1'].map((x) => [x, [...responses, 'd'].map((text) => ({ text }))]));
    const spread = { ...log, candidates };
    const found = countedPropensity(spread, { smoothing: 0.5 })(rows);
    // x0: a 4 of 8, and half a response on each of 4 candidates
    expectClose(found[0], Math.log(4.5 / 10));
    expect(() => countedPropensity(log, { smoothing: 0.5 })).toThrow(/prompt of round x0a0 has no candidates/);
    expect(() => countedPropensity(log, { smoothing: -1 })).toThrow(/smoothing is -1/);
  });
});

describe('what it refuses and reports', () => {
  const log = logOf([0, 1, 2, 0, 1, 2].map((y, i) => ({ x: i % 2, y, reward: i })));
  const rows = rowsOf(log);
  const options = (over: Partial<RefitOptions>): RefitOptions => ({
    rows,
    fit: countedPropensity(log),
    estimate: estimateOn(ips, targetLogProb(log)),
    level: 0.9,
    resamples: 5,
    random: seededRandom(3),
    ...over,
  });

  test.each<[string, Partial<RefitOptions>, RegExp]>([
    ['NaN', { fit: () => new Float64Array(6).fill(Number.NaN) }, /fitted on the log for a response of round 1 is NaN/],
    ['a density', { fit: () => new Float64Array(6).fill(0.1) }, /is 0.1; expected a finite number of at most 0/],
    ['probability 0', { fit: () => new Float64Array(6).fill(-Infinity) }, /is -Infinity; expected a finite number/],
    ['too few', { fit: () => new Float64Array(5) }, /number of propensities fitted on the log is 5; expected 6/],
    ['a level of 1', { level: 1 }, /level is 1/],
    ['one resample', { resamples: 1 }, /resamples is 1/],
    ['one round', { rows: rowsOf(logOf([{ x: 0, y: 0, reward: 1 }])) }, /number of rounds is 1; expected at least 2/],
  ])('%s', async (_, over, message) => {
    await expect(bootstrapWithRefit(options(over))).rejects.toThrow(message);
  });

  test('a bad fit of a resample is named', async () => {
    let calls = 0;
    const fit = () => new Float64Array(6).fill(calls++ === 3 ? 1 : -1);
    await expect(bootstrapWithRefit(options({ fit }))).rejects.toThrow(/fitted on resample 3 for a response/);
  });

  test('rounding above 0 is 0', async () => {
    const seen: number[] = [];
    const estimate = ({ logPropensity }: EvaluationRows) => seen.push(...logPropensity);
    await bootstrapWithRefit(options({ fit: () => new Float64Array(6).fill(1e-12), estimate }));
    expect(new Set(seen)).toEqual(new Set([0]));
  });

  test('progress, a stop by request, and resamples without an estimate', async () => {
    const done: number[] = [];
    await bootstrapWithRefit(options({ onResample: (k, of) => done.push(k / of) }));
    expect(done).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    const stop = new AbortController();
    const stopped = bootstrapWithRefit(options({ signal: stop.signal, onResample: (k) => k === 2 && stop.abort() }));
    await expect(stopped).rejects.toMatchObject({ code: 'aborted', message: expect.stringMatching(/after 2 of 5/) });
    let calls = 0;
    const half = await bootstrapWithRefit(options({ estimate: () => (calls++ % 2 === 0 ? 1 : Number.NaN) }));
    expect(half).toMatchObject({ undefinedResamples: 3, stdError: 0, estimate: 1 });
    expect([...half.replicates]).toEqual([1, 1]);
    const none = await bootstrapWithRefit(options({ estimate: () => Number.NaN }));
    expect(none.percentile.lower).toBeNaN();
    expect(none.stdError).toBeNaN();
  });
});
