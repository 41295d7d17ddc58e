import { describe, expect, test } from 'vitest';
import { type Diagnostics, defaultLimits } from '../../src/ope/index.js';
import { evaluate } from '../../src/pope/evaluate.js';
import { evaluationWarnings, logWideWarnings } from '../../src/pope/evaluation-warnings.js';
import { figureIntervals } from '../../src/pope/figure-intervals.js';
import type { EvaluateOptions } from '../../src/pope/index.js';
import type { LogDiversity } from '../../src/pope/log-diversity.js';
import { worseOf } from '../../src/pope/target-verdict.js';
import { expectClose } from '../theorems/close.js';
import { logOf, up } from './evaluation-log.js';

/** A target about which there is nothing to say, of 200 responses. */
const sound: Diagnostics = {
  meanWeight: 1,
  meanWeightError: 0.1,
  units: 1000,
  effectiveSampleSize: 150,
  maxWeightShare: 0.01,
  paretoK: 0.2,
  paretoReason: null,
  paretoLimit: 0.5,
  zeroWeightShare: 0,
  largest: [0],
};
const none: LogDiversity = { form: 'none' };
const rows = (utility: readonly number[], length = 200) => ({
  utility: Float64Array.from(utility),
  responseIndex: { length },
});

function codes(changes: Partial<Diagnostics>, responses = 200): string[] {
  return evaluationWarnings('new', { ...sound, ...changes }, rows([0, 1], responses), none, 1).map(({ code }) => code);
}

