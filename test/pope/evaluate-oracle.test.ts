import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import type { Log } from '../../src/ope/index.js';
import { type EstimateEntry, evaluate, type TargetResult } from '../../src/pope/index.js';
import { expectClose } from '../theorems/close.js';
import { mean, sampleError, up } from './evaluation-log.js';

// The whole result of `evaluate`, computed again in plain loops from the records: no tensor, no term, no shared code.

interface Answer {
  readonly p0: number;
  readonly pi: number;
  readonly u: number;
  readonly q: number;
}
interface Round {
  readonly answers: readonly Answer[];
  readonly value: number;
}

const quarter = (min: number, max: number) => fc.integer({ min: 4 * min, max: 4 * max }).map((k) => k / 4);
const rounds = (minSlate: number, maxSlate: number, least: number, positive = false) =>
  fc.array(
    fc.record({
      answers: fc.array(
        fc.record({
          p0: fc.integer({ min: 1, max: 8 }).map((k) => k / 8),
          pi: fc.integer({ min: positive ? 1 : 0, max: 8 }).map((k) => k / 8),
          u: quarter(least, 3),
          q: quarter(-2, 2),
        }),
        { minLength: minSlate, maxLength: maxSlate },
      ),
      value: quarter(-2, 2),
    }),
    { minLength: 2, maxLength: 7 },
  );

function logOf(log: readonly Round[], model = true): Log {
  return logFromRecords(
    log.map(({ answers, value }, i) => ({
      id: `r${i}`,
      prompt: 'x',
      ...(model && { predicted_value: { pi: value } }),
      responses: answers.map(({ p0, pi, u, q }, j) => ({
        text: `y${i}${j}`,
        propensity: p0,
        target_log_prob: { pi: pi === 0 ? null : Math.log(pi) },
        feedback: { up: u },
        ...(model && { predicted_reward: q }),
      })),
    })),
  );
}

const rho = ({ p0, pi }: Answer): number => pi / p0;
const surprisal = ({ pi }: Answer): number => (pi === 0 ? 0 : -Math.log(pi));
const slateMean = ({ answers }: Round, f: (a: Answer) => number): number => mean(answers.map(f));
const product = ({ answers }: Round): number => answers.reduce((p, a) => p * rho(a), 1);
const [M, cut, L, lambda] = [2, 1.5, 3, 0.25];
const parameters = { clip: M, switch: cut, shrink: L, lambda };

/** Round terms of the plain means, for a reward, by key. */
function plainTerms(log: readonly Round[], r: (a: Answer) => number): Record<string, number[]> {
  const of = (f: (a: Answer) => number) => log.map((round) => slateMean(round, f));
  return {
    ips: of((a) => rho(a) * r(a)),
    clipped_ips: of((a) => Math.min(rho(a), M) * r(a)),
    implicit_exploration: of((a) => (rho(a) / (1 + lambda * rho(a))) * r(a)),
    joint_ips: log.map((round) => product(round) * slateMean(round, r)),
    ...(log.every(({ answers }) => answers.every((a) => r(a) >= 0)) && {
      log_smoothing: of((a) => Math.log(1 + lambda * rho(a) * r(a)) / lambda),
    }),
  };
}

function modelTerms(log: readonly Round[]): Record<string, number[]> {
  const of = (w: (a: Answer) => number) =>
    log.map((round) => round.value + slateMean(round, (a) => w(a) * (a.u - a.q)));
  return {
    dm: log.map(({ value }) => value),
    dr: of(rho),
    switch_dr: of((a) => (rho(a) <= cut ? rho(a) : 0)),
    dros: of((a) => (L * rho(a)) / (rho(a) ** 2 + L)),
  };
}

/** Estimate and standard error of sum a / sum b, b the round's mean weight. */
function ratio(log: readonly Round[], r: (a: Answer) => number, add: readonly number[] = log.map(() => 0)) {
  const [a, b] = [
    log.map((round) => slateMean(round, (x) => rho(x) * r(x))),
    log.map((round) => slateMean(round, rho)),
  ];
  const theta = mean(a) / mean(b);
  return { estimate: theta + mean(add), error: sampleError(a.map((v, i) => add[i] + (v - theta * b[i]) / mean(b))) };
}

