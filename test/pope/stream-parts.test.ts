import { describe, expect, test } from 'vitest';
import { logFromRecords, type RoundRecord } from '../../src/data/index.js';
import type { Log } from '../../src/ope/index.js';
import {
  type EstimatorKey,
  evaluate,
  evaluationRows,
  type Signal,
  type StreamOptions,
  streamEvaluation,
} from '../../src/pope/index.js';
import { figureEntries } from '../../src/pope/stream/figure-entries.js';
import { figureRecord } from '../../src/pope/stream/figure-record.js';
import { emptyRecord } from '../../src/pope/stream/stream-record.js';
import { streamSettings } from '../../src/pope/stream/stream-settings.js';
import { assertOneScale } from '../../src/pope/stream/target-record.js';
import { PopeError } from '../../src/util/index.js';
import { logOf, type Row, up } from './evaluation-log.js';

const streamed = (parts: readonly Log[], options: Partial<StreamOptions> = {}) => {
  const stream = streamEvaluation({ signals: up, ...options });
  for (const part of parts) stream.add(part);
  return stream.result();
};
type Rounds = Parameters<typeof logOf>[0];
const row = (i: number): Row => ({ p0: 0.5 - i / 100, pi: 0.1 + i / 50, up: i % 3 });
const rounds = (n: number, more: (i: number) => Partial<Row> = () => ({}), from = 0): Rounds =>
  Array.from({ length: n }, (_, k) => k + from).map((i) => ({ id: `r${100 + i}`, rows: [{ ...row(i), ...more(i) }] }));
const codes = (result: ReturnType<typeof streamed>): string[] => result.warnings.map(({ code }) => code);

describe('T17: bounds that a stream gives are those that the whole log has', () => {
  const smoothing = { interval: 'log-smoothing', parameters: { lambda: 0.5 }, diversity: 'none' } as const;
  const bounded = (log: Rounds, estimators: EstimatorKey[]) => {
    const whole = evaluate(logOf(log), { signals: up, estimators, ...smoothing }).targets['pi'];
    const found = streamed([logOf(log.slice(0, 9)), logOf(log.slice(9))], { estimators, ...smoothing }).targets['pi'];
    return estimators.map((key) => {
      const [a, b] = [whole.utility[key]!, found.utility[key]!];
      expect([key, b.lower === null, b.upper]).toEqual([key, a.lower === null, a.upper]);
      return b.lower !== null;
    });
  };
  test('none of biased estimators, one of unbiased and of pessimistic ones', () => {
    const predicted = rounds(20, () => ({ q: 0.5 })).map((round) => ({ ...round, value: 0.5 }));
    const keys: EstimatorKey[] = ['ips', 'clipped_ips', 'log_smoothing', 'dm', 'switch_dr', 'dros'];
    expect(bounded(predicted, keys)).toEqual([true, true, true, false, false, false]);
  });
  test('none of a pessimistic one, where the sum of a slate hides a negative reward', () => {
    const hidden = rounds(20).map((round) => ({
      ...round,
      rows: [{ p0: 0.5, pi: 0.5, up: 3 }, ...[-1].map((v) => ({ p0: 0.5, pi: 0.5, up: v }))],
    }));
    expect(bounded(hidden, ['ips', 'clipped_ips', 'implicit_exploration'])).toEqual([true, false, false]);
  });
});

describe('T17: a part without feedback has its say in what the whole log can be estimated by', () => {
  const [silent, values, rewards] = ['none', 'value', 'reward'].map((has) =>
    logOf(
      rounds(4, () => ({ up: null, ...(has === 'reward' && { q: 1 }) }), 30).map((round) => ({
        ...round,
        ...(has === 'value' && { value: 1 }),
      })),
    ),
  );
  const full = logOf(rounds(20, () => ({ q: 0.5 })).map((round) => ({ ...round, value: 0.5 })));
  const modelled = (part: Log): string[] =>
    Object.keys(streamed([full, part]).targets['pi'].utility).filter(
      (key) => key.startsWith('d') || key.endsWith('dr'),
    );

  test('it must have the predictions of the others', () => {
    expect(modelled(silent)).toEqual([]);
    expect(modelled(values)).toEqual(['dm']);
    expect(modelled(rewards)).toEqual([]);
  });
  test('rewards on some parts and values on all are partial too, and told once', () => {
    expect(codes(streamed([full, values])).filter((code) => code === 'partial_predictions')).toHaveLength(1);
    const told = { ...silent, warnings: [{ code: 'partial_predictions', message: 'of a part.' }] };
    const warnings = streamed([full, told]).warnings.filter(({ code }) => code === 'partial_predictions');
    expect(warnings).toEqual([{ code: 'partial_predictions', message: 'of a part.' }]);
  });
});

