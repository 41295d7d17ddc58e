import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import { distributionMatch } from '../../src/pope/distribution-match.js';
import { evaluate, evaluationRows } from '../../src/pope/index.js';
import { categorical, seededRandom } from '../../src/random/index.js';

const signals = [{ name: 'agree', transform: 'identity', weight: 1 }] as const;
type Round = { prompt: string; m: readonly number[]; classes: readonly number[] };
const rowsOf = (rounds: readonly Round[]) =>
  evaluationRows(
    logFromRecords(
      rounds.map(({ prompt, m, classes }) => ({
        prompt,
        opinion_distribution: Object.fromEntries(m.map((p, c) => [`c${c}`, p])),
        responses: classes.map((c) => ({
          text: `c${c}`,
          opinion: `c${c}`,
          propensity: 0.5,
          target_log_prob: { t: Math.log(0.5) },
          feedback: { agree: 1 },
        })),
      })),
    ),
    signals,
  );

const distribution = fc
  .array(fc.integer({ min: 0, max: 5 }), { minLength: 3, maxLength: 3 })
  .filter((m) => m.some((x) => x > 0))
  .map((m) => m.map((x) => x / m.reduce((s, y) => s + y, 0)));
const round: fc.Arbitrary<Round> = fc.record({
  prompt: fc.constantFrom('x', 'y'),
  m: distribution,
  classes: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 }),
});
const logs = fc.array(round, { minLength: 1, maxLength: 7 }).chain((rounds) => {
  const count = rounds.reduce((s, { classes }) => s + classes.length, 0);
  return fc.record({
    rounds: fc.constant(rounds),
    logRatio: fc
      .array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: count, maxLength: count })
      .map((l) => Float64Array.from(l)),
  });
});
const mean = (x: Float64Array): number => x.reduce((s, v) => s + v, 0) / x.length;

