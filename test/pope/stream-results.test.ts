import { describe, expect, test } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import type { Log, Warning } from '../../src/ope/index.js';
import {
  type EstimatorKey,
  type EvaluateOptions,
  evaluate,
  type StreamOptions,
  streamEvaluation,
} from '../../src/pope/index.js';
import { streamSettings } from '../../src/pope/stream/stream-settings.js';
import { logOf, type Row, up } from './evaluation-log.js';

type Rounds = Parameters<typeof logOf>[0];
const streamed = (parts: readonly Log[], options: StreamOptions) => {
  const stream = streamEvaluation(options);
  for (const part of parts) stream.add(part);
  return stream.result();
};
/** Ids in the order of the rounds: a stream names the first by id, the evaluation of the whole log the first by row. */
const named = (rounds: Rounds): Rounds => rounds.map((round, i) => ({ ...round, id: `r${100 + i}` }));
/** The rounds in two parts, those of even and of odd number. */
const halves = (rounds: Rounds): Log[] => [0, 1].map((k) => logOf(named(rounds).filter((_, i) => i % 2 === k)));
const uneven = (n: number, more: (i: number) => Partial<Row> = () => ({})): Rounds =>
  Array.from({ length: n }, (_, i) => ({
    rows: [{ p0: 0.5 - i / (2.5 * n), pi: 0.1 + i / (1.5 * n), up: i % 3, ...more(i) }],
  }));
const told = (warnings: readonly Warning[]) =>
  warnings
    .filter(({ code }) => code !== 'not_streamed')
    // of a negative term the whole log knows the first, a stream the smallest
    .map(({ code, message }) => `${code}: ${message.replace(/(the smallest term of a|term of) round( 0)?/, 'a term')}`);

describe('T17: a stream tells the sentences of the whole evaluation', () => {
  const keys: EstimatorKey[] = ['ips', 'snips', 'clipped_ips', 'dr', 'joint_ips'];
  const cases: Readonly<Record<string, readonly [Rounds, Partial<StreamOptions & EvaluateOptions>]>> = {
    'of a sound log': [uneven(60), {}],
    'of a handful of rounds': [uneven(6), {}],
    'of slates': [
      uneven(40).map(({ rows }, i) => ({ rows: i % 4 === 0 ? rows : [...rows, { p0: 0.25, pi: 0.3, up: 1 }] })),
      { diversity: 'slate' },
    ],
    'of a target that says nothing of the log': [uneven(40, () => ({ pi: 0 })), {}],
    'of rewards beyond float64': [uneven(40, (i) => ({ up: i === 7 || i === 30 ? 1e308 : 1, pi: 1 })), { tau: 0 }],
    'of a method that refuses ratios and negative terms': [
      uneven(40, (i) => ({ up: (i % 3) - 0.5 })),
      { interval: 'log-smoothing', parameters: { lambda: 0.25 } },
    ],
    'of a log dominated by diversity': [uneven(40), { tau: 50 }],
    'of rank signals, which only whole slates may weigh': [
      uneven(40).map(({ rows }) => ({ rows: [...rows, { p0: 0.25, pi: 0.3, up: 1 }] })),
      { signals: [{ name: 'up', transform: 'rank', weight: 1 }], estimators: ['joint_ips'] },
    ],
    'of clusters that are few': [uneven(40).map((round, i) => ({ ...round, cluster: `c${i % 4}` })), {}],
  };
  test.each(Object.keys(cases))('%s', (name) => {
    const [rounds, more] = cases[name];
    const options = { signals: up, estimators: keys.filter((key) => key !== 'dr'), ...more };
    const whole = evaluate(logOf(named(rounds)), options);
    const found = streamed(halves(rounds), options);
    // duplicates and the like are told by part
    expect(told(found.warnings).sort()).toEqual(told(whole.warnings).sort());
    expect(found.targets['pi'].verdict).toEqual(whole.targets['pi'].verdict);
    expect(found.targets['pi'].joint_verdict).toEqual(whole.targets['pi'].joint_verdict);
    expect(Object.keys(found.targets['pi'].value_variance)).toEqual(Object.keys(whole.targets['pi'].value_variance));
    for (const [key, variances] of Object.entries(whole.targets['pi'].value_variance)) {
      // a covariance from the differences of variances is unknown where one of these is
      if (variances.utility === null) continue;
      const near = Object.entries(variances).map(([part, value]) => [part, expect.closeTo(value!, 10) as number]);
      expect([key, found.targets['pi'].value_variance[key]]).toEqual([key, Object.fromEntries(near)]);
    }
    expect(found.settings).toEqual(whole.settings);
    expect(found.log).toEqual(whole.log);
  });
});