describe('what parts say of themselves adds up', () => {
  const parts = [logOf(rounds(20)), logOf(rounds(20, undefined, 20))];
  const [first, second] = parts;
  test('skipped rounds', () => {
    expect(
      streamed([
        { ...first, skipped: 3 },
        { ...second, skipped: 2 },
      ]).log.skipped,
    ).toBe(5);
  });
  test('a fit of the propensities of one part', () => {
    const fitted = streamed([first, { ...second, propensity: 'fitted' }]);
    expect(fitted.log.propensity).toBe('fitted');
    expect(codes(fitted)).toContain('estimated_propensity');
    expect(streamed(parts).log.propensity).toBe('logged');
    expect(codes(streamed(parts))).not.toContain('estimated_propensity');
  });
  test('signals, in no order', () => {
    const signals: Signal[] = [{ name: 'z', transform: 'identity', weight: 1 }, ...up];
    const part = (i: number): Log => {
      const record: RoundRecord = {
        id: `r${i}`,
        prompt: 'x',
        responses: [{ text: 'y', propensity: 0.5, target_log_prob: { pi: -1 }, feedback: { up: i, z: 1 } }],
      };
      return logFromRecords([record]);
    };
    const saved = (order: readonly number[]) => {
      const stream = streamEvaluation({ signals });
      for (const i of order) stream.add(part(i));
      return JSON.parse(JSON.stringify(stream)).record.signals;
    };
    expect(saved([1])).toEqual(['up', 'z']);
    expect(saved([2, 1])).toEqual(['up', 'z']);
  });
  test("policies of the caller, also in the place of the log's, and estimators that one of two has", () => {
    const valued = parts.map((log) => ({ ...log, predictedValue: new Map([['pi', new Float64Array(20).fill(1)]]) }));
    const stream = streamEvaluation({ signals: up, estimators: ['ips', 'dm'] });
    for (const part of valued) {
      const logProb = part.logPropensity!;
      stream.add(part, { pi: { logProb: logProb.map((p) => p + Math.log(0.5)) }, other: { logProb } });
    }
    const { pi, other } = stream.result().targets;
    expect(pi.diagnostics.mean_weight).toBeCloseTo(0.5, 12);
    expect([Object.keys(pi.utility), Object.keys(other.utility)]).toEqual([['ips', 'dm'], ['ips']]);
  });
  test('T21: feedback is corrected by position as in the whole log', () => {
    const positioned = parts.map((log) => ({ ...log, positions: Int32Array.from(log.ids, (_, i) => 1 + (i % 2)) }));
    const options = { signals: up, examination: [1, 0.25], estimators: ['ips' as const] };
    const whole = logOf(rounds(40));
    const expected = evaluate({ ...whole, positions: Int32Array.from(whole.ids, (_, i) => 1 + (i % 2)) }, options);
    const found = streamed(positioned, options).targets['pi'].utility['ips']!;
    expect(found.estimate).toBeCloseTo(expected.targets['pi'].utility['ips']!.estimate!, 12);
  });
  test('T14: a tail cut short is told with the number of weights that were kept', () => {
    const rank: Signal[] = [{ name: 'up', transform: 'rank', weight: 1 }];
    const { message } = streamed(parts, { signals: rank, tailCapacity: 6, diversity: 'none' }).warnings.find(
      ({ code }) => code === 'tail_shortened',
    )!;
    expect(message).toMatch(/^pi: the tail index rests on the 5 largest weights/);
  });
  test('D4: slate entropy without the one estimator that may weigh it is refused', () => {
    const pair = logOf([{ id: 's', rows: [row(1), row(2)] }]);
    const estimators: EstimatorKey[] = ['ips', 'snips'];
    const expected = /^estimators is ips, snips with diversity "slate".*expected joint_ips among them\.$/;
    expect(() => streamed([first, pair], { diversity: 'slate', estimators })).toThrow(expected);
    expect(() => evaluate(pair, { signals: up, diversity: 'slate', estimators })).toThrow(expected);
  });
  test('T5: a part in which the utility overflows leaves that estimator out', () => {
    const beyond = logOf(rounds(4, () => ({ up: 1e308, p0: 0.001, pi: 0.5 }), 50));
    const found = streamed([first, beyond]).targets['pi'];
    expect(Object.keys(found.value_variance)).not.toContain('ips');
    expect(Object.keys(streamed(parts).targets['pi'].value_variance)).toContain('ips');
    expect(found.utility['ips']).toEqual({ estimate: null, std_error: null, lower: null, upper: null });
  });
});

