import { describe, expect, test } from 'vitest';
import { evaluate } from '../../src/pope/index.js';
import { logOf, up } from './evaluation-log.js';

/** The target says what the logger hardly ever does; every reward is 1, so the value is 1, and clipped weights miss it. */
const far = logOf(
  Array.from({ length: 400 }, (_, i) => ({
    value: 0,
    rows: [{ p0: i % 10 === 0 ? 0.1 : 0.9, pi: i % 10 === 0 ? 0.9 : 0.1, up: 1, q: 0 }],
  })),
);
const methods = [
  ['log-smoothing', undefined],
  ['betting', undefined],
  ['hoeffding', [0, 10]],
  ['bernstein', [0, 10]],
  ['betting', [0, 10]],
] as const;

describe.each(methods)('T12: a guaranteed bound speaks of the value or not at all: %s, range %s', (interval, range) => {
  const bounds = (up1 = far, tau = 0) =>
    evaluate(up1, {
      signals: up,
      diversity: 'none',
      tau,
      interval,
      parameters: { clip: 1 },
      ...(range && { rewardRange: range }),
    });

  test('pessimistic estimators keep the lower end and have no upper one', () => {
    const { utility, versus_logging } = bounds().targets['pi'];
    for (const key of ['clipped_ips', 'implicit_exploration', 'log_smoothing']) {
      expect(utility[key]!.lower).toBeLessThan(1);
      expect(utility[key]!.lower).not.toBeNull();
      expect(utility[key]!.upper).toBeNull();
      expect(versus_logging.utility[key]!.upper).toBeNull();
    }
    expect(utility['ips']!.lower).not.toBeNull();
    if (range) expect(utility['ips']!.upper).not.toBeNull();
  });

  test('what is biased or dependent has no bounds, and the warning says why', () => {
    const result = bounds();
    for (const key of ['dm', 'switch_dr', 'dros', 'beta_star', 'pareto_smoothed']) {
      const entry = result.targets['pi'].utility[key]!;
      expect([key, entry.lower, entry.upper]).toEqual([key, null, null]);
      expect(entry.estimate).not.toBeNull();
    }
    const said = result.warnings.find(({ code }) => code === 'no_interval')!;
    expect(said.message).toContain(`${interval} has no interval`);
  });
});

test('T12: with negative rewards clipping is not pessimistic, and has no guaranteed bound', () => {
  const signed = logOf(Array.from({ length: 20 }, (_, i) => ({ rows: [{ p0: 0.5, pi: 0.5, up: i === 0 ? -1 : 1 }] })));
  const { utility } = evaluate(signed, {
    signals: up,
    diversity: 'none',
    interval: 'hoeffding',
    rewardRange: [-2, 2],
  }).targets['pi'];
  expect([utility['clipped_ips']!.lower, utility['clipped_ips']!.upper]).toEqual([null, null]);
  expect(utility['ips']!.lower).not.toBeNull();
});

test('t and the bootstraps are about the mean of the estimate, and have both ends for all', () => {
  const { utility } = evaluate(far, { signals: up, diversity: 'none', interval: 'bca', resamples: 50 }).targets['pi'];
  for (const entry of Object.values(utility)) expect([entry!.lower, entry!.upper]).not.toContain(null);
});