function expectEntry(entry: EstimateEntry | undefined, terms: readonly number[], what: string): void {
  if (entry === undefined) expect.fail(`${what} is missing`);
  const scale = 1 + Math.max(...terms.map(Math.abs));
  expectClose(entry.estimate!, mean(terms), scale);
  expectClose(entry.std_error!, sampleError(terms), scale, 1e-7);
}

const plus = (x: readonly number[], y: readonly number[], factor: number): number[] =>
  x.map((v, i) => v + factor * y[i]);

describe.each([
  { name: 'slates of one, rewards of at least 0', drawn: rounds(1, 1, 0) },
  { name: 'slates of up to three, signed rewards', drawn: rounds(1, 3, -3) },
])('D6: evaluate is what plain loops give: $name', ({ drawn }) => {
  test.prop([drawn, fc.constantFrom(0.5, 2)])('estimates, differences and errors of every plain mean', (log, tau) => {
    const { targets, logging } = evaluate(logOf(log), { signals: up, tau, parameters });
    const { utility, diversity, value, versus_logging } = targets['pi'];
    const [u, d] = [plainTerms(log, (a) => a.u), plainTerms(log, surprisal)];
    const own = log.map((round) => slateMean(round, (a) => a.u));
    const ownDiversity = log.map((round) => slateMean(round, (a) => -Math.log(a.p0)));
    expectEntry(logging.utility!, own, 'logging.utility');
    expectEntry(logging.diversity!, ownDiversity, 'logging.diversity');
    expectEntry(logging.value!, plus(own, ownDiversity, tau), 'logging.value');
    for (const key of Object.keys(u)) {
      expectEntry(utility[key], u[key], `utility.${key}`);
      expectEntry(versus_logging.utility[key], plus(u[key], own, -1), `versus utility.${key}`);
      expectEntry(value[key], plus(u[key], d[key], tau), `value.${key}`);
      const ownValue = plus(own, ownDiversity, tau);
      expectEntry(versus_logging.value[key], plus(plus(u[key], d[key], tau), ownValue, -1), `versus value.${key}`);
    }
    for (const key of Object.keys(d)) if (key in u) expectEntry(diversity[key], d[key], `diversity.${key}`);
    // what is not defined for negative rewards is not there
    expect(utility['log_smoothing'] === undefined).toBe(log.some(({ answers }) => answers.some((a) => a.u < 0)));
    for (const [key, terms] of Object.entries(modelTerms(log))) {
      expectEntry(utility[key], terms, `utility.${key}`);
      expect(diversity[key]).toBeUndefined();
      const partner = key === 'dm' ? undefined : plus(terms, d['ips'], tau);
      if (partner === undefined) expect(value[key]).toBeUndefined();
      else expectEntry(value[key], partner, `value.${key}`);
    }
  });

  test.prop([drawn])('self-normalised estimates and their errors', (log) => {
    const { utility } = evaluate(logOf(log), { signals: up, diversity: 'none' }).targets['pi'];
    if (log.every(({ answers }) => answers.every((a) => a.pi === 0))) {
      expect(utility['snips']!.estimate).toBeNull();
      return;
    }
    const scale = 10 / mean(log.map((round) => slateMean(round, rho)));
    const snips = ratio(log, (a) => a.u);
    expectClose(utility['snips']!.estimate!, snips.estimate, scale);
    expectClose(utility['snips']!.std_error!, snips.error, scale, 1e-7);
    const sndr = ratio(
      log,
      (a) => a.u - a.q,
      log.map(({ value }) => value),
    );
    expectClose(utility['sndr']!.estimate!, sndr.estimate, scale);
    expectClose(utility['sndr']!.std_error!, sndr.error, scale, 1e-7);
  });

  test.prop([drawn])('diagnostics, of responses and of whole slates', (log) => {
    const { diagnostics, joint_verdict } = evaluate(logOf(log), { signals: up }).targets['pi'];
    const check = (found: Omit<TargetResult['diagnostics'], 'joint'>, weights: readonly number[]) => {
      const [sum, squares] = [weights.reduce((s, w) => s + w, 0), weights.reduce((s, w) => s + w * w, 0)];
      expectClose(found.mean_weight!, sum / weights.length);
      expectClose(found.effective_sample_size, sum === 0 ? 0 : sum ** 2 / squares, weights.length);
      expectClose(found.max_weight_share, sum === 0 ? 0 : Math.max(...weights) / sum);
      expectClose(found.zero_weight_share, weights.filter((w) => w === 0).length / weights.length);
    };
    check(
      diagnostics,
      log.flatMap(({ answers }) => answers.map(rho)),
    ); // prettier-ignore
    const slates = log.some(({ answers }) => answers.length > 1);
    expect([diagnostics.joint === undefined, joint_verdict === undefined]).toEqual([!slates, !slates]);
    if (diagnostics.joint) check(diagnostics.joint, log.map(product));
  });

  test.prop([drawn, fc.constantFrom(0, 1, 3), fc.constantFrom('surprisal' as const, 'none' as const)])(
    'T3, T4: variance is that of one weighted response, of the utility and of the value',
    (log, tau, diversity) => {
      const { variance } = evaluate(logOf(log), { signals: up, tau, diversity }).targets['pi'];
      for (const part of ['utility', 'value'] as const) {
        const r = (a: Answer): number => a.u + (part === 'value' && diversity === 'surprisal' ? tau * surprisal(a) : 0);
        const of = (f: (a: Answer) => number) => mean(log.map((round) => slateMean(round, f)));
        const v = of((a) => rho(a) * r(a));
        const z = of((a) => rho(a) * Math.abs(r(a)));
        const second = of((a) => (rho(a) * r(a)) ** 2);
        const found = variance[part]!;
        expectClose(found.z, z, second + 1);
        expectClose(found.estimate, second - v * v, second + 1);
        const kl =
          z === 0
            ? 0
            : of((a) => {
                const m = rho(a) * Math.abs(r(a));
                return m === 0 ? 0 : (m / z) * Math.log(m / z);
              });
        expectClose(found.kl, Math.max(0, kl), 1 + Math.abs(kl));
        expectClose(found.chi2, z === 0 ? 0 : second / z ** 2 - 1, 1 + (z === 0 ? 0 : second / z ** 2));
        expectClose(found.lower_bound, z * z * Math.exp(kl) - v * v, second + 1);
      }
    },
  );

  test.prop([drawn, fc.constantFrom(0, 1, 3)])(
    'T5: value_variance has the squares of the standard errors, and what is left is 2 tau times the covariance',
    (log, tau) => {
      const { utility, diversity, value, value_variance } = evaluate(logOf(log), { signals: up, tau, parameters })
        .targets['pi'];
      expect(Object.keys(value_variance).sort()).toEqual(
        Object.keys(diversity)
          .filter((key) => utility[key] !== undefined)
          .sort(), // prettier-ignore
      );
      for (const [key, found] of Object.entries(value_variance)) {
        if (found.value === null) continue;
        const scale = 1 + found.utility! + tau * tau * found.diversity!;
        expectClose(found.utility!, utility[key]!.std_error! ** 2, scale);
        expectClose(found.diversity!, diversity[key]!.std_error! ** 2, scale);
        expectClose(found.value, value[key]!.std_error! ** 2, scale);
        expectClose(2 * tau * found.covariance!, found.value - found.utility! - tau * tau * found.diversity!, scale);
      }
    },
  );

  test.prop([drawn])('T2, T13: sensitivity of ips and of snips', (log) => {
    const { sensitivity } = evaluate(logOf(log), { signals: up, diversity: 'none' }).targets['pi'];
    const rows = log.flatMap(({ answers }) =>
      answers.map((a) => ({ m: rho(a) / answers.length / log.length, u: a.u })),
    );
    if (rows.every(({ m }) => m === 0)) {
      expect(sensitivity).toBeNull();
      return;
    }
    const [plus, minus] = [1, -1].map((sign) => rows.reduce((s, { m, u }) => s + m * Math.max(0, sign * u), 0));
    sensitivity!.eta.forEach((eta, k) => {
      const [down, above] = [Math.exp(-eta), Math.exp(eta)];
      expectClose(sensitivity!.ips[k].lower!, down * plus - above * minus, plus + minus);
      expectClose(sensitivity!.ips[k].upper!, above * plus - down * minus, plus + minus);
      // every cut of the sorted rewards, tilted up on one side and down on the other
      const cuts = [-Infinity, ...rows.map(({ u }) => u)].flatMap((cutAt) =>
        [down, above].map((below) => {
          const g = rows.map(({ m, u }) => m * (u <= cutAt ? below : 1 / below));
          const total = g.reduce((s, w) => s + w, 0);
          return total === 0 ? Number.NaN : rows.reduce((s, { u }, i) => s + g[i] * u, 0) / total;
        }),
      );
      expectClose(sensitivity!.utility[k].lower!, Math.min(...cuts), 4);
      expectClose(sensitivity!.utility[k].upper!, Math.max(...cuts), 4);
    });
  });
});

