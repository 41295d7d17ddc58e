import { describe, expect, test } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import type { FiniteProblem, Log } from '../../src/ope/index.js';
import { defaultEstimatorParameters, estimatorKeys } from '../../src/pope/estimator-keys.js';
import { figureIntervals } from '../../src/pope/figure-intervals.js';
import { smallestRewards } from '../../src/pope/figures.js';
import { guaranteeOf } from '../../src/pope/guarantee.js';
import {
  alarms,
  chainRuleEntropy,
  type EvaluateOptions,
  evaluate,
  evaluationRows,
  type HeldOutFigures,
  type ScoredPolicy,
  valueVariance,
  varianceAcrossContexts,
} from '../../src/pope/index.js';
import { tuneTarget } from '../../src/pope/tune.js';
import { expectClose } from '../theorems/close.js';
import { logOf, type Row, up } from './evaluation-log.js';

const rounds = (n: number, row: (i: number) => Partial<Row> = () => ({})) =>
  Array.from({ length: n }, (_, i) => ({ rows: [{ p0: 0.5, pi: i % 2 === 0 ? 0.75 : 0.25, up: i % 3, ...row(i) }] }));
const evaluated = (log: Log, options: Partial<EvaluateOptions> = {}) => evaluate(log, { signals: up, ...options });
const codes = (result: ReturnType<typeof evaluate>): string[] => result.warnings.map(({ code }) => code);

describe('targets of a log and of the caller', () => {
  const log = logOf(rounds(8));
  const of = (logProb: number): ScoredPolicy => ({ logProb: new Float64Array(8).fill(logProb) });

  test("the caller's policy is taken where the log has one of the same name", () => {
    const { targets } = evaluated(log, { targets: { pi: of(Math.log(0.25)) } });
    expect(Object.keys(targets)).toEqual(['pi']);
    expectClose(targets['pi'].diagnostics.mean_weight!, 0.5);
  });
  test('an estimator that one target has the inputs of is not missing; that nobody has is, by name', () => {
    const valued = logOf(rounds(8).map((round, i) => ({ ...round, value: i / 8 })));
    const { targets } = evaluated(valued, { estimators: ['ips', 'dm'], targets: { other: of(-1) } });
    expect(Object.keys(targets['pi'].utility)).toEqual(['ips', 'dm']);
    expect(Object.keys(targets['other'].utility)).toEqual(['ips']);
    const refused = (): unknown => evaluated(log, { estimators: ['dm'] });
    expect(refused).toThrow(/^estimator dm lacks its inputs/);
    expect(refused).toThrow(expect.objectContaining({ argument: 'estimators', got: 'dm' }) as unknown as Error);
  });
  test('without a target nothing is missing', () => {
    expect(evaluated({ ...log, targetLogProb: new Map() }, { estimators: ['dr'] }).targets).toEqual({});
  });
  test('values without rewards are enough for the direct method alone', () => {
    const valued = logOf(rounds(8).map((round, i) => ({ ...round, value: i / 8 })));
    const keys = Object.keys(evaluated(valued).targets['pi'].utility);
    expect(keys).toContain('dm');
    for (const key of ['dr', 'sndr', 'switch_dr', 'dros']) expect(keys).not.toContain(key);
  });
  test('what the reader of the log warned of is carried on', () => {
    const warned = { ...log, warnings: [{ code: 'x', message: 'of the log.' }] };
    expect(evaluated(warned).warnings[0]).toEqual({ code: 'x', message: 'of the log.' });
  });
  test('a choice for one of two targets is a warning, and none for the other', () => {
    const far = new Float64Array(8).fill(0);
    const heavy = { ...log, logPropensity: new Float64Array(8).fill(-400) };
    const near = { logProb: Float64Array.from(rounds(8), (_, i) => -400 - (i % 2)) };
    const result = evaluated(heavy, { tune: true, diversity: 'none', targets: { pi: { logProb: far }, near } });
    expect(result.targets['pi'].tuning).toEqual({});
    expect(Object.keys(result.targets['near'].tuning!)).toContain('clipped_ips');
    expect(codes(result).filter((code) => code === 'tuned_on_log')).toHaveLength(1);
    // what was chosen on the utility has no interval there, and the value keeps its own
    const { utility, value } = result.targets['near'];
    expect([utility['clipped_ips']!.lower, utility['clipped_ips']!.upper]).toEqual([null, null]);
    expect(utility['clipped_ips']!.std_error).not.toBeNull();
    expect(utility['ips']!.lower).not.toBeNull();
    expect(value['clipped_ips']!.lower).not.toBeNull();
  });
});