describe('refusals name their argument', () => {
  const errorOf = (run: () => unknown): PopeError => {
    try {
      run();
    } catch (error) {
      if (error instanceof PopeError) return error;
      throw error;
    }
    return expect.fail('nothing was thrown');
  };
  const log = logOf(rounds(6));
  const other = { ...logOf(rounds(6, undefined, 6)), targetLogProb: new Map() };
  const clustered = (part: Log): Log => ({ ...part, clusters: part.ids.map((_, i) => `c${i % 2}`) });
  const part = (i: number, name: string): Log =>
    logFromRecords([
      { id: `r${i}`, prompt: 'x', responses: [{ text: 'y', propensity: 0.5, feedback: { [name]: 1 } }] },
    ]);
  const two: Signal[] = [...up, { name: 'down', transform: 'identity', weight: 1 }];
  const cases: readonly [string, () => unknown, object][] = [
    ['no rounds', () => streamed([]), { argument: 'log' }],
    ['no common feedback', () => streamed([part(1, 'up'), part(2, 'down')], { signals: two }), { argument: 'signals' }],
    ['slates of one', () => streamed([log], { diversity: 'slate' }), { argument: 'diversity' }],
    ['a target on some rounds', () => streamed([log, other]), { argument: 'target_log_prob', got: 'pi' }],
    ['no inputs', () => streamed([log], { estimators: ['dr'] }), { argument: 'estimators', got: 'dr' }],
    ['a whole log', () => streamed([], { estimators: ['beta_star'] }), { argument: 'estimators', got: 'beta_star' }],
    ['a cluster in two parts', () => streamed([clustered(log), clustered(log)]), { argument: 'cluster', got: 'c0' }],
    [
      'clusters where their size must be known',
      () => streamed([clustered(log)], { interval: 'log-smoothing', intervalLambda: 1 }),
      { argument: 'interval' },
    ],
    [
      'other options',
      () => streamEvaluation({ signals: up }).merge(streamEvaluation({ signals: up, tau: 2 })),
      { argument: 'other' },
    ],
  ];
  test.each(cases)('%s', (_, run, expected) => {
    expect(errorOf(run)).toMatchObject(expected);
  });
  test.each([[[1]], [[1, 2, 3]], [[]]])('a saved range of %j', (range) => {
    const stream = streamEvaluation({ signals: up });
    stream.add(log);
    const saved = JSON.parse(JSON.stringify(stream));
    saved.record.utilityRange = range;
    expect(() => streamEvaluation({ signals: up }).merge(saved)).toThrow(/utilityRange is .*; expected two numbers/);
  });
});

describe('what keeps parts on one scale', () => {
  const rows = evaluationRows(logOf(rounds(2)), up);
  const plain = { numerator: Float64Array.of(1, 2), denominator: null, baseline: null };
  const ratio = { ...plain, denominator: Float64Array.of(1, 1) };
  const terms = (utility: object) => ({ utility: { ...utility }, diversity: {}, value: {} }) as never;
  test('T17: a ratio of weights relative to their largest, or of no other kind', () => {
    const settings = streamSettings({ signals: up });
    const check = (utility: object) => () => assertOneScale(terms(utility), rows, settings);
    expect(check({ ips: plain, snips: ratio, sndr: ratio })).not.toThrow();
    expect(check({ snips: ratio, dr: ratio })).toThrow(
      /^estimator dr is a ratio that cannot be put together from parts/,
    );
    expect(check({ ips: ratio })).toThrow(
      expect.objectContaining({ argument: 'estimators', got: 'ips' }) as unknown as Error,
    );
  });
  test('a fault that is no refusal is passed on', () => {
    const settings = streamSettings({ signals: up, interval: 'log-smoothing', intervalLambda: 1 });
    const figure = figureRecord(plain, rows, { logScale: 0, lambda: 1 });
    const faulty = Object.defineProperty({ ...figure }, 'isRatio', {
      get: () => {
        throw new RangeError('a fault');
      },
    });
    const record = { ...emptyRecord, rounds: 2, logging: { ...emptyRecord.logging, utility: faulty } };
    expect(() => figureEntries(record, settings, [])).toThrow(RangeError);
  });
});