describe('T13: the tipping point', () => {
  /** 40 rounds in which the target says twice as often what earns 1. */
  const log = (swap: boolean, n = 40) =>
    logOf(
      Array.from({ length: n }, (_, i) => ({
        value: 0,
        answers: [{ p0: 0.5, pi: i % 4 < 2 === swap ? 0.25 : 0.75, u: i % 4 < 2 ? 1 : 0, q: 0 }],
      })),
      false,
    );

  test.each([false, true])('is log 3 over 2 for a gain and for a loss (loss: %s)', (swap) => {
    // weights 1.5 and 0.5 on rewards 1 and 0: tilted by e^-eta and e^eta they are equal at eta = log(3)/2
    const { sensitivity } = evaluate(log(swap), { signals: up, diversity: 'none' }).targets['pi'];
    expectClose(sensitivity!.tipping_point!, Math.log(3) / 2, 1, 2e-6);
  });

  test('is null where the difference is not significant, and nothing is said of rewards of whole slates', () => {
    const few = evaluate(log(false, 4), { signals: up, diversity: 'none', level: 0.999 });
    expect(few.targets['pi'].sensitivity!.tipping_point).toBeNull();
    const rank = evaluate(log(false), { signals: [{ name: 'up', transform: 'rank', weight: 1 }], diversity: 'none' });
    expect(rank.targets['pi'].sensitivity).toBeNull();
    expect(rank.targets['pi'].variance).toEqual({ utility: null, value: null });
    expect(Object.keys(rank.targets['pi'].utility)).toEqual(['joint_ips']);
  });
});

