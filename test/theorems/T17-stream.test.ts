import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { logFromRecords, type RoundRecord } from '../../src/data/index.js';
import type { Log } from '../../src/ope/index.js';
import {
  type Component,
  type DiversityKind,
  type EvaluateOptions,
  type EvaluationResult,
  type EvaluationStream,
  evaluate,
  type Signal,
  type StreamOptions,
  streamEvaluation,
  type TargetResult,
} from '../../src/pope/index.js';
import { permutation, seededRandom, uniformInt } from '../../src/random/index.js';

const up: Signal = { name: 'up', transform: 'identity', weight: 1 };
/** With it every estimator but those of `wholeLog` is streamed. */
const parameters = { lambda: 0.5 };
const wholeLog = ['beta_star', 'pareto_smoothed'];

const quarter = (min: number, max: number) => fc.integer({ min: 4 * min, max: 4 * max }).map((q) => q / 4);
const response = fc.record({
  logPropensity: quarter(-6, 0),
  logRatio: fc.oneof({ weight: 6, arbitrary: quarter(-3, 3) }, { weight: 1, arbitrary: fc.constant(-Infinity) }),
  up: fc.oneof({ weight: 6, arbitrary: quarter(-3, 3) }, { weight: 1, arbitrary: fc.constant(null) }),
  predicted: quarter(-2, 2),
});
const drawn = fc.record({
  rounds: fc.array(fc.array(response, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 40 }),
  predictions: fc.constantFrom('all', 'some', 'none'),
  perCluster: fc.constantFrom(0, 0, 2, 5),
  /** Added to every log-ratio: weights far outside of float64 must do, too. */
  shift: fc.constantFrom(0, 0, 0, -800, 900),
  seed: fc.integer(),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

function recordsOf({ rounds, predictions, perCluster, shift }: Drawn): RoundRecord[] {
  return rounds.map((responses, i) => ({
    id: `r${i + 1}`,
    prompt: `x${i % 3}`,
    ...(perCluster > 0 && { cluster: `c${Math.floor(i / perCluster)}` }),
    ...((predictions === 'all' || (predictions === 'some' && i % 2 === 0)) && { predicted_value: { pi: i / 8 } }),
    responses: responses.map((r, j) => {
      const target = r.logPropensity + r.logRatio + shift;
      // a target's log-probability is at most 0: the propensity pays for the shift
      const over = Math.max(0, target);
      return {
        text: `y${j}`,
        log_propensity: r.logPropensity - over,
        target_log_prob: { pi: target === -Infinity ? null : target - over },
        ...(r.up !== null && { feedback: { up: r.up } }),
        ...((predictions === 'all' || (predictions === 'some' && i % 2 === 0)) && { predicted_reward: r.predicted }),
      };
    }),
  }));
}

/** Whole units in random parts, in random order. */
function partsOf(records: readonly RoundRecord[], seed: number): Log[] {
  const random = seededRandom(seed);
  const units = new Map<string, RoundRecord[]>();
  for (const record of records) {
    const unit = record.cluster ?? record.id!;
    units.set(unit, [...(units.get(unit) ?? []), record]);
  }
  const shuffled = Array.from(permutation(random, units.size), (i) => [...units.values()][i]);
  const parts: RoundRecord[][] = [[]];
  for (const unit of shuffled) {
    if (parts.at(-1)!.length > 0 && uniformInt(random, 3) === 0) parts.push([]);
    parts.at(-1)!.push(...unit);
  }
  return parts.map((part) => logFromRecords(part));
}

/** Merged as a random binary tree whose inner nodes go through JSON. */
function merged(parts: readonly Log[], open: () => EvaluationStream, seed: number): EvaluationStream {
  const random = seededRandom(seed);
  const streams = parts.map((part) => {
    const stream = open();
    stream.add(part);
    return stream;
  });
  while (streams.length > 1) {
    const [other] = streams.splice(uniformInt(random, streams.length), 1);
    const into = streams[uniformInt(random, streams.length)];
    into.merge(JSON.parse(JSON.stringify(other)));
  }
  return streams[0];
}

/** Every number of two results equal to 1e-9 of the largest beside it, or of 1; all else equal. */
function expectSame(found: unknown, expected: unknown, path: string, beside = 1): void {
  if (typeof found === 'number' && typeof expected === 'number') {
    const slack = 1e-9 * Math.max(Math.abs(expected), beside);
    if (!(Math.abs(found - expected) <= slack)) expect.fail(`${path} is ${found}; expected ${expected}`);
    return;
  }
  if (typeof expected !== 'object' || expected === null || typeof found !== 'object' || found === null) {
    if (!Object.is(found, expected))
      expect.fail(`${path} is ${JSON.stringify(found)}; expected ${JSON.stringify(expected)}`);
    return;
  }
  const keysOf = (x: object): string => `${path}: ${Object.keys(x).sort().join()}`;
  expect(keysOf(found)).toBe(keysOf(expected));
  const numbers = Object.values(expected).filter((value) => typeof value === 'number');
  const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (const [key, value] of Object.entries(expected)) {
    expectSame((found as Record<string, unknown>)[key], value, `${path}.${key}`, largest);
  }
}

/** What a stream promises to reproduce: all but sensitivity; of verdicts the level and how many reasons there are. */
function comparable({ version: _, settings: __, warnings, targets, ...rest }: EvaluationResult) {
  return {
    ...rest,
    // of partial predictions every part has its own sentences
    partial: warnings.some(({ code }) => code === 'partial_predictions'),
    codes: warnings
      .map(({ code }) => code)
      .filter((code) => code !== 'not_streamed' && code !== 'partial_predictions')
      .sort(),
    targets: Object.fromEntries(
      Object.entries(targets).map(([name, { sensitivity: ___, verdict, joint_verdict, ...target }]) => [
        name,
        {
          ...target,
          verdict: [verdict.level, verdict.reasons.length],
          joint: joint_verdict && [joint_verdict.level, joint_verdict.reasons.length],
        },
      ]),
    ),
  };
}

/** The same result, or the same refusal. */
function outcome(run: () => EvaluationResult): ReturnType<typeof comparable> | string {
  try {
    return comparable(run());
  } catch (error) {
    return (error as Error).message.replace(/^.*(lacks its inputs|expected feedback).*$/, '$1');
  }
}

/** `evaluate` without the estimators that need the whole log, which a stream leaves out. */
function wholeEvaluation(log: Log, options: EvaluateOptions): EvaluationResult {
  const result = evaluate(log, options);
  const streamed = <T extends object>(byKey: T): T =>
    Object.fromEntries(Object.entries(byKey).filter(([key]) => !wholeLog.includes(key))) as T;
  const parts = ({ utility, diversity, value }: Pick<TargetResult, Component>) => ({
    utility: streamed(utility),
    diversity: streamed(diversity),
    value: streamed(value),
  });
  const targets = Object.entries(result.targets).map(([name, target]) => [
    name,
    {
      ...target,
      ...parts(target),
      versus_logging: parts(target.versus_logging),
      value_variance: streamed(target.value_variance),
    },
  ]);
  const warnings = result.warnings.filter(({ message }) => !wholeLog.some((key) => message.includes(`.${key} `)));
  return { ...result, warnings, targets: Object.fromEntries(targets) };
}

const settings = fc.record({
  diversity: fc.constantFrom<DiversityKind>('surprisal', 'anchored', 'none', 'slate'),
  tau: fc.constantFrom(0, 0.5, 1),
  signals: fc.constantFrom<Signal[]>([up], [up], [{ name: 'up', transform: 'rank', weight: 2 }]),
});

// #region T17
test.prop([drawn, settings, fc.integer()], { numRuns: 250 })(
  'T17: any split of a log, in any order and merged in any tree, gives the evaluation of the whole log',
  (log, chosen, seed) => {
    const records = recordsOf(log);
    const options = { parameters, ...chosen };
    const expected = outcome(() => wholeEvaluation(logFromRecords(records), options));
    const found = outcome(() => merged(partsOf(records, log.seed), () => streamEvaluation(options), seed).result());
    expectSame(found, expected, 'result');
  },
);
// #endregion T17

/** Rounds of one response with rewards of at least 0: weights as of a real log. */
function plainRecords(n: number, seed: number): RoundRecord[] {
  const random = seededRandom(seed);
  return Array.from({ length: n }, (_, i) => ({
    id: `r${i}`,
    prompt: 'x',
    responses: [
      {
        text: 'y',
        log_propensity: -1 - uniformInt(random, 100) / 20,
        target_log_prob: { pi: -1 - uniformInt(random, 100) / 20 },
        feedback: { up: uniformInt(random, 5) / 4 },
      },
    ],
  }));
}
const thirds = (records: readonly RoundRecord[]): Log[] =>
  [0, 1, 2].map((k) => logFromRecords(records.filter((_, i) => i % 3 === k)));
function streamOf(parts: readonly Log[], options: StreamOptions): EvaluationStream {
  const stream = streamEvaluation(options);
  for (const part of parts) stream.add(part);
  return stream;
}

test('T17: the bound of logarithmic smoothing at a declared lambda is that of the whole log', () => {
  const records = plainRecords(100, 1);
  const options = { signals: [up], diversity: 'surprisal', interval: 'log-smoothing', level: 0.9 } as const;
  const declared = { ...options, parameters: { ...parameters, lambda: 0.1 } };
  const found = streamOf(thirds(records), declared).result();
  expectSame(comparable(found), comparable(wholeEvaluation(logFromRecords(records), declared)), 'result');
  expect(found.targets['pi'].utility['ips']!.lower).toBeGreaterThan(0);
  expect(found.targets['pi'].utility['snips']!.lower).toBeNull();
  expect(found.warnings.map(({ code }) => code)).toContain('no_interval');
});

test('T17: a kept tail that is too short is fitted further out, and says so', () => {
  const records = plainRecords(400, 2);
  const whole = streamOf(thirds(records), { signals: [up], tailCapacity: 61 }).result();
  expect(whole.warnings.map(({ code }) => code)).not.toContain('tail_shortened');
  expect(whole.targets['pi'].diagnostics.pareto_k).toBe(
    evaluate(logFromRecords(records), { signals: [up] }).targets['pi'].diagnostics.pareto_k,
  );
  const short = streamOf(thirds(records), { signals: [up], tailCapacity: 60 }).result();
  expect(short.warnings.map(({ code }) => code)).toContain('tail_shortened');
  expect(short.targets['pi'].diagnostics.pareto_k).not.toBe(whole.targets['pi'].diagnostics.pareto_k);
});

test('T17: the size of the record does not grow with the log', () => {
  const size = (n: number): number =>
    JSON.stringify(streamOf([logFromRecords(plainRecords(n, 3))], { signals: [up], tailCapacity: 20 })).length;
  expect(size(3000)).toBeLessThan(1.1 * size(300));
});

test('T17: policies that the log does not carry are scored part by part', () => {
  const records = plainRecords(60, 4);
  const log = logFromRecords(records);
  const other = (part: Log) => ({ other: { logProb: part.targetLogProb.get('pi')!.map((p) => p / 2) } });
  const stream = streamEvaluation({ signals: [up] });
  for (const part of thirds(records)) stream.add(part, other(part));
  const expected = wholeEvaluation(log, { signals: [up], parameters: { lambda: null }, targets: other(log) });
  const { targets } = comparable(expected);
  for (const target of Object.values(targets))
    for (const c of ['utility', 'diversity', 'value'] as const) {
      delete (target[c] as Record<string, unknown>)['implicit_exploration'];
      delete (target[c] as Record<string, unknown>)['log_smoothing'];
    }
  for (const c of ['utility', 'diversity', 'value'] as const) {
    expectSame(comparable(stream.result()).targets['other'][c], targets['other'][c], c);
  }
});

describe('T17: what cannot be streamed is refused', () => {
  const records = plainRecords(40, 5);
  const open = (options: Partial<StreamOptions>) => () => streamEvaluation({ signals: [up], ...options });

  test.each<[string, Partial<StreamOptions>, RegExp]>([
    ['bootstrap', { interval: 'bootstrap' }, /interval is "bootstrap"; expected t, or log-smoothing/],
    ['log-smoothing without lambda', { interval: 'log-smoothing' }, /intervalLambda is null/],
    ['log-smoothing at 0', { interval: 'log-smoothing', intervalLambda: 0 }, /intervalLambda is 0/],
    ['coverage', { diversity: 'coverage' }, /diversity is "coverage".*pooled over all rounds/],
    ['distribution', { diversity: 'distribution' }, /diversity is "distribution"/],
    ['lambda by the number of rounds', { estimators: ['implicit_exploration'] }, /no declared lambda/],
    ['a tail of 5', { tailCapacity: 5 }, /tailCapacity is 5/],
    ['no signals', { signals: [] }, /signals is/],
  ])('%s', (_, options, message) => {
    expect(open(options)).toThrow(message);
  });

  test('a cluster in two parts, which changes nothing', () => {
    const clustered = records.map((record, i) => ({ ...record, cluster: `c${i % 10}` }));
    const stream = streamOf([logFromRecords(clustered.slice(0, 10))], { signals: [up] });
    const before = JSON.stringify(stream);
    expect(() => stream.add(logFromRecords(clustered.slice(10)))).toThrow(/cluster "c0" is in two parts/);
    expect(JSON.stringify(stream)).toBe(before);
    // rounds without a cluster stand alone, though another shard may have lines of the same number
    const alone = plainRecords(4, 6).map(({ id: _, ...r }, i) => ({ ...r, ...(i === 0 && { cluster: 'u' }) }));
    const shard = logFromRecords(alone);
    const others = { ...shard, clusters: shard.clusters!.map((name) => (name === 'u' ? 'v' : name)) };
    expect(() => streamOf([shard, others], { signals: [up] }).result()).not.toThrow();
    const smoothing = open({ interval: 'log-smoothing', intervalLambda: 0.1 })();
    expect(() => smoothing.add(logFromRecords(clustered))).toThrow(/has clusters/);
  });

  test('a log without rounds, feedback, signal, target on all parts, inputs or slates', () => {
    expect(open({})().result).toThrow(/no rounds/);
    const without = records.map(({ id, prompt, responses: [{ feedback: _, ...r }] }) => ({
      id,
      prompt,
      responses: [r],
    }));
    const silent = streamOf([logFromRecords(without as RoundRecord[])], { signals: [up] });
    expect(silent.result).toThrow(/signal is "up"; expected a signal of the log/);
    const named = without.map(({ id, prompt, responses: [{ target_log_prob: _, ...r }] }) => ({
      id: `other ${id}`,
      prompt,
      responses: [{ ...r, feedback: { up: 1 } }],
    }));
    const mixed = streamOf([logFromRecords(records), logFromRecords(named as RoundRecord[])], { signals: [up] });
    expect(mixed.result).toThrow(/target pi is on 40 of 80 rounds/);
    const lacking = streamOf(thirds(records), { signals: [up], estimators: ['dr'] });
    expect(lacking.result).toThrow(/estimator dr lacks its inputs/);
    expect(streamOf(thirds(records), { signals: [up], diversity: 'slate' }).result).toThrow(/every slate has one/);
    const { propensity, logPropensity, ...rest } = logFromRecords(records);
    expect(() => open({})().add({ ...rest, propensity: 'none', logPropensity: null })).toThrow(/no propensities/);
    expect([propensity, logPropensity?.length]).toEqual(['logged', 40]);
    const nan = { bad: { logProb: new Float64Array(40).fill(Number.NaN) } };
    expect(() => open({})().add(logFromRecords(records), nan)).toThrow(/logRatio\[0\] is NaN/);
  });

  test('another stream of other options, and JSON that is no stream', () => {
    const stream = streamOf(thirds(records), { signals: [up] });
    expect(() => streamOf([], { signals: [up], tau: 2 }).merge(stream)).toThrow(/made with other options/);
    const saved = JSON.parse(JSON.stringify(stream));
    const broken = (change: (copy: typeof saved) => void) => () => {
      const copy = structuredClone(saved);
      change(copy);
      streamOf([], { signals: [up] }).merge(copy);
    };
    expect(broken((s) => (s.format = 'x'))).toThrow(/stream.format is "x"/);
    expect(broken((s) => delete s.record.targets.pi.responses.sum)).toThrow(
      /stream.record.targets.pi.responses.sum is undefined; expected a number/,
    );
    expect(broken((s) => s.record.logging.utility.sums.moments.high.pop())).toThrow(/high.length is 13; expected 14/);
    expect(broken((s) => (s.record.rounds = 'many'))).toThrow(/stream.record.rounds is "many"; expected an integer/);
    expect(() => streamOf([], { signals: [up] }).merge(saved)).not.toThrow();
  });
});