describe('what the parts warned of', () => {
  const warned = (part: Log, ...warnings: Warning[]): Log => ({ ...part, warnings });
  const [first, second] = halves(uneven(60));
  const of = (...parts: Log[]) => told(streamed(parts, { signals: up, diversity: 'none' }).warnings);
  const x = { code: 'x', message: 'first.' };

  test('few rounds are counted over all parts', () => {
    const few = (n: number): string[] => of(...halves(uneven(n))).filter((line) => line.startsWith('few_rounds'));
    expect(few(29)).toEqual(['few_rounds: there are only 29 rounds; intervals need about 30 or more to be trusted.']);
    expect(few(30)).toEqual([]);
    const one = of(logOf(uneven(1))).filter((line) => line.startsWith('few_rounds'));
    expect(one).toEqual(['few_rounds: there is only 1 round; intervals need about 30 or more to be trusted.']);
  });
  test('placeholders are a warning where every part has them', () => {
    const placeholder = { code: 'placeholder_propensity', message: 'all are 1.' };
    expect(of(warned(first, placeholder), warned(second, placeholder))).toContain('placeholder_propensity: all are 1.');
    expect(of(warned(first, placeholder), warned(second)).join()).not.toContain('placeholder');
  });
  test('any other is told once, sorted by code, with the number of parts; of two sentences the smaller', () => {
    const coded = ['y', 'x', 'z'].map((code) => ({ ...x, code }));
    expect(of(warned(first, ...coded), warned(second)).slice(0, 3)).toEqual(['x: first.', 'y: first.', 'z: first.']);
    for (const parts of [
      [warned(first, x), warned(second, { ...x, message: 'second.' })],
      [warned(first, { ...x, message: 'second.' }), warned(second, x)],
    ])
      expect(of(...parts)[0]).toBe('x: first. (One of 2 parts of the log with such a warning.)');
  });
});

describe('what a stream leaves out is named', () => {
  const parts = halves(uneven(40));
  const notStreamed = (all: readonly Log[], options: Partial<StreamOptions> = {}): string =>
    streamed(all, { signals: up, ...options }).warnings.find(({ code }) => code === 'not_streamed')!.message;
  test('with the number of parts, and the estimators where no list was given', () => {
    expect(notStreamed(parts)).toMatch(
      /^The log was read in 2 parts: .* raters, the estimators log_smoothing, implicit_exploration, beta_star, pareto_smoothed need/,
    );
    expect(notStreamed(parts, { parameters: { lambda: 1 } })).toMatch(/the estimators beta_star, pareto_smoothed need/);
    expect(notStreamed(parts.slice(1), { estimators: ['ips'] })).toMatch(
      /^The log was read in 1 part: sensitivity, groups of raters need .* each part alone\.$/,
    );
  });
  test('and that too many clusters to remember were not looked for in other parts', () => {
    const many = 5_001;
    const clustered = (of: string): Log =>
      logFromRecords(
        Array.from({ length: many }, (_, i) => ({
          id: `${of}${i}`,
          prompt: 'x',
          cluster: `${of}${i}`,
          responses: [{ text: 'y', propensity: 0.5, feedback: { up: i % 2 } }],
        })),
      );
    const log = [clustered('p'), clustered('q')];
    expect(notStreamed(log, { diversity: 'none' })).toMatch(/ More than 10000 clusters: it was not checked/);
    expect(notStreamed([clustered('p')], { diversity: 'none' })).not.toMatch(/clusters/);
  });
  test('predictions on one part of two leave the model-based estimators out, in one sentence', () => {
    const rounds = uneven(40, () => ({ q: 0.5 })).map((round, i) => ({ ...round, id: `r${i}`, value: 0.25 }));
    const predicted = logOf(rounds.slice(0, 20));
    const rest = rounds.slice(20);
    const bare = logOf(rest.map(({ value: _, rows, id }) => ({ id, rows: rows.map(({ q: __, ...row }) => row) })));
    const found = streamed([predicted, bare], { signals: up });
    expect(Object.keys(found.targets['pi'].utility)).not.toContain('dr');
    expect(found.warnings.filter(({ code }) => code === 'partial_predictions')).toEqual([
      {
        code: 'partial_predictions',
        message: 'predictions are missing on some parts of the log; estimators that need them are left out.',
      },
    ]);
    // values alone are enough for the direct method, and rewards for none
    const values = (log: Log): Log => ({ ...log, predictedReward: null });
    const dm = streamed([values(predicted), logOf(rest)], { signals: up });
    expect(Object.keys(dm.targets['pi'].utility)).toContain('dm');
    expect(Object.keys(dm.targets['pi'].utility)).not.toContain('dr');
    const whole = streamed([predicted, logOf(rest)], { signals: up });
    expect(Object.keys(whole.targets['pi'].utility)).toEqual(expect.arrayContaining(['dm', 'dr', 'sndr']));
    expect(whole.warnings.map(({ code }) => code)).not.toContain('partial_predictions');
  });
});