test.prop([rounds(1, 2, -2, true), fc.integer({ min: 1, max: 3 })])(
  'D6: with clusters every error is over whole clusters',
  (log, size) => {
    const base = logOf(log, false);
    const clusters = log.map((_, i) => `c${Math.floor(i / size)}`);
    const { targets } = evaluate({ ...base, clusters }, { signals: up, diversity: 'none' });
    const terms = plainTerms(log, (a) => a.u)['ips'];
    const groups = new Map<string, number>();
    for (const [i, t] of terms.entries()) groups.set(clusters[i], (groups.get(clusters[i]) ?? 0) + t - mean(terms));
    const [g, n] = [groups.size, terms.length];
    const error = Math.sqrt((g / (g - 1)) * [...groups.values()].reduce((s, v) => s + v * v, 0)) / n;
    const found = targets['pi'].utility['ips']!.std_error;
    if (g < 2) expect(found).toBeNull();
    else expectClose(found!, error, 1 + Math.max(...terms.map(Math.abs)), 1e-7);
  },
);

test('D6: lambda is one over the root of the rounds where nobody says it', () => {
  const log = logOf(
    Array.from({ length: 16 }, (_, i) => ({ value: 0, answers: [{ p0: 0.25, pi: 0.5, u: i % 2, q: 0 }] })),
    false,
  );
  const { utility } = evaluate(log, { signals: up, diversity: 'none' }).targets['pi'];
  expectClose(utility['implicit_exploration']!.estimate!, 0.5 * (2 / (1 + 0.25 * 2)));
  expectClose(utility['log_smoothing']!.estimate!, (0.5 * Math.log(1.5)) / 0.25);
});