describe("the logging policy's own figures", () => {
  test('T1: of rank signals, which whole slates alone may weigh, they are there too', () => {
    const pairs = logOf(rounds(6).map(({ rows: [row] }) => ({ rows: [row, { p0: 0.25, pi: 0.25, up: 1 }] })));
    const { logging, targets } = evaluated(pairs, { signals: [{ name: 'up', transform: 'rank', weight: 1 }] });
    expect(logging.utility!.estimate).toBe(0.5);
    expect(Object.keys(targets['pi'].versus_logging.utility)).toEqual(['joint_ips']);
  });
  test('T12: their bounds are of the declared range, those of differences of twice that', () => {
    const { logging, targets } = evaluated(logOf(rounds(30)), {
      interval: 'hoeffding',
      rewardRange: [0, 8],
      level: 0.9,
      diversity: 'none',
    });
    const reach = (width: number) => width * Math.sqrt(Math.log(2 / 0.1) / 60);
    expectClose(logging.utility!.upper! - logging.utility!.estimate!, reach(8));
    const difference = targets['pi'].versus_logging.utility['ips']!;
    expectClose(difference.upper! - difference.estimate!, reach(16));
  });
  test('T12: lambda of log-smoothing is the declared one, else one over the root of the rounds', () => {
    const lower = (lambda: number | null) =>
      evaluated(logOf(rounds(30)), {
        interval: 'log-smoothing',
        level: 0.9,
        diversity: 'none',
        parameters: { lambda },
      }).logging.utility!.lower!;
    const expected = (lambda: number): number => {
      const logs = rounds(30).reduce((sum, { rows: [{ up: u }] }) => sum + Math.log1p(lambda * u!), 0);
      return Math.expm1((logs + Math.log(0.1)) / 30) / lambda;
    };
    expectClose(lower(0.5), expected(0.5));
    expectClose(lower(null), expected(1 / Math.sqrt(30)));
  });
});

describe('a target that is the logging policy', () => {
  test('T13: is not told from it, so that no error of the propensities would have to hide a difference', () => {
    const same = logOf(rounds(12, () => ({ pi: 0.5 })));
    const { versus_logging, sensitivity } = evaluated(same).targets['pi'];
    expect(versus_logging.utility['snips']).toEqual({ estimate: 0, std_error: 0, lower: 0, upper: 0 });
    expect(sensitivity!.tipping_point).toBeNull();
  });
});

describe('what leaves float64 is null', () => {
  test('T13: the ends of the sensitivity, where sums of rewards do', () => {
    const { sensitivity } = evaluated(logOf(rounds(6, () => ({ up: 1e308 }))), { tau: 0 }).targets['pi'];
    for (const ends of sensitivity!.utility) expect(ends).toEqual({ lower: null, upper: null });
  });
  test('T4: the variance, from exp(350) on', () => {
    const at = (logRatio: number) =>
      evaluated(
        { ...logOf(rounds(4, () => ({ up: 1 }))), logPropensity: new Float64Array(4).fill(-1 - logRatio) },
        { targets: { pi: { logProb: new Float64Array(4).fill(-1) } } },
      ).targets['pi'].variance.utility;
    expect(at(350)).toBeNull();
    expect(at(349)).not.toBeNull();
  });
  test('T5: a utility that overflows shares no variance with its diversity', () => {
    const log = logOf(rounds(6, (i) => ({ up: i === 0 ? 1e308 : 1, ...(i === 0 && { p0: 1e-3 }) })));
    const { value_variance, diversity, utility } = evaluated(log).targets['pi'];
    expect(utility['ips']!.estimate).toBeNull();
    expect(diversity['ips']!.estimate).not.toBeNull();
    expect(Object.keys(value_variance)).not.toContain('ips');
    expect(Object.keys(value_variance)).toContain('log_smoothing');
  });
});

test('D5: the match of a distribution is no reward of a response, be there one a round', () => {
  const log = logFromRecords(
    [-1, -2].map((target, i) => ({
      prompt: `x${i}`,
      opinion_distribution: { p: 0.5, q: 0.5 },
      responses: [{ text: 'y', propensity: 0.5, opinion: 'p', target_log_prob: { pi: target }, feedback: { up: i } }],
    })),
  );
  const { variance } = evaluated(log, { diversity: 'distribution' }).targets['pi'];
  expect(variance.value).toBeNull();
  expect(variance.utility).not.toBeNull();
});

test('T18: the error of the mean weight is over all clusters, not over one', () => {
  const log = logOf(rounds(40, (i) => ({ pi: i % 2 === 0 ? 0.1 : 0.3 })));
  expect(codes(evaluated(log))).toContain('mean_weight_off');
  expect(codes(evaluated({ ...log, clusters: log.ids.map((_, i) => `c${i % 20}`) }))).toContain('mean_weight_off');
});