describe('settings of a stream', () => {
  const of = (options: Partial<StreamOptions> = {}) => streamSettings({ signals: up, ...options });
  test('lambda of log-smoothing is its own, else that of the estimators, and read for it alone', () => {
    const smoothing = { interval: 'log-smoothing', parameters: { lambda: 2 } } as const;
    expect(of(smoothing).intervalLambda).toBe(2);
    expect(of({ ...smoothing, intervalLambda: 3 }).intervalLambda).toBe(3);
    expect(of({ intervalLambda: 3 }).intervalLambda).toBeNull();
    expect(of({ intervalLambda: -3 }).interval).toBe('t');
    for (const intervalLambda of [0, -1, Infinity, Number.NaN])
      expect(() => of({ ...smoothing, intervalLambda })).toThrow(new RegExp(`^intervalLambda is ${intervalLambda}`));
  });
  test('estimators that are asked for must be possible', () => {
    expect(() => of({ estimators: ['ips', 'pareto_smoothed'] })).toThrow(
      /^estimator pareto_smoothed looks at all rounds at once/,
    );
    expect(() => of({ estimators: ['log_smoothing'] })).toThrow(/^estimator log_smoothing has no declared lambda/);
    expect(of({ estimators: ['log_smoothing'], parameters: { lambda: 1 } })).toMatchObject({
      asked: ['log_smoothing'],
      estimators: ['log_smoothing'],
      leftOut: [],
    });
    expect(of()).toMatchObject({ asked: [], tailCapacity: 10_000 });
    expect(of({ tailCapacity: 6 }).tailCapacity).toBe(6);
  });
  test('streams are alike only where every option is', () => {
    const options: Partial<StreamOptions>[] = [
      {},
      { tau: 2 },
      { level: 0.9 },
      { seed: 1 },
      { diversity: 'anchored' },
      { estimators: ['ips'] },
      { estimators: ['snips'] },
      { tailCapacity: 60 },
      { parameters: { clip: 3 } },
      { examination: [1, 0.5] },
      { interval: 'log-smoothing', intervalLambda: 1 },
      { interval: 'log-smoothing', intervalLambda: 2 },
      { signals: [{ name: 'up', transform: 'log1p', weight: 1 }] },
    ];
    expect(new Set(options.map((option) => of(option).fingerprint)).size).toBe(options.length);
  });
});

describe('refusals', () => {
  const open = () => streamEvaluation({ signals: up });
  test('what is no stream is not merged', () => {
    for (const other of [null, 'x', 3])
      expect(() => open().merge(other as never)).toThrow(/^other is .*; expected a stream/);
  });
  test('signals that no response has together', () => {
    const signals = [...up, { name: 'down', transform: 'identity', weight: 1 } as const];
    const part = (i: number, name: string): Log =>
      logFromRecords([
        { id: `r${i}`, prompt: 'x', responses: [{ text: 'y', propensity: 0.5, feedback: { [name]: 1 } }] },
      ]);
    expect(() => streamed([part(1, 'up'), part(2, 'down')], { signals })).toThrow(
      /^no response has a number for up, down; expected feedback on at least one/,
    );
    expect(() => streamed([part(1, 'up')], { signals })).toThrow(/^signal is "down"/);
  });
  test('an estimator that the rewards do not allow, but only where there is a target to estimate', () => {
    const negative = logOf(uneven(6, () => ({ up: -1 })));
    const options: StreamOptions = {
      signals: up,
      estimators: ['log_smoothing'],
      parameters: { lambda: 1 },
      diversity: 'none',
    };
    expect(() => streamed([negative], options)).toThrow(/^estimator log_smoothing lacks its inputs/);
    const bare = { ...negative, targetLogProb: new Map() };
    expect(streamed([bare], options).targets).toEqual({});
    expect(Object.keys(streamed([logOf(uneven(6))], options).targets['pi'].utility)).toEqual(['log_smoothing']);
  });
  test('slates, where some part has one of two', () => {
    const single = halves(uneven(8));
    const pair = logOf([{ id: 's', rows: [...uneven(2)[0].rows, { p0: 0.25, pi: 0.25, up: 1 }] }]);
    const options = { signals: up, diversity: 'slate' } as const;
    expect(() => streamed(single, options)).toThrow(/^every slate has one response/);
    expect(streamed([...single, pair], options).targets['pi'].diversity['joint_ips']!.estimate).not.toBeNull();
  });
});
