import { beforeEach, describe, expect, test } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import { type EstimateEntry, type EvaluationResult, evaluate, type TargetResult } from '../../src/pope/index.js';
import { expectClose } from '../theorems/close.js';
import { expectEntry, expectFinite, logOf, mean, t2, up } from './evaluation-log.js';

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
  let result: EvaluationResult;
  let pi: TargetResult;
  beforeEach(() => {
    result = evaluate(logOf(rounds), { signals: up, parameters: { switch: 5, shrink: 3 } });
    pi = result.targets['pi'];
  });
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

  test('T13: the sensitivity weighs a response by its share of the slate as well', () => {
    // mass w rho: 2; 1/2, 3/2; 1/4, 1/4; 1
    const mass = [2, 0.5, 1.5, 0.25, 0.25, 1];
    const reward = [1, 2, 1, 4, 0, 3];
    const corners = Array.from({ length: 64 }, (_, corner) => {
      const tilted = mass.map((m, j) => m * Math.exp((corner >> j) & 1 ? 0.5 : -0.5));
      return tilted.reduce((s, m, j) => s + m * reward[j], 0) / tilted.reduce((a, b) => a + b, 0);
    });
    const { lower, upper } = pi.sensitivity!.utility[2];
    expectClose(lower!, Math.min(...corners));
    expectClose(upper!, Math.max(...corners));
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
