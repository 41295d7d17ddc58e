import { describe, expect, test } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import { evaluate } from '../../src/pope/index.js';
import { expectClose } from '../theorems/close.js';
import { expectFinite, logOf, up } from './evaluation-log.js';

describe('edges', () => {
  test('a weight beyond float64 is named and null, and what is self-normalised still answers', () => {
    const log = logFromRecords(
      [-800, -1, -1].map((log_propensity, i) => ({
        id: `r${i}`,
        prompt: 'x',
        responses: [{ text: 'y', log_propensity, target_log_prob: { pi: -0.5 }, feedback: { up: i + 1 } }],
      })),
    );
    const result = evaluate(log, { signals: up });
    const { pi } = result.targets;
    expect(pi.utility['ips']?.estimate ?? null).toBeNull();
    expect(result.warnings).toContainEqual({
      code: 'overflow',
      message: expect.stringMatching(/utility\.ips.*round r0/),
    });
    expectClose(pi.utility['snips']!.estimate!, 1);
    expect(pi.verdict.level).toBe('refused');
    expect(pi.verdict.reasons.join(' ')).toMatch(/exceeds 709/);
    expect([pi.diagnostics.mean_weight, pi.variance.utility]).toEqual([null, null]);
    expectFinite(result);
  });

  test('huge rewards beside large weights leave the variance null instead of failing', () => {
    const log = logFromRecords([
      {
        id: 'r',
        prompt: 'x',
        responses: [{ text: 'y', log_propensity: -330, target_log_prob: { pi: 0 }, feedback: { up: 1e30 } }],
      },
    ]);
    const { pi } = evaluate(log, { signals: up }).targets;
    expect(pi.variance.utility).toBeNull();
    expectClose(pi.utility['snips']!.estimate! / 1e30, 1);
  });

  test('a target that never says what was logged: ips 0, snips undefined, refused', () => {
    const result = evaluate(logOf([{ rows: [{ p0: 0.5, pi: 0, up: 1 }] }, { rows: [{ p0: 0.5, pi: 0, up: 2 }] }]), {
      signals: up,
    });
    const { pi } = result.targets;
    expect(pi.utility['ips']!.estimate).toBe(0);
    expect(pi.utility['snips']!.estimate).toBeNull();
    expect(pi.verdict).toMatchObject({
      level: 'refused',
      reasons: expect.arrayContaining([expect.stringMatching(/never says/)]),
    });
    expect(pi.sensitivity).toBeNull();
    expectFinite(result);
  });

  test('one round has an estimate and no interval', () => {
    const result = evaluate(logOf([{ rows: [{ p0: 0.5, pi: 0.25, up: 1 }] }]), { signals: up });
    expect(result.targets['pi'].utility['ips']).toEqual({ estimate: 0.5, std_error: null, lower: null, upper: null });
    expectFinite(result);
  });

  test('diversity that outweighs the utility is warned about, and a log without targets says so', () => {
    const log = logOf([{ rows: [{ p0: 0.5, pi: 0.25, up: 1 }] }, { rows: [{ p0: 0.5, pi: 0.5, up: 1.5 }] }]);
    const codes = (tau: number) => evaluate(log, { signals: up, tau }).warnings.map((w) => w.code);
    // the surprisals differ by log 2 = 0.69, the utilities by 0.5
    expect(codes(1)).toContain('diversity_dominates');
    expect(codes(0.5)).not.toContain('diversity_dominates');
    const bare = evaluate({ ...log, targetLogProb: new Map() }, { signals: up });
    expect(bare.targets).toEqual({});
    expect(bare.warnings.map((w) => w.code)).toContain('no_target');
    const fitted = evaluate({ ...log, propensity: 'fitted' }, { signals: up });
    expect(fitted.log.propensity).toBe('fitted');
    expect(fitted.warnings.map((w) => w.code)).toContain('estimated_propensity');
  });

  test('every interval method ends and is reproducible', () => {
    const log = logOf(
      Array.from({ length: 12 }, (_, i) => ({ rows: [{ p0: 0.5, pi: i % 2 ? 0.75 : 0.25, up: (i % 3) / 2 }] })),
    );
    for (const interval of ['t', 'bootstrap', 'bca'] as const) {
      const run = () => evaluate(log, { signals: up, interval, resamples: 200, seed: 3 });
      expect(run()).toEqual(run());
      const { lower, estimate, upper } = run().targets['pi'].utility['snips']!;
      expect(lower!).toBeLessThan(estimate!);
      expect(upper!).toBeGreaterThan(estimate!);
    }
  });
});

test('targets whose names contain one another, or are awkward, keep their own entries', () => {
  const names = ['a', 'a/utility', '__proto__x', 'utility'];
  const log = logFromRecords(
    Array.from({ length: 40 }, (_, i) => ({
      prompt: 'p',
      responses: [
        {
          text: 'x',
          propensity: 0.5,
          target_log_prob: Object.fromEntries(names.map((name, k) => [name, Math.log(0.3 + k / 10)])),
          feedback: { f: i % 2 },
        },
      ],
    })),
  );
  const { targets } = evaluate(log, { signals: [{ name: 'f', transform: 'identity', weight: 1 }], diversity: 'none' });
  expect(Object.keys(targets)).toEqual(names);
  names.forEach((name, k) => {
    expect(Object.keys(targets[name].utility)).toEqual(
      expect.arrayContaining(['ips', 'snips', 'clipped_ips', 'joint_ips']),
    );
    expect(targets[name].utility['ips']?.estimate).toBeCloseTo(0.5 * ((0.3 + k / 10) / 0.5), 12);
  });
});
