import { describe, expect, test } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import type { Log } from '../../src/ope/index.js';
import { type EstimateEntry, evaluate, type Signal } from '../../src/pope/index.js';
import { expectClose } from '../theorems/close.js';

const up: Signal[] = [{ name: 'up', transform: 'identity', weight: 1 }];

interface Row {
  readonly p0: number;
  readonly pi: number;
  readonly up: number | null;
  readonly q?: number;
}

function logOf(
  rounds: readonly {
    readonly rows: readonly Row[];
    readonly cluster?: string;
    readonly value?: number;
    readonly id?: string;
  }[],
): Log {
  return logFromRecords(
    rounds.map(({ rows, cluster, value, id }, i) => ({
      id: id ?? `r${i + 1}`,
      prompt: 'x',
      ...(cluster && { cluster }),
      ...(value !== undefined && { predicted_value: { pi: value } }),
      responses: rows.map((r, j) => ({
        text: `y${i}${j}`,
        log_propensity: Math.log(r.p0),
        target_log_prob: { pi: r.pi === 0 ? null : Math.log(r.pi) },
        ...(r.up !== null && { feedback: { up: r.up } }),
        ...(r.q !== undefined && { predicted_reward: r.q }),
      })),
    })),
  );
}

const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
const sampleError = (x: readonly number[]): number =>
  Math.sqrt(x.reduce((s, v) => s + (v - mean(x)) ** 2, 0) / (x.length - 1) / x.length);

/** An entry whose interval is Student's with quantile t. */
function expectEntry(entry: EstimateEntry | null | undefined, estimate: number, error: number, t: number): void {
  if (entry == null) expect.fail('the entry is missing');
  expectClose(entry.estimate!, estimate);
  expectClose(entry.std_error!, error);
  expectClose(entry.lower!, estimate - t * error);
  expectClose(entry.upper!, estimate + t * error);
}

function expectFinite(value: unknown, path = 'result'): void {
  if (typeof value === 'number' && !Number.isFinite(value)) expect.fail(`${path} is ${value}`);
  if (value !== null && typeof value === 'object')
    for (const [key, inner] of Object.entries(value)) expectFinite(inner, `${path}.${key}`);
}

// Student's t at 0.975: 4 and 2 degrees of freedom (mpmath)
const [t4, t2] = [2.776445105197798, 4.302652729749462];

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
  const result = evaluate(log, { signals: up, parameters: { clip: 1.5 } });
  const { pi } = result.targets;
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
    expect(Object.keys(pi.utility).sort()).toEqual(['clipped_ips', 'ips', 'joint_ips', 'snips']);
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