describe('D5: the distributional form on a log', () => {
  test.prop([logs])(
    'D5: the influence of a round is the derivative of the mean in its weight',
    ({ rounds, logRatio }) => {
      const rows = rowsOf(rounds);
      const found = distributionMatch(rows, logRatio);
      expect(Math.abs(mean(found.influence))).toBeLessThan(1e-14);
      rounds.forEach((_, k) => {
        const moved = (by: number): number =>
          mean(
            distributionMatch(
              rows,
              logRatio.map((l, j) => (j >= rows.log.offsets[k]! && j < rows.log.offsets[k + 1]! ? l + by : l)),
            ).reward,
          );
        const h = 1e-5;
        expect(found.influence[k]! / rounds.length).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 8);
      });
    },
  );

  test.prop([logs])(
    'D5: the bias is never above 0, and scaling all weights changes nothing',
    ({ rounds, logRatio }) => {
      const rows = rowsOf(rounds);
      const [one, scaled] = [0, 3].map((by) =>
        distributionMatch(
          rows,
          logRatio.map((l) => l + by),
        ),
      );
      expect(one!.bias).toBeLessThanOrEqual(0);
      expect(scaled!.bias).toBeCloseTo(one!.bias, 12);
      scaled!.influence.forEach((v, r) => void expect(v).toBeCloseTo(one!.influence[r]!, 12));
    },
  );

  test('D5: the bias is the true one to second order: two classes, every count of 400 responses', () => {
    const [p, n, m] = [0.3, 400, [0.5, 0.5]];
    // log of the binomial probability of k
    const logFactorial = Array.from({ length: n + 1 }, () => 0);
    for (let k = 1; k <= n; k++) logFactorial[k] = logFactorial[k - 1]! + Math.log(k);
    const js = (q: number): number =>
      [q, 1 - q].reduce((s, v, c) => {
        const h = (v + m[c]!) / 2;
        return s + 0.5 * (v > 0 ? v * Math.log(v / h) : 0) + 0.5 * m[c]! * Math.log(m[c]! / h);
      }, 0);
    let truth = js(p);
    for (let k = 0; k <= n; k++) {
      const chance = Math.exp(
        logFactorial[n]! - logFactorial[k]! - logFactorial[n - k]! + k * Math.log(p) + (n - k) * Math.log(1 - p),
      );
      truth -= chance * js(k / n);
    }
    const rows = rowsOf(Array.from({ length: n }, (_, i) => ({ prompt: 'x', m, classes: [i < p * n ? 0 : 1] })));
    const { bias } = distributionMatch(rows, new Float64Array(n));
    expect(bias / truth).toBeGreaterThan(0.98);
    expect(bias / truth).toBeLessThan(1.02);
  });

  test('D5: the 95 % interval holds the exact value in about 95 % of logs of one prompt, whose every round has the same reward', () => {
    const [logging, target, m] = [
      [0.5, 0.3, 0.2],
      [0.3, 0.3, 0.4],
      [0.2, 0.6, 0.2],
    ];
    const js = target!.reduce((s, q, c) => {
      const h = (q + m![c]!) / 2;
      return s + 0.5 * q * Math.log(q / h) + 0.5 * m![c]! * Math.log(m![c]! / h);
    }, 0);
    const random = seededRandom(5);
    const [repeats, rounds] = [400, 150];
    let held = 0;
    for (let r = 0; r < repeats; r++) {
      const records = Array.from({ length: rounds }, () => ({
        prompt: 'x',
        opinion_distribution: { c0: m![0], c1: m![1], c2: m![2] },
        responses: Array.from({ length: 2 }, () => {
          const c = categorical(random, logging!);
          return {
            text: `c${c}`,
            opinion: `c${c}`,
            propensity: logging![c],
            target_log_prob: { t: Math.log(target![c]!) },
            feedback: { agree: 1 },
          };
        }),
      }));
      const { estimate, lower, upper } = evaluate(logFromRecords(records), {
        signals,
        diversity: 'distribution',
        estimators: ['snips'],
      }).targets['t']!.diversity['snips']!;
      expect(lower! < estimate! && estimate! < upper!).toBe(true);
      if (lower! <= -js && -js <= upper!) held++;
    }
    // 95 % less three standard errors of 400 draws, and the bias of a plug-in
    expect(held / repeats).toBeGreaterThan(0.95 - 3 * Math.sqrt((0.95 * 0.05) / repeats) - 0.01);
    expect(held / repeats).toBeLessThan(0.99);
  });

  test('a bias of the size of the error is told, and small where responses are many', () => {
    const log = (perPrompt: number, m: readonly [number, number]) => {
      const random = seededRandom(1);
      return logFromRecords(
        Array.from({ length: 60 * perPrompt }, (_, i) => {
          const c = categorical(random, [0.5, 0.5]);
          return {
            prompt: `x${i % 60}`,
            opinion_distribution: { c0: m[0], c1: m[1] },
            responses: [
              {
                text: `c${c}`,
                opinion: `c${c}`,
                propensity: 0.5,
                target_log_prob: { t: Math.log(0.5) },
                feedback: { agree: 1 },
              },
            ],
          };
        }),
      );
    };
    const warned = (
      perPrompt: number,
      diversity: 'distribution' | 'coverage',
      m: readonly [number, number] = [0.5, 0.5],
    ) => evaluate(log(perPrompt, m), { signals, diversity }).warnings.filter(({ code }) => code === 'plug_in_bias');
    expect(warned(4, 'distribution')[0]?.message).toMatch(/^t: the diversity is about 0\.0\d+ too low/);
    expect(warned(4, 'coverage')[0]?.message).toMatch(/^t: the diversity is about 0\.\d+ too low/);
    expect(warned(100, 'distribution', [0.9, 0.1])).toEqual([]);
    const own = log(4, [0.5, 0.5]);
    const told = (diversity: 'distribution' | 'surprisal') =>
      evaluate(own, { signals, diversity }).targets['t']!.diversity_bias;
    expect(told('distribution')).toBe(
      distributionMatch(evaluationRows(own, signals), new Float64Array(own.responseCount)).bias,
    );
    expect(told('surprisal')).toBeUndefined();
  });

  test('biasCorrected takes the bias off estimate, value and interval, and leaves the error', () => {
    const random = seededRandom(2);
    const own = logFromRecords(
      Array.from({ length: 90 }, (_, i) => {
        const c = categorical(random, [0.6, 0.4]);
        return {
          prompt: `x${i % 15}`,
          opinion_distribution: { c0: 0.2, c1: 0.8 },
          responses: [
            {
              text: `c${c}`,
              opinion: `c${c}`,
              propensity: [0.6, 0.4][c],
              target_log_prob: { t: Math.log([0.3, 0.7][c]!) },
              feedback: { agree: c },
            },
          ],
        };
      }),
    );
    for (const diversity of ['distribution', 'coverage'] as const) {
      const of = (biasCorrected: boolean) =>
        evaluate(own, { signals, diversity, tau: 2, estimators: ['snips'], biasCorrected });
      const [plain, corrected] = [of(false), of(true)];
      const [before, after] = [plain.targets['t']!, corrected.targets['t']!];
      const bias = before.diversity_bias!;
      expect(bias).toBeLessThan(-0.01);
      expect([after.diversity_bias, corrected.settings['bias_corrected'], plain.settings['bias_corrected']]).toEqual([
        0,
        true,
        undefined,
      ]);
      const [d, e] = [before.diversity['snips']!, after.diversity['snips']!];
      expect(e.estimate! - d.estimate!).toBeCloseTo(-bias, 12);
      expect(e.lower! - d.lower!).toBeCloseTo(-bias, 10);
      expect(e.std_error).toBeCloseTo(d.std_error!, 10);
      expect(after.value['snips']!.estimate! - before.value['snips']!.estimate!).toBeCloseTo(-2 * bias, 12);
      expect(corrected.logging.diversity!.estimate!).toBeGreaterThan(plain.logging.diversity!.estimate!);
      expect(corrected.warnings.map(({ code }) => code)).not.toContain('plug_in_bias');
    }
    expect(() => evaluate(own, { signals, biasCorrected: true })).toThrow(
      'biasCorrected is true with diversity "surprisal", which has no such bias; expected coverage or distribution.',
    );
  });
});

describe('D3: the bias of estimated classes', () => {
  test('Miller: (K - 1)/(2 n) where all weights are equal', async () => {
    const { classEntropyBias, classProbabilities } = await import('../../src/pope/class-probability.js');
    const rows = rowsOf([0, 0, 1, 2, 1, 0, 1, 1].map((c) => ({ prompt: 'x', m: [0.2, 0.4, 0.4], classes: [c] })));
    const found = classProbabilities(rows.log, new Float64Array(8));
    expect(classEntropyBias(rows.log, found)).toBeCloseTo(-(3 - 1) / (2 * 8), 14);
  });
});
