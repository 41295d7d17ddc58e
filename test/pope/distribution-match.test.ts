import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import { classProbabilities } from '../../src/pope/class-probability.js';
import { classProbabilityErrors } from '../../src/pope/class-probability-error.js';
import { distributionMatch } from '../../src/pope/distribution-match.js';
import type { EvaluationRows } from '../../src/pope/evaluation-rows.js';
import { figureIntervals } from '../../src/pope/figure-intervals.js';
import { type EvaluateOptions, evaluate, evaluationRows } from '../../src/pope/index.js';
import { logDiversity } from '../../src/pope/log-diversity.js';
import { classEntropyBias, plugInOf, whyNoInterval } from '../../src/pope/plug-in.js';
import { categorical, type Random, seededRandom } from '../../src/random/index.js';

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

  test.prop([logs])('D5: scaling all weights changes neither the bias nor the influence', ({ rounds, logRatio }) => {
    const rows = rowsOf(rounds);
    const [one, scaled] = [0, 3].map((by) =>
      distributionMatch(
        rows,
        logRatio.map((l) => l + by),
      ),
    );
    expect(scaled!.plugIn.bias).toBeCloseTo(one!.plugIn.bias, 10);
    expect(scaled!.plugIn.unseen).toBeCloseTo(one!.plugIn.unseen, 10);
    scaled!.influence.forEach((v, r) => void expect(v).toBeCloseTo(one!.influence[r]!, 12));
  });

  const inner = fc.integer({ min: 4, max: 16 }).map((x) => x / 20);
  test.prop([inner, inner, fc.integer({ min: 0, max: 20 }).map((x) => x / 20)], { numRuns: 60 })(
    'D3, D5: the bias is the true one to second order: two classes, whatever the weights, every log of 400 responses',
    (logging, target, wanted) => {
      const n = 400;
      const m = [wanted, 1 - wanted];
      const rho = [target / logging, (1 - target) / (1 - logging)];
      // the expectation over all logs: the number of responses of the first class is binomial
      const logFactorial = [0];
      for (let k = 1; k <= n; k++) logFactorial.push(logFactorial[k - 1]! + Math.log(k));
      const xlogx = (x: number): number => (x > 0 ? x * Math.log(x) : 0);
      const entropy = (q: number): number => -xlogx(q) - xlogx(1 - q);
      // minus the Jensen-Shannon divergence
      const match = (q: number): number => (entropy(q) + entropy(wanted)) / 2 - entropy((q + wanted) / 2);
      let [ofMatch, ofCoverage] = [-match(target), -entropy(target)];
      for (let k = 0; k <= n; k++) {
        const chance = Math.exp(
          logFactorial[n]! -
            logFactorial[k]! -
            logFactorial[n - k]! +
            k * Math.log(logging) +
            (n - k) * Math.log(1 - logging),
        );
        const total = k * rho[0]! + (n - k) * rho[1]!;
        const q = (k * rho[0]!) / total;
        ofMatch += chance * match(q);
        ofCoverage += (chance * total * entropy(q)) / n;
      }
      const records = Array.from({ length: n }, (_, i) => {
        const c = i < logging * n ? 0 : 1;
        return {
          prompt: 'x',
          opinion_distribution: { c0: m[0], c1: m[1] },
          responses: [
            {
              text: `c${c}`,
              opinion: `c${c}`,
              propensity: [logging, 1 - logging][c],
              target_log_prob: { t: Math.log([target, 1 - target][c]!) },
              feedback: { agree: 1 },
            },
          ],
        };
      });
      const log = logFromRecords(records);
      const told = (diversity: 'distribution' | 'coverage') =>
        evaluate(log, { signals, diversity, estimators: ['ips'] }).targets['t']!.diversity_bias!;
      // what is left is of the order 1/n^2, and grows with the weights
      const rest = (8 * Math.max(...rho) ** 2) / n ** 2;
      expect(Math.abs(told('distribution') - ofMatch)).toBeLessThan(rest);
      expect(Math.abs(told('coverage') - ofCoverage)).toBeLessThan(rest);
    },
  );

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
    expect(warned(12, 'distribution')[0]?.message).toMatch(/^t: the diversity is about 0\.0\d+ too low/);
    expect(warned(12, 'coverage')[0]?.message).toMatch(/^t: the diversity is about 0\.\d+ too low/);
    expect(warned(100, 'distribution', [0.9, 0.1])).toEqual([]);
    // too few even to tell the bias: another warning says so
    expect(warned(4, 'coverage')).toEqual([]);
    const own = log(4, [0.5, 0.5]);
    const told = (diversity: 'distribution' | 'surprisal') =>
      evaluate(own, { signals, diversity }).targets['t']!.diversity_bias;
    expect(told('distribution')).toBe(
      distributionMatch(evaluationRows(own, signals), new Float64Array(own.responseCount)).plugIn.bias,
    );
    expect(told('surprisal')).toBeUndefined();
  });

  test('biasCorrected takes the bias off estimate, value and interval, and leaves the error', () => {
    const random = seededRandom(2);
    const own = logFromRecords(
      Array.from({ length: 240 }, (_, i) => {
        const c = categorical(random, [0.6, 0.4]);
        return {
          prompt: `x${i % 12}`,
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
      expect(bias).toBeLessThan(-0.003);
      expect([before.diversity_bias_removed, after.diversity_bias_removed]).toEqual([undefined, bias]);
      expect([after.diversity_bias, corrected.settings['bias_corrected'], plain.settings['bias_corrected']]).toEqual([
        0,
        true,
        undefined,
      ]);
      const [d, e] = [before.diversity['snips']!, after.diversity['snips']!];
      expect(e.estimate! - d.estimate!).toBeCloseTo(-bias, 12);
      // an interval that is off by more than half its standard error is not given
      if (Math.abs(bias) > d.std_error! / 2) {
        expect([d.lower, d.upper]).toEqual([null, null]);
        expect(plain.warnings.find(({ code }) => code === 'no_interval')?.message).toMatch(
          /the bias of estimated class probabilities, about -0\.0\d+, is more than half the standard error, 0\.0\d+: biasCorrected/,
        );
      } else expect(e.lower! - d.lower!).toBeCloseTo(-bias, 10);
      expect(e.lower! < e.estimate! && e.estimate! < e.upper!).toBe(true);
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

/** A round whose one response is drawn from three classes. */
function drawn(random: Random, prompt: string, target: readonly number[], feedback: boolean) {
  const logging = [0.5, 0.3, 0.2];
  const c = categorical(random, logging);
  return {
    prompt,
    opinion_distribution: { c0: 0.2, c1: 0.3, c2: 0.5 },
    responses: [
      {
        text: `c${c}`,
        opinion: `c${c}`,
        propensity: logging[c],
        target_log_prob: { t: Math.log(target[c]!) },
        ...(feedback && { feedback: { agree: 1 } }),
      },
    ],
  };
}

describe('D3, D5: class probabilities that the log cannot tell', () => {
  type Diversity = 'distribution' | 'coverage';
  const random = seededRandom(7);
  const record = (prompt: string, feedback = true) => drawn(random, prompt, [0.4, 0.3, 0.3], feedback);
  const rounds = (prompts: number, each: number, name: string, feedback = true) =>
    Array.from({ length: prompts * each }, (_, i) => record(`${name}${i % prompts}`, feedback));
  const of = (records: readonly unknown[], diversity: Diversity, more: Partial<EvaluateOptions> = {}) => {
    const result = evaluate(logFromRecords(records), { signals, diversity, estimators: ['ips'], tau: 0.5, ...more });
    const codes = result.warnings.map(({ code }) => code);
    return { target: result.targets['t']!, logging: result.logging, codes };
  };

  test.each(['distribution', 'coverage'] as const)(
    '%s of prompts with few responses has no interval, corrected or not, and says so',
    (diversity) => {
      for (const each of [1, 2, 5, 12])
        for (const biasCorrected of [false, true]) {
          const { target, logging, codes } = of(rounds(200, each, 'x'), diversity, { biasCorrected });
          const entries = [
            target.diversity['ips'],
            target.value['ips'],
            target.versus_logging.diversity['ips'],
            target.versus_logging.value['ips'],
            logging.diversity,
            logging.value,
          ];
          for (const entry of entries) expect([entry?.lower, entry?.upper]).toEqual([null, null]);
          expect(target.utility['ips']!.lower).not.toBeNull();
          expect(target.diversity_bias_unknown).toBeGreaterThan(0.01);
          expect(codes).toContain('few_responses');
          expect(codes).toContain('no_interval');
        }
    },
  );

  test('a few rounds on prompts of few responses are let pass, as far as what they hide is less than half an error', () => {
    const many = rounds(2, 500, 'x');
    const at = of([...many, ...rounds(3, 1, 'y')], 'coverage');
    // what one response alone shows may as well be something else: a nat is hidden there, and one more for what is not shown
    expect(at.target.diversity_bias_unknown).toBeCloseTo((3 + 1) / 1003, 12);
    expect(at.codes).not.toContain('few_responses');
    expect(at.target.diversity['ips']!.lower).not.toBeNull();
    const beyond = of([...many, ...rounds(11, 1, 'y')], 'coverage');
    expect(beyond.codes).toContain('few_responses');
    expect(beyond.target.diversity['ips']!.lower).toBeNull();
  });

  test('rounds without feedback are not in the mean that the bias is of', () => {
    const rated = rounds(1, 400, 'x');
    const alone = of(rated, 'coverage');
    const beside = of([...rated, ...rounds(200, 2, 'y', false)], 'coverage');
    expect(beside.codes).toContain('missing_feedback');
    for (const key of ['diversity_bias', 'diversity_bias_unknown'] as const)
      expect(beside.target[key]).toBeCloseTo(alone.target[key]!, 14);
  });

  test.each(['distribution', 'coverage'] as const)(
    '%s: no method that needs independent terms has bounds',
    (diversity) => {
      const records = rounds(2, 300, 'x');
      for (const interval of ['bernstein', 'hoeffding', 'betting'] as const) {
        const { target, logging } = of(records, diversity, { interval, rewardRange: [-8, 8] });
        expect(target.utility['ips']!.lower).not.toBeNull();
        for (const entry of [target.diversity['ips'], target.value['ips'], logging.diversity, logging.value])
          expect([entry?.lower, entry?.upper]).toEqual([null, null]);
        // without a part of it in the value nothing is against the value
        const bare = of(records, diversity, { interval, rewardRange: [-8, 8], tau: 0 });
        expect(bare.target.value['ips']!.lower).not.toBeNull();
      }
    },
  );
});

describe('D3, D5: what is independent, and what is seen once', () => {
  const random = seededRandom(11);
  const one = (prompt: string, id: string, feedback = true) => ({
    id,
    ...drawn(random, prompt, [0.3, 0.3, 0.4], feedback),
  });

  test.prop([fc.integer({ min: 2, max: 30 }), fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 3 })])(
    'rounds that a cluster repeats, or a slate, tell nothing more',
    (n, times, prompts) => {
      const rounds = Array.from({ length: n * prompts }, (_, i) => one(`x${i % prompts}`, `r${i}`));
      const repeated = rounds.flatMap((r) =>
        Array.from({ length: times }, (_, k) => ({ ...r, id: `${r.id}-${k}`, cluster: r.id })),
      );
      const slates = rounds.map((r) => ({
        ...r,
        responses: Array.from({ length: times }, () => r.responses[0]!),
      }));
      for (const diversity of ['distribution', 'coverage'] as const) {
        const of = (records: readonly unknown[]) =>
          evaluate(logFromRecords(records), { signals, diversity, estimators: ['snips'] }).targets['t']!;
        const alone = of(rounds);
        for (const other of [of(repeated), of(slates)]) {
          expect(other.diversity_bias).toBeCloseTo(alone.diversity_bias!, 10);
          expect(other.diversity_bias_unknown).toBeCloseTo(alone.diversity_bias_unknown!, 10);
          expect(other.diversity['snips']!.estimate).toBeCloseTo(alone.diversity['snips']!.estimate!, 10);
        }
      }
    },
  );

  test.prop([fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 40 })])(
    'D3: of equal weights the unseen share is that of the classes seen once (Good and Turing)',
    (classes) => {
      const rows = rowsOf(classes.map((c) => ({ prompt: 'x', m: [1, 0, 0], classes: [c] })));
      const found = classProbabilities(rows.log, new Float64Array(classes.length));
      const once = classes.filter((c) => classes.indexOf(c) === classes.lastIndexOf(c)).length;
      const { unseen } = classProbabilityErrors(rows.log, found).byPrompt.get('x')!;
      expect(unseen).toBeCloseTo(once / classes.length, 10);
    },
  );

  test('D3: what second order leaves out of an entropy is of the size of what is seen once', () => {
    // a class of n p = rate expected responses: the bias is -E[k log(k/rate)]/n, of which a seen one tells 1/2
    for (const rate of [0.25, 0.5, 1, 2, 3, 5]) {
      let [truth, chance] = [0, Math.exp(-rate)];
      const never = chance;
      for (let k = 1; k < 60; k++) {
        chance *= rate / k;
        truth += chance * k * Math.log(k / rate);
      }
      const left = truth - (1 - never) / 2;
      const once = rate * never;
      expect(left / once).toBeGreaterThan(0.4);
      expect(left / once).toBeLessThan(1.5);
    }
  });

  test('D5: where rounds lack feedback the standard error is still that of the estimate', () => {
    const [repeats, estimates, errors] = [250, [] as number[], [] as number[]];
    for (let r = 0; r < repeats; r++) {
      const records = Array.from({ length: 400 }, (_, i) => one(`x${i % 4}`, `r${i}`, i % 16 < 6));
      const { estimate, std_error } = evaluate(logFromRecords(records), {
        signals,
        diversity: 'distribution',
        estimators: ['snips'],
      }).targets['t']!.diversity['snips']!;
      estimates.push(estimate!);
      errors.push(std_error!);
    }
    const mean = estimates.reduce((s, v) => s + v, 0) / repeats;
    const deviation = Math.sqrt(estimates.reduce((s, v) => s + (v - mean) ** 2, 0) / (repeats - 1));
    // the deviation of 250 draws is known to 4.5 %: four of them
    expect(errors.reduce((s, v) => s + v, 0) / repeats / deviation).toBeGreaterThan(0.82);
    expect(errors.reduce((s, v) => s + v, 0) / repeats / deviation).toBeLessThan(1.18);
  });
});

describe('D3: the bias of estimated classes', () => {
  test('D3: (C - 1)/(2 n) of Miller where all weights are equal, with n - 1 as the sample is its own mean', () => {
    const rows = rowsOf([0, 0, 1, 2, 1, 0, 1, 1].map((c) => ({ prompt: 'x', m: [0.2, 0.4, 0.4], classes: [c] })));
    const found = classProbabilities(rows.log, new Float64Array(8));
    const errors = classProbabilityErrors(rows.log, found);
    // the variance of the mean of n numbers by n - 1, as the sample's own is too small
    expect(classEntropyBias(found.byPrompt.get('x')!, errors.byPrompt.get('x')!)).toBeCloseTo(-(3 - 1) / (2 * 7), 14);
    expect(errors.byPrompt.get('x')?.unseen).toBe(0.125);
  });
});

/** The plug-in of the coverage of a log whose weights are given. */
function logDiversityOf(rows: EvaluationRows, logRatio: Float64Array) {
  const logProb = logRatio.map((l, j) => l + rows.log.logPropensity![j]!);
  const found = logDiversity('coverage', rows, { logProb });
  return found.form === 'response' ? found.plugIn! : expect.fail('coverage is a reward of each response');
}

describe('what a figure takes over from its plug-ins', () => {
  const own = { bias: -0.03, unseen: 0.1, unknown: 0.1, quadratic: 0.01 };
  const minus = { bias: -0.01, unseen: 0.2, unknown: 0.2, quadratic: 0.02 };

  test('the utility nothing, a value tau times, a difference the difference and both unknowns', () => {
    expect(plugInOf('utility', 2, own)).toBeUndefined();
    expect(plugInOf('value', 0, own)).toBeUndefined();
    expect(plugInOf('value', 2, undefined)).toBeUndefined();
    expect(plugInOf('diversity', 2, own)).toEqual(own);
    const value = plugInOf('value', 2, own, minus)!;
    expect(value.bias).toBeCloseTo(-0.04, 14);
    expect(value.unknown).toBeCloseTo(0.6, 14);
    expect(value.quadratic).toBeCloseTo(0.06, 14);
    expect(value.unseen).toBe(0.2);
    expect(plugInOf('diversity', 2, minus, own)!.unseen).toBe(0.2);
  });

  test('an interval is withheld from beyond half a standard error, of what is unknown first', () => {
    const known = { bias: -0.5, unseen: 0, unknown: 0, quadratic: 0.5 };
    expect(whyNoInterval(known, 1, 1)).toBeNull();
    expect(whyNoInterval(known, 1, 0.99)).toBe(
      'the bias of estimated class probabilities, about -0.50, is more than half the standard error, 0.99: biasCorrected (--bias-corrected) takes it off.',
    );
    expect(whyNoInterval({ ...known, bias: 0.5 }, 1, 0.99)).toMatch(/about 0\.50/);
    expect(whyNoInterval({ ...known, bias: 0 }, 0.5, 0.99)).toBeNull();
    expect(whyNoInterval({ ...known, bias: 0 }, 0.49, 0.99)).toMatch(
      /near the flat top of the diversity: of its standard error 0\.50 is not linear in theirs, and 0\.49 is\./,
    );
    const hidden = { bias: -9, unseen: 0.125, unknown: 0.5, quadratic: 0 };
    expect(whyNoInterval({ ...hidden, bias: 0 }, 1, 1)).toBeNull();
    expect(whyNoInterval(hidden, 1, 0.99)).toBe(
      "some 0.50 nats cannot be told, beside a standard error of 0.99: about 13 % of the probability is of opinions that one round or cluster of their prompt alone shows, or few of them carry a prompt's weight.",
    );
  });

  test('one class alone: seen once it tells nothing, seen often all; without weight nothing, and no NaN', () => {
    const errorsOf = (classes: readonly number[], logRatio: readonly number[]) => {
      const rows = rowsOf(classes.map((c) => ({ prompt: 'x', m: [1, 0, 0], classes: [c] })));
      const found = classProbabilities(rows.log, Float64Array.from(logRatio));
      const error = classProbabilityErrors(rows.log, found).byPrompt.get('x')!;
      if (logRatio.every((l) => l === -Infinity)) expect(error.effectiveUnits).toBe(0);
      return { unseen: error.unseen, bias: classEntropyBias(found.byPrompt.get('x')!, error) };
    };
    expect(errorsOf([0], [0])).toEqual({ unseen: 1, bias: 0 });
    expect(errorsOf([0, 0, 0, 0, 0], [0, 0, 0, 0, 0])).toEqual({ unseen: 0, bias: 0 });
    // a class that the target never says
    const { unseen, bias } = errorsOf([0, 0, 1, 1, 2], [0, 0, 0, 0, -Infinity]);
    expect(unseen).toBeCloseTo(0, 12);
    expect(bias).toBeCloseTo(-1 / (2 * 3), 12);
    expect(errorsOf([0, 1], [-Infinity, -Infinity])).toEqual({ unseen: 1, bias: 0 });
  });

  test('what one heavy round shows is seen once, however sure it looks', () => {
    for (const share of [0.5, 0.9, 0.99]) {
      const rows = rowsOf([0, 1].map((c) => ({ prompt: 'x', m: [1, 0, 0], classes: [c] })));
      const found = classProbabilities(rows.log, Float64Array.of(Math.log(share), Math.log(1 - share)));
      const { unseen, effectiveUnits } = classProbabilityErrors(rows.log, found).byPrompt.get('x')!;
      expect(unseen).toBeCloseTo(1, 12);
      expect(effectiveUnits).toBeCloseTo(1 / (share ** 2 + (1 - share) ** 2), 12);
    }
  });

  test('where few rounds carry a prompt the size of its bias is unknown, and of clusters over prompts errors add up', () => {
    const pair = (weight: number, cluster: boolean) => {
      const rows = rowsOf(
        Array.from({ length: 40 }, (_, i) => ({ prompt: i < 20 ? 'x' : 'y', m: [0.5, 0.5, 0], classes: [i % 2] })),
      );
      const clusters = rows.log.ids.map((_, i) => `k${i % 20}`);
      const clustered = cluster ? { ...rows, log: { ...rows.log, clusters }, units: 20 } : rows;
      return distributionMatch(
        clustered,
        Float64Array.from({ length: 40 }, (_, i) => (i % 20 < 4 ? Math.log(weight) : 0)),
      ).plugIn;
    };
    const [even, heavy] = [pair(1, false), pair(1000, false)];
    expect(even.unknown).toBeCloseTo(0.5 / 40, 12);
    expect(heavy.unknown).toBeGreaterThan(0.5 / 40 + Math.abs(heavy.bias) / 2);
    // two prompts alike: sqrt 2 where they are independent, 2 where clusters reach over both
    expect(pair(1, true).quadratic / even.quadratic).toBeCloseTo(Math.SQRT2, 10);
  });

  test('the quadratic part has as many degrees as classes that vary, and prompts add up by what is independent', () => {
    const of = (classes: readonly number[], logRatio?: readonly number[], change: object = {}) => {
      const rows = rowsOf(classes.map((c, i) => ({ prompt: i % 2 ? 'x' : 'y', m: [0.4, 0.3, 0.3], classes: [c] })));
      const log = { ...rows.log, ...change };
      return logDiversityOf({ ...rows, log }, Float64Array.from(logRatio ?? classes.map(() => 0)));
    };
    // both prompts alike: sqrt 2 of half of one
    const halves = (classes: readonly number[]) => classes.flatMap((c) => [c, c]);
    const two = of(halves([0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1]));
    expect(two.quadratic / -two.bias).toBeCloseTo(Math.SQRT2 / Math.SQRT2, 10);
    const three = of(halves([0, 0, 1, 1, 2, 2, 0, 1, 2, 0, 1, 2]));
    expect(three.quadratic / -three.bias).toBeCloseTo(1 / Math.SQRT2, 10);
    // a class without weight does not vary
    const never = halves([0, 0, 1, 1, 2, 2, 0, 1, 0, 0, 1, 1]);
    const without = of(
      never,
      never.map((c) => (c === 2 ? -Infinity : 0)),
    );
    expect(without.quadratic / -without.bias).toBeCloseTo(1, 10);
    const alone = halves([0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    const clustered = (name: (i: number) => string) => of(alone, undefined, { clusters: alone.map((_, i) => name(i)) });
    expect(clustered((i) => `k${i}`).quadratic).toBeCloseTo(two.quadratic, 12);
    expect(clustered((i) => `k${i >> 1}`).quadratic).toBeCloseTo(two.quadratic * Math.SQRT2, 12);
  });

  test('ten rounds of equal shares tell their bias, nine do not', () => {
    const unknown = (n: number) => {
      const rows = rowsOf(Array.from({ length: n }, (_, i) => ({ prompt: 'x', m: [1, 0, 0], classes: [i % 2] })));
      const found = logDiversityOf(rows, new Float64Array(n));
      return { more: found.unknown - 1 / n, bias: found.bias };
    };
    expect(unknown(10).more).toBeCloseTo(0, 12);
    expect(unknown(9).more).toBeCloseTo(-unknown(9).bias, 12);
  });

  test('the quadratic part is in the error, and the interval is as much wider', () => {
    const terms = { numerator: Float64Array.from({ length: 40 }, (_, i) => i % 5), denominator: null, baseline: null };
    const figure = { path: 'x', terms, isDifference: false };
    const options = { level: 0.9, resamples: 10, random: seededRandom(1), range: null };
    const of = (quadratic: number) =>
      figureIntervals('t', [{ ...figure, plugIn: { bias: 0, unseen: 0, unknown: 0, quadratic } }], options)
        .intervals[0]!;
    const plain = figureIntervals('t', [figure], options).intervals[0]!;
    expect(of(0)).toEqual(plain);
    const q = 0.75 * plain.stdError;
    const wider = of(q);
    expect(wider.stdError).toBeCloseTo(1.25 * plain.stdError, 12);
    expect(wider.estimate).toBe(plain.estimate);
    expect(wider.upper - wider.estimate).toBeCloseTo(1.25 * (plain.upper - plain.estimate), 12);
    expect(wider.estimate - wider.lower).toBeCloseTo(1.25 * (plain.estimate - plain.lower), 12);
    expect(of(1.01 * plain.stdError).lower).toBeNaN();
    // no error at all stays none
    const flat = { ...terms, numerator: new Float64Array(40).fill(2) };
    const still = figureIntervals(
      't',
      [{ ...figure, terms: flat, plugIn: { bias: 0, unseen: 0, unknown: 0, quadratic: 0 } }],
      options,
    ).intervals[0]!;
    expect([still.lower, still.upper, still.stdError]).toEqual([2, 2, 0]);
  });

  test('one class alone has no interval, and one prompt of nearly equal classes only from many responses on', () => {
    const log = (classes: readonly number[]) =>
      logFromRecords(
        classes.map((c) => ({
          prompt: 'x',
          opinion_distribution: { c0: 0.5, c1: 0.5 },
          responses: [
            {
              text: `c${c}`,
              opinion: `c${c}`,
              propensity: 0.5,
              target_log_prob: { t: Math.log(0.5) },
              feedback: { agree: 1 },
            },
          ],
        })),
      );
    const of = (classes: readonly number[], diversity: 'distribution' | 'coverage') => {
      const { targets, warnings } = evaluate(log(classes), {
        signals,
        diversity,
        estimators: ['ips'],
        biasCorrected: true,
      });
      return {
        lower: targets['t']!.diversity['ips']!.lower,
        codes: warnings.map(({ code, message }) => `${code} ${message}`),
      };
    };
    for (const diversity of ['distribution', 'coverage'] as const) {
      const alone = of(new Array<number>(50).fill(0), diversity);
      expect(alone.lower).toBeNull();
      expect(alone.codes.join('\n')).toMatch(/few_responses t: some/);
      const flat = of(
        Array.from({ length: 60 }, (_, i) => (i < 32 ? 0 : 1)),
        diversity,
      );
      expect(flat.lower).toBeNull();
      const steep = of(
        Array.from({ length: 400 }, (_, i) => (i < 80 ? 0 : 1)),
        diversity,
      );
      expect(steep.lower).not.toBeNull();
    }
  });

  test('a class that is wanted and never logged is in the divergence', () => {
    const rows = rowsOf(Array.from({ length: 3 }, () => ({ prompt: 'x', m: [0.5, 0, 0.5], classes: [0] })));
    const { reward, plugIn } = distributionMatch(rows, new Float64Array(3));
    // m = (1/2, 1/2), q = (1, 0): JS = (KL(m||h) + KL(q||h))/2 with h = (3/4, 1/4)
    const js = 0.5 * (0.5 * Math.log(2 / 3) + 0.5 * Math.log(2) + Math.log(4 / 3));
    for (const r of reward) expect(r).toBeCloseTo(-js, 12);
    expect(plugIn).toMatchObject({ bias: 0, unseen: 0 });
  });

  test('the unseen share is the mean over rounds', () => {
    const rows = rowsOf(
      ['x', 'x', 'x', 'y'].map((prompt) => ({ prompt, m: [1, 0, 0], classes: [prompt === 'x' ? 0 : 1] })),
    );
    const { plugIn } = distributionMatch(rows, new Float64Array(4));
    expect(plugIn.unseen).toBeCloseTo(1 / 4, 12);
    // half a nat for each, and for one round more than were seen to show something once
    expect(plugIn.unknown).toBeCloseTo((1 / 4 + 1 / 4) / 2, 12);
  });
});