describe('warnings about a target, each at its limit and beyond', () => {
  test('low_effective_sample_size: below 100, or below a tenth of the responses', () => {
    expect(codes({})).toEqual([]);
    expect(codes({ effectiveSampleSize: 100 })).toEqual([]);
    expect(codes({ effectiveSampleSize: 99.9 })).toEqual(['low_effective_sample_size']);
    expect(codes({ effectiveSampleSize: 150 }, 1500)).toEqual([]);
    expect(codes({ effectiveSampleSize: 150 }, 1501)).toEqual(['low_effective_sample_size']);
  });

  test('heavy_tail: above its limit; an unknown tail is no evidence', () => {
    expect(codes({ paretoK: 0.5 })).toEqual([]);
    expect(codes({ paretoK: 0.51 })).toEqual(['heavy_tail']);
    expect(codes({ paretoK: null, paretoReason: 'few' })).toEqual([]);
  });

  test('mean_weight_off: beyond 4 standard errors on either side; only below 1 is support in question', () => {
    expect(codes({ meanWeight: 1.4 })).toEqual([]); // (1.4 - 1)/0.1 rounds to just below 4
    expect(codes({ meanWeight: 1.5, meanWeightError: 0.125 })).toEqual([]); // 4 exactly
    expect(codes({ meanWeight: 1.41 })).toEqual(['mean_weight_off']);
    expect(codes({ meanWeight: 0.59 })).toEqual(['mean_weight_off', 'deficient_support']);
    expect(codes({ meanWeight: 3, meanWeightError: null })).toEqual(['mean_weight_off']);
    expect(codes({ meanWeight: 1.9, meanWeightError: null })).toEqual([]);
    expect(codes({ meanWeight: null, meanWeightError: null })).toEqual([]);
    const said = evaluationWarnings('new', { ...sound, meanWeight: 0.25 }, rows([0, 1]), none, 1);
    expect(said[1].message).toMatch(/^new: about 75 % of the target's mass/);
  });

  test('diversity_dominates: tau times its range above the range of the utility', () => {
    const dominates = (tau: number, reward: readonly number[]): boolean =>
      evaluationWarnings(
        'new',
        sound,
        rows([3, -1, 0, 3]),
        { form: 'response', reward: Float64Array.from(reward) },
        tau,
      ).some(({ code }) => code === 'diversity_dominates');
    expect(dominates(1, [0, 4])).toBe(false);
    expect(dominates(1, [0, 4.5])).toBe(true);
    expect(dominates(2, [1, 2.5, 3.5])).toBe(true);
    expect(dominates(0.5, [0, 4.5])).toBe(false);
  });
});

describe('warnings about the whole evaluation', () => {
  const wide = {
    droppedRounds: 0,
    clustered: false,
    units: 10,
    log: { propensity: 'logged' as 'logged' | 'fitted' | 'none' },
  };
  const codesOf = (changes: Partial<typeof wide>, policies = 1, diversity: EvaluateOptions['diversity'] = 'none') =>
    logWideWarnings({ ...wide, ...changes }, policies, diversity ?? 'none').map(({ code }) => code);

  test('each has its one cause', () => {
    expect(codesOf({})).toEqual([]);
    expect(codesOf({}, 0)).toEqual(['no_target']);
    expect(codesOf({ droppedRounds: 2 })).toEqual(['missing_feedback']);
    expect(codesOf({}, 1, 'coverage')).toEqual(['estimated_classes']);
    expect(codesOf({}, 1, 'distribution')).toEqual(['estimated_classes']);
    expect(codesOf({}, 1, 'slate')).toEqual([]);
    expect(codesOf({ log: { propensity: 'fitted' } })).toEqual(['estimated_propensity']);
    expect(codesOf({ clustered: true, units: 29 })).toEqual(['few_clusters']);
    expect(codesOf({ clustered: true, units: 30 })).toEqual([]);
  });
});

const log = logOf(
  Array.from({ length: 8 }, (_, i) => ({ rows: [{ p0: 0.5, pi: i % 2 === 0 ? 0.25 : 0.75, up: i % 3 }] })),
);

describe('settings', () => {
  const refusal = (options: Partial<EvaluateOptions>): string => {
    try {
      evaluate(log, { signals: up, ...options });
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was refused';
  };

  test('what lies outside of its domain is refused by name', () => {
    expect(refusal({ level: 0 })).toMatch(/^level is 0; expected a number above 0 and below 1/);
    expect(refusal({ level: 1 })).toMatch(/^level is 1/);
    expect(refusal({ level: 95 })).toMatch(/^level is 95/);
    expect(refusal({ interval: 'bernstein' })).toMatch(/^interval bernstein has no rewardRange/);
    expect(refusal({ interval: 'hoeffding' })).toMatch(/^interval hoeffding has no rewardRange/);
    expect(refusal({ interval: 'betting' })).toBe('nothing was refused');
    expect(refusal({ parameters: { lambda: 0 } })).toMatch(/^lambda is 0/);
    expect(refusal({ parameters: { lambda: Infinity } })).toMatch(/^lambda is Infinity/);
    expect(refusal({ examination: [2] })).toMatch(/^examination is 2/);
    expect(refusal({ signals: [] })).toMatch(/^signals is \[\]/);
  });

  test('are in the result as they were used, with the limits of the verdict', () => {
    const limits = { ...defaultLimits, effectiveSampleSize: { refuse: 1, weak: 2 }, paretoK: { refuse: 3 } };
    const { settings } = evaluate(log, { signals: up, limits, tune: true, seed: 4 });
    expect(settings).toEqual({
      tau: 1,
      diversity: 'surprisal',
      signals: [{ name: 'up', transform: 'identity', weight: 1 }],
      level: 0.95,
      interval: 't',
      seed: 4,
      clip: 20,
      switch: 20,
      shrink: 20,
      lambda: null,
      tune: true,
      verdict_limits: {
        ess: [1, 2],
        ess_share: [0.005, 0.1],
        max_weight_share: [0.25, 0.05],
        pareto_k: [3],
        mean_weight_errors: [4, 3],
      },
    });
    expect(evaluate(log, { signals: up }).settings).not.toHaveProperty('tune');
  });

  test('an estimator asked for without its inputs is refused, one that is there is not', () => {
    expect(refusal({ estimators: ['dr'] })).toMatch(/^estimator dr lacks its inputs/);
    expect(refusal({ estimators: ['ips'] })).toBe('nothing was refused');
    const { utility } = evaluate(log, { signals: up, estimators: ['snips'] }).targets['pi'];
    expect(Object.keys(utility)).toEqual(['snips']);
  });
});

describe('figures', () => {
  test('a bootstrap of the given resamples, and the ranges of differences', () => {
    const few = evaluate(log, { signals: up, interval: 'bootstrap', resamples: 1, diversity: 'none' });
    const { lower, upper } = few.targets['pi'].utility['ips']!;
    expect(lower).toBe(upper); // one resample has one quantile
    const terms = { numerator: Float64Array.of(0.5, -1.5, 2), denominator: null, baseline: null };
    const range = [0, 2] as const;
    const [own, difference] = [false, true].map((isDifference) =>
      figureIntervals('hoeffding', [{ path: 'p', terms, isDifference }], { level: 0.95, range }),
    );
    expect(own.without).toEqual([{ path: 'p', reason: expect.stringMatching(/-1.5.*declared range \[0, 2\]/) }]);
    expect(own.intervals[0].estimate).toBeCloseTo(1 / 3, 14);
    expect([own.intervals[0].lower, own.intervals[0].upper]).toEqual([Number.NaN, Number.NaN]);
    expect(difference.without).toEqual([]);
    expect(difference.intervals[0].lower).toBe(-2); // hi - lo on either side
  });

  test('an error that is none of ours is not taken for a missing interval', () => {
    const broken = { numerator: null as unknown as Float64Array, denominator: null, baseline: null };
    expect(() =>
      figureIntervals('hoeffding', [{ path: 'p', terms: broken, isDifference: false }], { level: 0.9, range: [0, 1] }),
    ).toThrow(TypeError);
  });

  test('a target without any weight has null figures with one warning, and no variance to speak of', () => {
    const never = logOf(Array.from({ length: 4 }, () => ({ rows: [{ p0: 0.5, pi: 0, up: 1 }] })));
    const { targets, warnings } = evaluate(never, { signals: up, diversity: 'none' });
    expect(targets['pi'].utility['snips']).toEqual({ estimate: null, std_error: null, lower: null, upper: null });
    expect(targets['pi'].utility['ips']!.estimate).toBe(0);
    expect(targets['pi'].sensitivity).toBeNull();
    const said = warnings.filter(({ code }) => code === 'undefined_estimate');
    expect(said).toHaveLength(1);
    expect(said[0].message).toMatch(/^4 figures .* the first, pi: utility\.snips\.$/);
    const well = evaluate(log, { signals: up, diversity: 'none' });
    expect(well.warnings.map(({ code }) => code)).not.toContain('undefined_estimate');
    expect(well.warnings.map(({ code }) => code)).not.toContain('no_interval');
  });

  test('a weight beyond float64 is null with its round, and the band of T2 is null with it', () => {
    const far = logOf([
      { rows: [{ p0: 0.5, pi: 0.5, up: 1 }] },
      { id: 'far', rows: [{ p0: Number.MIN_VALUE, pi: 1, up: 1 }] },
      { rows: [{ p0: 0.5, pi: 0.5, up: 0 }] },
    ]);
    const { targets, warnings } = evaluate(far, { signals: up, diversity: 'none' });
    expect(targets['pi'].utility['ips']!.estimate).toBeNull();
    expect(warnings.find(({ code }) => code === 'overflow')!.message).toMatch(/^pi: utility\.ips .*in round far/);
    expect(targets['pi'].sensitivity!.ips).toEqual(Array(3).fill({ lower: null, upper: null }));
    expect(targets['pi'].variance.utility).toBeNull();
    expect(targets['pi'].value_variance).toEqual({});
    expectClose(targets['pi'].utility['snips']!.estimate!, 1);
  });
});

describe('verdicts of responses and slates', () => {
  const verdict = (level: 'supported' | 'weak' | 'refused', ...reasons: string[]) => ({ level, reasons });

  test('the worse level with the reasons of both', () => {
    expect(worseOf(verdict('weak', 'a'), verdict('refused', 'b'))).toEqual(
      verdict('refused', 'a', 'weights of whole slates: b'),
    );
    expect(worseOf(verdict('weak', 'a'), verdict('supported'))).toEqual(verdict('weak', 'a'));
    expect(worseOf(verdict('refused'), verdict('weak', 'b'))).toEqual(verdict('refused', 'weights of whole slates: b'));
  });

  test('slates count in the verdict only where nothing but joint estimates is there', () => {
    // single weights of 2 and 2/3 are fine, products of five of them are not
    const slates = logOf(
      Array.from({ length: 300 }, (_, i) => ({
        rows: Array.from({ length: 5 }, (_, j) => {
          const first = (7 * i + 3 * j) % 4 === 0;
          return { p0: first ? 0.25 : 0.75, pi: 0.5, up: (i + j) % 2 };
        }),
      })),
    );
    const both = evaluate(slates, { signals: up, diversity: 'none' }).targets['pi'];
    const joint = evaluate(slates, { signals: up, diversity: 'none', estimators: ['joint_ips'] }).targets['pi'];
    expect(both.verdict.reasons.filter((r) => r.startsWith('weights of whole slates'))).toEqual([]);
    expect(joint.verdict).toEqual(worseOf(both.verdict, both.joint_verdict!));
    expect(both.joint_verdict!.level).not.toBe('supported');
    expect(joint.verdict.reasons.some((r) => r.startsWith('weights of whole slates'))).toBe(true);
    expect(joint.verdict.reasons.some((r) => /largest weights: round r\d+ \(log-ratio/.test(r))).toBe(true);
  });

  test('the tail of weight times reward is judged beside that of the weights', () => {
    // 400 equal weights, and rewards that grow like a heavy tail
    const heavy = logOf(
      Array.from({ length: 400 }, (_, i) => ({
        rows: [{ p0: 0.5, pi: i % 2 === 0 ? 0.51 : 0.49, up: ((i + 1) / 401) ** -1.6 }],
      })),
    );
    const { verdict: found } = evaluate(heavy, { signals: up, diversity: 'none' }).targets['pi'];
    expect(found.level).toBe('weak');
    expect(found.reasons.join()).toMatch(/tail index of weight times reward/);
  });
});
