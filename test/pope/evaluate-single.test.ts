import { beforeEach, describe, expect, test } from 'vitest';
import { type EvaluationResult, evaluate, type TargetResult } from '../../src/pope/index.js';
import { expectClose } from '../theorems/close.js';
import { expectEntry, expectFinite, logOf, mean, type Row, sampleError, t4, up } from './evaluation-log.js';

describe('five rounds of one response', () => {
  // weights 1/2, 2, 1, 2, 0
  const rows: Row[] = [
    { p0: 0.5, pi: 0.25, up: 1 },
    { p0: 0.25, pi: 0.5, up: 2 },
    { p0: 0.5, pi: 0.5, up: 0 },
    { p0: 0.2, pi: 0.4, up: 3 },
    { p0: 0.5, pi: 0, up: 5 },
  ];
  const log = logOf(rows.map((row) => ({ rows: [row] })));
  let result: EvaluationResult;
  let pi: TargetResult;
  beforeEach(() => {
    result = evaluate(log, { signals: up, parameters: { clip: 1.5 } });
    pi = result.targets['pi'];
  });
  const rho = [0.5, 2, 1, 2, 0];
  const feedback = [1, 2, 0, 3, 5];
  const utility = [0.5, 4, 0, 6, 0];
  const [l2, l5] = [Math.log(2), Math.log(5)];
  const diversity = [l2, 2 * l2, l2, 2 * (l5 - l2), 0]; // rho times -log pi
  const surprisal = [2 * l2, l2, l2, l5 - l2, 0];

  test('D6: utility by ips: mean 2.1, squares 30.2', () => {
    expectEntry(pi.utility['ips'], 2.1, Math.sqrt(30.2 / 4 / 5), t4);
    expectEntry(pi.utility['joint_ips'], 2.1, Math.sqrt(30.2 / 4 / 5), t4);
  });

  test('D6: utility by snips: 10.5/5.5, with the error of a ratio', () => {
    const theta = 10.5 / 5.5;
    expectEntry(pi.utility['snips'], theta, sampleError(utility.map((a, i) => (a - theta * rho[i]) / 1.1)), t4);
  });

  test('D6: clipped at 1.5: (0.5 + 3 + 0 + 4.5)/5', () => {
    expectEntry(pi.utility['clipped_ips'], 1.6, sampleError([0.5, 3, 0, 4.5, 0]), t4);
  });

  test('D6: diversity: the weighted surprisal', () => {
    expectEntry(pi.diversity['ips'], (2 * l2 + 2 * l5) / 5, sampleError(diversity), t4);
    const theta = (2 * l2 + 2 * l5) / 5.5;
    expectEntry(pi.diversity['snips'], theta, sampleError(diversity.map((a, i) => (a - theta * rho[i]) / 1.1)), t4);
  });

  // #region D6
  test('D6: value: utility plus tau diversity, their covariance from the same log', () => {
    const sums = utility.map((u, i) => u + diversity[i]);
    expectEntry(pi.value['ips'], mean(sums), sampleError(sums), t4);
    const theta = (mean(sums) * 5) / 5.5;
    expectEntry(pi.value['snips'], theta, sampleError(sums.map((a, i) => (a - theta * rho[i]) / 1.1)), t4);
    const half = evaluate(log, { signals: up, tau: 0.5 }).targets['pi'].value['ips'];
    expectEntry(
      half,
      mean(utility) + mean(diversity) / 2,
      sampleError(utility.map((u, i) => u + diversity[i] / 2)),
      t4,
    );
  });
  // #endregion D6

  test('D6: the logging policy itself, and paired differences from it', () => {
    const own = rows.map(({ p0 }) => -Math.log(p0));
    expectEntry(result.logging.utility, 2.2, sampleError(feedback), t4);
    expectEntry(result.logging.diversity, (5 * l2 + l5) / 5, sampleError(own), t4);
    expectEntry(result.logging.value, 2.2 + mean(own), sampleError(feedback.map((f, i) => f + own[i])), t4);
    expectEntry(pi.versus_logging.utility['ips'], -0.1, sampleError([-0.5, 2, 0, 3, -5]), t4);
    const theta = 10.5 / 5.5;
    expectEntry(
      pi.versus_logging.utility['snips'],
      theta - 2.2,
      sampleError(utility.map((a, i) => (a - theta * rho[i]) / 1.1 - feedback[i])),
      t4,
    );
    expectEntry(
      pi.versus_logging.diversity['ips'],
      mean(diversity) - mean(own),
      sampleError(diversity.map((d, i) => d - own[i])),
      t4,
    );
    expectEntry(
      pi.versus_logging.value['ips'],
      mean(utility) + mean(diversity) - 2.2 - mean(own),
      sampleError(utility.map((u, i) => u + diversity[i] - feedback[i] - own[i])),
      t4,
    );
  });

  test('D6: diagnostics, verdict, variance, sensitivity', () => {
    expect(pi.diagnostics).toMatchObject({ pareto_k: null, zero_weight_share: 0.2 });
    expectClose(pi.diagnostics.mean_weight!, 1.1);
    expectClose(pi.diagnostics.effective_sample_size, 5.5 ** 2 / 9.25);
    expectClose(pi.diagnostics.max_weight_share, 2 / 5.5);
    expect(pi.verdict.level).toBe('refused');
    expect(pi.verdict.reasons[0]).toMatch(/3.27, below 10.*round r2/);
    expectClose(pi.variance.utility!.estimate, 30.2 / 5);
    expectClose(pi.variance.utility!.z, 2.1);
    const values = utility.map((_, i) => rho[i] * (feedback[i] + surprisal[i]));
    expectClose(pi.variance.value!.estimate, mean(values.map((v) => (v - mean(values)) ** 2)));
    expect(pi.variance.value!.lower_bound).toBeLessThanOrEqual(pi.variance.value!.estimate);
    expect(pi.sensitivity!.eta).toEqual([0.1, 0.25, 0.5]);
    pi.sensitivity!.eta.forEach((eta, k) => {
      const corners = Array.from({ length: 32 }, (_, corner) => {
        const tilted = rho.map((w, i) => w * Math.exp((corner >> i) & 1 ? eta : -eta));
        return tilted.reduce((s, w, i) => s + w * feedback[i], 0) / tilted.reduce((a, b) => a + b, 0);
      });
      expectClose(pi.sensitivity!.utility[k].lower!, Math.min(...corners));
      expectClose(pi.sensitivity!.utility[k].upper!, Math.max(...corners));
    });
    expect(pi.sensitivity!.tipping_point).toBeNull(); // the difference is not significant to begin with
  });

  test('D6: what lacks its inputs is left out, settings and counts are told', () => {
    expect(Object.keys(pi.utility).sort()).toEqual([
      'beta_star',
      'clipped_ips',
      'implicit_exploration',
      'ips',
      'joint_ips',
      'log_smoothing',
      'pareto_smoothed',
      'snips',
    ]);
    expect(result.log).toEqual({ rounds: 5, responses: 5, skipped: 0, mean_slate: 1, propensity: 'logged' });
    expect(result.settings).toMatchObject({
      tau: 1,
      diversity: 'surprisal',
      level: 0.95,
      interval: 't',
      seed: 0,
      clip: 1.5,
    });
    expect(result.warnings.map((w) => w.code)).toContain('low_effective_sample_size');
    expectFinite(result);
  });

  test('D6: the anchored diversity is minus the divergence from the log; none is none', () => {
    const anchored = evaluate(log, { signals: up, diversity: 'anchored' });
    const terms = rho.map((w) => (w === 0 ? 0 : -w * Math.log(w)));
    expectEntry(anchored.targets['pi'].diversity['ips'], mean(terms), sampleError(terms), t4);
    expectEntry(anchored.logging.diversity, 0, 0, t4);
    const none = evaluate(log, { signals: up, diversity: 'none' });
    expect(none.targets['pi'].diversity).toEqual({});
    expect(none.targets['pi'].value['ips']).toEqual(none.targets['pi'].utility['ips']);
    expect(none.logging.diversity).toBeNull();
  });

  test('D6: a policy given from outside is evaluated like one in the log', () => {
    const outside = evaluate(log, {
      signals: up,
      targets: { mine: { logProb: Float64Array.from(rows, ({ pi: p }) => Math.log(p)) } },
    });
    expect(outside.targets['mine'].value).toEqual(outside.targets['pi'].value);
    expect(
      evaluate(log, { signals: up, targets: { same: { logProb: log.logPropensity! } } }).targets['same'].versus_logging
        .value['ips'],
    ).toMatchObject({
      estimate: 0,
      std_error: 0,
    });
  });

  test('options outside of their domain are refused', () => {
    expect(() => evaluate(log, { signals: up, tau: -1 })).toThrow(/tau/);
    expect(() => evaluate(log, { signals: up, level: 1 })).toThrow(/level/);
    expect(() => evaluate(log, { signals: [{ name: 'down', transform: 'identity', weight: 1 }] })).toThrow(/down/);
    expect(() => evaluate(log, { signals: up, diversity: 'slate' })).toThrow(/slates of at least two/);
    expect(() => evaluate(log, { signals: up, diversity: 'coverage' })).toThrow(/opinion/);
    expect(() => evaluate({ ...log, logPropensity: null, propensity: 'none' }, { signals: up })).toThrow(
      /no propensities/,
    );
    const nan = { logProb: Float64Array.of(0, 0, Number.NaN, 0, 0) };
    expect(() => evaluate(log, { signals: up, targets: { nan } })).toThrow(/logRatio\[2\] is NaN/);
  });
});