test('T11: pessimism is for rewards of at least 0, 0 included, of each component by itself', () => {
  expect(guaranteeOf('clipped_ips', 0)).toBe('lower');
  expect(guaranteeOf('clipped_ips', -1e-9)).toBe('none');
  const rows = evaluationRows(logOf(rounds(3, (i) => ({ up: i + 2 }))), up);
  const least = (tau: number, ...diversity: number[]) =>
    smallestRewards(rows, { form: 'response', reward: Float64Array.from(diversity) }, tau);
  expect(least(1, 3, 1, 5)).toEqual({ utility: 2, diversity: 1, value: 1 });
  expect(least(1, 3, 4, 5)).toEqual({ utility: 2, diversity: 3, value: 2 });
  expect(least(0, 3, -1, 5)).toEqual({ utility: 2, diversity: -1, value: 2 });
  expect(smallestRewards(rows, { form: 'none' }, 1)).toEqual({ utility: 2, diversity: 0, value: 0 });
});

test('T5: across contexts, slate weights are finite numbers of at least 0', () => {
  const problem: FiniteProblem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.5, 0.5]], reward: [[1, 2]] };
  for (const weights of [[], [-1], [0.5, -0.5], [Infinity], [1, Number.NaN]])
    expect(() => varianceAcrossContexts(problem, weights)).toThrow(/^slateWeights is/);
  expectClose(varianceAcrossContexts(problem, [1, 0]).variance, 0.25);
});

test('T5: one unit has no variance, whatever its influence rounds to', () => {
  for (let a = 1; a <= 30; a++) {
    const terms = { numerator: Float64Array.of(a / 7), denominator: Float64Array.of(a + 0.3), baseline: null };
    expect(valueVariance(terms, terms, 1).utility).toBeNaN();
  }
});

test('T20: a weight beyond float64 is refused by its log, be the entropy behind it tiny', () => {
  const refused = (entropy: number) => () =>
    chainRuleEntropy(
      tensor(Float64Array.of(800, 0)),
      tensor(Float64Array.of(1, entropy)),
      tensor(Int32Array.of(0, 0)),
      1,
    );
  expect(refused(1)).toThrow(/^a prefix of response 0 has the weight exp\(800\)/);
  expect(refused(1e-300)).toThrow(/exp\(800\)/);
  expect(refused(0)().item()).toBe(1);
  const largest = tensor(Float64Array.of(Math.log(Number.MAX_VALUE), 0));
  const found = chainRuleEntropy(largest, tensor(Float64Array.of(0, 0.5)), tensor(Int32Array.of(0, 0)), 1);
  expectClose(found.item() / Number.MAX_VALUE, 0.5);
});

test('utility that did not fall is no alarm, however sure', () => {
  const figures: HeldOutFigures = {
    utility: 1,
    utilityError: 0,
    diversity: 0,
    effectiveSampleSize: 10,
    responses: 10,
    meanWeight: 1,
    kl: 0,
    textLoss: null,
  };
  const found = (utility: number) => alarms(figures, { ...figures, utility, diversity: 1 }).map(({ code }) => code);
  expect(found(1)).toEqual([]);
  expect(found(2)).toEqual([]);
  expect(found(0.999)).toEqual(['diversity_hacking']);
});

describe('a fault that is no refusal is passed on', () => {
  const terms = { numerator: Float64Array.of(1, 2), denominator: null, baseline: null };
  test('by intervals', () => {
    const options = {
      level: 0.9,
      get lambda(): number {
        throw new RangeError('a fault');
      },
    };
    const figure = { path: 'x', terms, isDifference: false };
    expect(() => figureIntervals('log-smoothing', [figure], options as never)).toThrow(RangeError);
    const refused = figureIntervals('log-smoothing', [{ ...figure, guarantee: 'none' }], { level: 0.9 } as never);
    expect(refused.without[0]).toMatchObject({ path: 'x', reason: expect.stringMatching(/^interval log-smoothing/) });
  });
  test('by the choice of parameters', () => {
    const rows = evaluationRows(logOf(rounds(4)), up);
    const columns = {
      get predictedReward(): Float64Array {
        throw new RangeError('a fault');
      },
    };
    const settings = { parameters: defaultEstimatorParameters, estimators: estimatorKeys, level: 0.9, seed: 0 };
    expect(() => tuneTarget(rows, new Float64Array(4), columns, settings)).toThrow(RangeError);
  });
});