describe('slates, clusters and missing feedback', () => {
  const rounds = [
    {
      cluster: 'u',
      value: 1,
      rows: [
        { p0: 0.25, pi: 0.5, up: 1, q: 0 },
        { p0: 0.5, pi: 0.25, up: null, q: 9 },
      ],
    },
    {
      cluster: 'u',
      value: 2,
      rows: [
        { p0: 0.5, pi: 0.5, up: 2, q: 1 },
        { p0: 0.25, pi: 0.75, up: 1, q: 1 },
      ],
    },
    {
      cluster: 'v',
      value: 0,
      rows: [
        { p0: 0.5, pi: 0.25, up: 4, q: 2 },
        { p0: 0.5, pi: 0.25, up: 0, q: 1 },
      ],
    },
    { cluster: 'w', value: 8, rows: [{ p0: 0.5, pi: 0.25, up: null, q: 5 }] },
    { cluster: 'w', value: 3, rows: [{ p0: 0.5, pi: 0.5, up: 3, q: 3 }] },
  ];
  const result = evaluate(logOf(rounds), { signals: up, parameters: { switch: 5, shrink: 3 } });
  const { pi } = result.targets;
  /** sqrt(3/2 sum psi^2)/4 over the clusters u (rounds 1 and 2), v, w. */
  const clusterError = ([a, b, c, d]: readonly number[]): number =>
    Math.sqrt(1.5 * ((a + b) ** 2 + c ** 2 + d ** 2)) / 4;
  const entry = (found: EstimateEntry | undefined, terms: readonly number[]) =>
    expectEntry(found, mean(terms), clusterError(terms.map((t) => t - mean(terms))), t2);

  test('D6: a response without feedback leaves its slate, a round without any leaves the log', () => {
    entry(pi.utility['ips'], [2, 2.5, 1, 3]);
    expectClose(pi.utility['ips']!.std_error!, Math.sqrt(1.5 * (0.25 ** 2 + 1.125 ** 2 + 0.875 ** 2)) / 4);
    expect(result.log).toMatchObject({ rounds: 4, responses: 6, mean_slate: 1.5 });
    expect(result.warnings.map((w) => w.code)).toEqual(expect.arrayContaining(['missing_feedback', 'few_clusters']));
    expect(result.warnings.find((w) => w.code === 'missing_feedback')!.message).toMatch(/^1 round/);
  });

  test('D6: the joint estimator weighs the mean of a slate by the product', () => {
    entry(pi.utility['joint_ips'], [2 * 1, 3 * 1.5, 0.25 * 2, 3]);
    const surprisals = [Math.log(2), (Math.log(2) + Math.log(4 / 3)) / 2, Math.log(4), Math.log(2)];
    const weights = [2, 3, 0.25, 1];
    entry(
      pi.diversity['joint_ips'],
      weights.map((w, i) => w * surprisals[i]),
    );
    entry(
      pi.value['joint_ips'],
      weights.map((w, i) => w * surprisals[i] + [2, 4.5, 0.5, 3][i]),
    );
    expectClose(pi.diagnostics.joint!.mean_weight!, 6.25 / 4);
    expectClose(pi.diagnostics.joint!.effective_sample_size, 6.25 ** 2 / (4 + 9 + 0.0625 + 1));
    expectClose(pi.diagnostics.mean_weight!, 8 / 6);
  });

  test('D6: the model-based estimators', () => {
    const values = [1, 2, 0, 3];
    entry(pi.utility['dm'], values);
    // sum_j w rho (u - q): 2; 1/2 (1) + 1/2 (0); 1/4 (2) + 1/4 (-1); 0
    const residuals = [2, 0.5, 0.25, 0];
    entry(
      pi.utility['dr'],
      values.map((v, i) => v + residuals[i]),
    );
    // above 1.9 the weight 2 of the first round is left to its model
    const at19 = evaluate(logOf(rounds), { signals: up, parameters: { switch: 1.9 } }).targets['pi'];
    entry(
      at19.utility['switch_dr'],
      values.map((v, i) => v + [0, 0.5, 0.25, 0][i]),
    );
    entry(
      pi.utility['switch_dr'],
      values.map((v, i) => v + residuals[i]),
    );
    // 3 rho/(rho^2 + 3): 6/7 for 2, 3/4 for 1, 6/13 for 1/2
    entry(
      pi.utility['dros'],
      values.map((v, i) => v + [6 / 7, 3 / 8, 6 / 13 / 2, 0][i]),
    );
    const [weights, total] = [[2, 2, 0.5, 1], 5.5];
    const theta = 2.75 / total;
    const psi = values.map((v, i) => v - 1.5 + (residuals[i] - theta * weights[i]) / (total / 4));
    expectEntry(pi.utility['sndr'], 1.5 + theta, clusterError(psi), t2);
    expect(pi.value['dm']).toBeUndefined();
    expectClose(pi.value['dr']!.estimate!, pi.utility['dr']!.estimate! + pi.diversity['ips']!.estimate!);
    expectClose(pi.value['sndr']!.estimate!, pi.utility['sndr']!.estimate! + pi.diversity['snips']!.estimate!);
    expectFinite(result);
  });

  test('T1b: rewards that look at the slate get the joint estimator alone', () => {
    const ranked = evaluate(logOf(rounds), { signals: [{ name: 'up', transform: 'rank', weight: 1 }] }).targets['pi'];
    expect(Object.keys(ranked.utility)).toEqual(['joint_ips']);
    // ranks: a lone response 1/2; both slates 1 and 0
    expectClose(ranked.utility['joint_ips']!.estimate!, (2 * 0.5 + 3 * 0.5 + 0.25 * 0.5 + 0.5) / 4);
    expect(ranked.variance.utility).toBeNull();
    const spread = evaluate(logOf(rounds), { signals: up, diversity: 'slate' }).targets['pi'];
    expect(Object.keys(spread.diversity)).toEqual(['joint_ips']);
    expect(Object.keys(spread.value)).toEqual(['joint_ips']);
    expect(Object.keys(spread.utility)).toContain('ips');
    const h = -(0.4 * Math.log(0.4) + 0.6 * Math.log(0.6));
    expectClose(spread.diversity['joint_ips']!.estimate!, (3 * h + 0.25 * Math.LN2) / 4);
  });

  test('D6: the coverage diversity by pooled class weights', () => {
    const records = rounds.flatMap(({ rows }, i) =>
      rows.map((r, j) => ({
        id: `${i}${j}`,
        prompt: 'x',
        responses: [
          {
            text: `${i}${j}`,
            propensity: r.p0,
            target_log_prob: { pi: Math.log(r.pi) },
            opinion: j === 0 ? 'yes' : 'no',
            feedback: { up: 1 },
          },
        ],
      })),
    );
    const found = evaluate(logFromRecords(records), { signals: up, diversity: 'coverage' }).targets['pi'];
    const [yes, no] = [2 + 1 + 0.5 + 0.5 + 1, 0.5 + 3 + 0.5];
    const [pYes, pNo] = [yes / (yes + no), no / (yes + no)];
    // sum rho log 1/p(c): yes and no weights times their surprisals
    expectClose(found.diversity['ips']!.estimate!, -(yes * Math.log(pYes) + no * Math.log(pNo)) / 8);
    expectClose(found.diversity['snips']!.estimate!, -(pYes * Math.log(pYes) + pNo * Math.log(pNo)));
  });
});

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
