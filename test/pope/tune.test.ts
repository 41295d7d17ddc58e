import { beforeEach, describe, expect, test } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import { slope } from '../../src/ope/index.js';
import { type EvaluationResult, evaluate, type TargetResult } from '../../src/pope/index.js';
import { geometricGrid } from '../../src/pope/tune.js';
import { seededRandom, uniform } from '../../src/random/index.js';
import { studentQuantile } from '../../src/stats/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import { logOf, up } from './evaluation-log.js';

/** Rounds of one response; the target says the first of two answers with 0.9, the logger with `p`. */
function sampled(n: number, p: number, model: boolean, shift = 0) {
  const random = seededRandom(11);
  return logOf(
    Array.from({ length: n }, () => {
      const first = uniform(random) < p;
      return {
        ...(model && { value: 0.6 }),
        rows: [
          {
            p0: first ? p : 1 - p,
            pi: first ? 0.9 : 0.1,
            up: (uniform(random) < (first ? 0.7 : 0.2) ? 1 : 0) - shift,
            ...(model && { q: first ? 0.7 : 0.2 }),
          },
        ],
      };
    }),
  );
}

test('a geometric grid has both ends and equal steps', () => {
  expectAllClose(geometricGrid([100, 1], 3), [100, 10, 1]);
  expect(geometricGrid([0.01, 1])).toHaveLength(12);
});

describe('hyper-parameters chosen on the log', () => {
  const log = sampled(400, 0.1, true);
  let result: EvaluationResult;
  let tuning: TargetResult['tuning'];
  let utility: TargetResult['utility'];
  beforeEach(() => {
    result = evaluate(log, { signals: up, diversity: 'none', tune: true, level: 0.9 });
    ({ tuning, utility } = result.targets['pi']);
  });

  test('every estimator with a parameter has a report, from (nearly) raw weights to hard-held ones', () => {
    const ends = Object.fromEntries(
      Object.entries(tuning!).map(([key, { parameter, candidates }]) => {
        const values = candidates.map(({ value }) => value);
        return [key, [parameter, Math.min(...values), Math.max(...values)]];
      }),
    );
    // the largest weight is 0.9/0.1
    const near = (x: number) => expect.closeTo(x, 6) as number;
    expect(ends).toEqual({
      clipped_ips: ['clip', 1, near(9)],
      switch_dr: ['switch', 1, near(9)],
      dros: ['shrink', near(1), near(8100)],
      log_smoothing: ['lambda', near(0.01 / 9), near(1)],
      implicit_exploration: ['lambda', near(0.01 / 9), near(1)],
    });
  });

  test('the choice is that of SLOPE at the level, and the estimate is the chosen one', () => {
    for (const [key, { parameter, selected, candidates, reason }] of Object.entries(tuning!)) {
      const fixed = evaluate(log, { signals: up, diversity: 'none', parameters: { [parameter]: selected } });
      expect(fixed.targets['pi'].utility[key]!.estimate).toBe(utility[key]!.estimate);
      const chosen = candidates.find(({ outcome }) => outcome === 'selected')!;
      expectClose(chosen.estimate, utility[key]!.estimate!);
      expect(chosen.value).toBe(selected);
      expect(reason).toMatch(/narrowest/);
    }
    const terms = candidateTerms(geometricGrid([9, 1]));
    expect(slope(terms, { delta: 0.05 }).selected.value).toBeCloseTo(tuning!['clipped_ips'].selected, 9);
  });

  /** min(rho, M) u by hand. */
  const candidateTerms = (grid: readonly number[]) =>
    grid.map((limit) => ({
      value: limit,
      terms: {
        numerator: Float64Array.from(
          log.logPropensity!,
          (l, j) => Math.min(Math.exp(log.targetLogProb.get('pi')![j] - l), limit) * log.feedback.get('up')![j],
        ),
        denominator: null,
        baseline: null,
      },
    }));

  test('parameters of other estimators, and of other evaluations, stay', () => {
    const plain = evaluate(log, { signals: up, diversity: 'none' });
    for (const key of ['ips', 'snips', 'dr', 'beta_star']) {
      expect(utility[key]!.estimate).toBe(plain.targets['pi'].utility[key]!.estimate);
    }
    expect(plain.targets['pi']).not.toHaveProperty('tuning');
    expect(plain.warnings.map(({ code }) => code)).not.toContain('tuned_on_log');
    expect(result.warnings.filter(({ code }) => code === 'tuned_on_log')).toHaveLength(1);
  });
});

describe('what cannot be chosen is left as it is', () => {
  test('without a model, with negative rewards, or for estimators that were not asked for', () => {
    const keys = (log: ReturnType<typeof sampled>, estimators?: ['clipped_ips']) =>
      Object.keys(
        evaluate(log, { signals: up, diversity: 'none', tune: true, ...(estimators && { estimators }) }).targets['pi']
          .tuning!,
      );
    expect(keys(sampled(100, 0.3, false))).toEqual(['clipped_ips', 'log_smoothing', 'implicit_exploration']);
    expect(keys(sampled(100, 0.3, false, 0.5))).toEqual(['clipped_ips', 'implicit_exploration']);
    expect(keys(sampled(100, 0.3, true), ['clipped_ips'])).toEqual(['clipped_ips']);
    expect(keys(sampled(1, 0.3, false))).toEqual([]); // one round has no width
  });

  test('weights beyond float64, and rewards of whole slates', () => {
    const far = logOf([{ rows: [{ p0: Number.MIN_VALUE, pi: 1, up: 1 }] }, { rows: [{ p0: 0.5, pi: 0.5, up: 1 }] }]);
    expect(evaluate(far, { signals: up, diversity: 'none', tune: true }).targets['pi'].tuning).toEqual({});
    const rank = evaluate(sampled(50, 0.3, false), {
      signals: [{ name: 'up', transform: 'rank', weight: 1 }],
      diversity: 'none',
      tune: true,
    });
    expect(rank.targets['pi'].tuning).toEqual({});
  });

  test('groups of raters use the choice of their target', () => {
    const random = seededRandom(3);
    const log = logFromRecords(
      Array.from({ length: 200 }, () => {
        const first = uniform(random) < 0.2;
        const vote = uniform(random) < 0.5 ? 1 : 0;
        return {
          prompt: 'x',
          responses: [
            {
              text: first ? 'a' : 'b',
              propensity: first ? 0.2 : 0.8,
              target_log_prob: Math.log(first ? 0.9 : 0.1),
              feedback: { up: vote },
              group_feedback: { all: { up: vote } },
            },
          ],
        };
      }),
    );
    const { utility, groups, tuning } = evaluate(log, { signals: up, diversity: 'none', tune: true }).targets['target'];
    expect(tuning!['clipped_ips'].selected).toBeLessThan(20);
    expect(groups!.groups['all'].utility).toEqual(utility);
  });
});

test('a log-ratio near the end of float64 leaves the parameters as they are', () => {
  const log = logOf(
    Array.from({ length: 6 }, (_, i) => ({
      value: 0,
      rows: [{ p0: i === 0 ? Math.exp(-353.9) : 0.5, pi: i === 0 ? 1 : 0.5, up: i % 2, q: 0 }],
    })),
  );
  expect(evaluate(log, { signals: up, diversity: 'none', tune: true }).targets['pi'].tuning).toEqual({});
});

test('rounds of one cluster are dependent: ten copies of a log as clusters are as wide as the log', () => {
  const plain = sampled(60, 0.3, false);
  const copies = logFromRecords(
    plain.ids.flatMap((_, i) =>
      Array.from({ length: 10 }, () => ({
        prompt: 'x',
        cluster: `c${i}`,
        responses: [
          {
            text: 'y',
            log_propensity: plain.logPropensity![i],
            target_log_prob: { pi: plain.targetLogProb.get('pi')![i] },
            feedback: { up: plain.feedback.get('up')![i] },
          },
        ],
      })),
    ),
  );
  const tuned = (log: typeof plain) =>
    evaluate(log, { signals: up, diversity: 'none', tune: true, parameters: { lambda: 0.1 } }).targets['pi'].tuning!;
  const [one, ten] = [tuned(plain), tuned(copies)];
  expect(Object.keys(ten)).toEqual(Object.keys(one));
  for (const [key, { candidates, selected }] of Object.entries(one)) {
    expectClose(ten[key].selected, selected);
    candidates.forEach(({ width }, i) => {
      expectClose(ten[key].candidates[i].width, width, 1, 1e-9);
    });
  }
});

test('the widest candidate of switch_dr is dr, whatever the largest log-ratio rounds to', () => {
  for (let k = 1; k <= 40; k++) {
    const p = k / 97;
    const log = logOf(
      [p, 1 - p, p, 1 - p].map((p0, i) => ({
        value: 0.25,
        rows: [{ p0, pi: i % 2 === 0 ? 0.9 : 0.1, up: i % 2 === 0 ? 1 : 0.5, q: 0.25 * i }],
      })),
    );
    const { tuning, utility } = evaluate(log, { signals: up, diversity: 'none', tune: true }).targets['pi'];
    const widest = tuning!['switch_dr'].candidates.reduce((a, b) => (b.value > a.value ? b : a));
    expectClose(widest.estimate, utility['dr']!.estimate!);
  }
});

test('the widths of the choice are those of the level of the evaluation', () => {
  const widest = (level: number) =>
    evaluate(sampled(60, 0.3, false), { signals: up, diversity: 'none', tune: true, level }).targets['pi'].tuning![
      'clipped_ips'
    ].candidates[0].width;
  // Student's t of 59 degrees of freedom, one-sided: 0.995 and 0.9
  expectClose(widest(0.99) / widest(0.8), studentQuantile(0.995, 59) / studentQuantile(0.9, 59));
});
