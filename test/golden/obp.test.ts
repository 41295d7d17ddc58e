import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import {
  clip,
  clippedIps,
  decomposedIps,
  directMethod,
  doublyRobust,
  doublyRobustShrinkage,
  doublyRobustWith,
  type Estimator,
  type EstimatorInput,
  effectiveSampleSize,
  estimate,
  estimator,
  importanceWeight,
  ips,
  jointIps,
  local,
  selfNormalized,
  selfNormalizedDoublyRobust,
  snips,
  subGaussian,
  switchDoublyRobust,
  weightedIps,
} from '../../src/ope/index.js';
import { bernsteinInterval, estimateOf, hoeffdingInterval, type RoundTermArrays, standardError, tInterval } from '../../src/stats/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';

type Figure = number | 'Infinity' | '-Infinity' | 'NaN';
interface Output {
  readonly estimator: string;
  readonly hyperparameters: { readonly lambda_?: Figure; readonly use_estimated_pscore?: boolean };
  readonly value: Figure;
  readonly round_values?: readonly Figure[];
  readonly round_std_population?: Figure;
  readonly slot_values?: readonly number[];
}
interface Discrete {
  readonly reward: readonly number[];
  readonly action: readonly number[];
  readonly position: readonly number[] | null;
  readonly pscore: readonly number[];
  readonly estimated_pscore: readonly number[];
  readonly estimated_importance_weights: readonly number[];
  readonly action_dist: readonly (readonly (readonly number[])[])[];
  readonly q_hat: readonly (readonly (readonly number[])[])[];
}
interface Slate {
  readonly slate_id: readonly number[];
  readonly position: readonly number[];
  readonly reward: readonly number[];
  readonly [propensities: string]: readonly number[];
}
interface Bounds {
  readonly delta: number;
  readonly student_t_lower: number;
  readonly hoeffding_lower_xmax_given?: number;
  readonly bernstein_lower_xmax_given?: number;
  readonly x_max_given?: number;
}
interface Case {
  readonly id: string;
  readonly family: 'discrete' | 'slate';
  readonly shape: { readonly n_slates?: number; readonly slate_length?: number };
  readonly inputs: Discrete & Slate;
  readonly outputs: readonly Output[];
  readonly helpers?: {
    readonly importance_weights?: readonly number[];
    readonly sum_w: number;
    readonly sum_w2: number;
    readonly bounds_on_mean_of_ipw_terms: readonly Bounds[];
  };
}

const cases = readFileSync(join(import.meta.dirname, 'obp.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);
const numbers = (values: ArrayLike<number>) => tensor(Float64Array.from(values));
const own = (values: readonly number[], f: (value: number, i: number) => number) => Float64Array.from(values, f);

/** The columns of a discrete case as plain numbers, DM_i among them. */
function columnsOf({ action, position, pscore, estimated_pscore, action_dist, q_hat, reward }: Discrete, estimated: boolean) {
  const at = (table: Discrete['q_hat'], i: number) => table[i][action[i]][position?.[i] ?? 0];
  const value = (i: number) => {
    const column = position?.[i] ?? 0;
    const total = action_dist[i].reduce((sum, row) => sum + row[column], 0);
    return action_dist[i].reduce((sum, row, a) => sum + row[column] * q_hat[i][a][column], 0) / total;
  };
  return {
    reward: own(reward, (r) => r),
    logRatio: own(estimated ? estimated_pscore : pscore, (p, i) => Math.log(at(action_dist, i)) - Math.log(p)),
    q: own(reward, (_, i) => at(q_hat, i)),
    dm: own(reward, (_, i) => value(i)),
  };
}

function inputOf({ reward, logRatio, q, dm }: ReturnType<typeof columnsOf>): EstimatorInput {
  return {
    rounds: reward.length,
    logRatio: numbers(logRatio),
    reward: numbers(reward),
    slateWeight: numbers(reward.map(() => 1)),
    roundOf: tensor(Int32Array.from(reward, (_, i) => i)),
    predictedReward: numbers(q),
    predictedValue: numbers(dm),
  };
}

const balanced = (limit: number): Estimator => estimator({ weight: limit === Infinity ? importanceWeight : clip(limit), reward: local, aggregate: selfNormalized });

const counterpart: Record<string, (lambda: number) => Estimator> = {
  IPW: (m) => (m === Infinity ? ips : clippedIps(m)),
  SNIPW: () => snips,
  SubGaussianIPW: (lambda) => weightedIps(subGaussian(lambda)),
  DM: () => directMethod,
  DR: (m) => (m === Infinity ? doublyRobust : doublyRobustWith(clip(m))),
  SNDR: () => selfNormalizedDoublyRobust,
  SwitchDR: switchDoublyRobust,
  DRos: doublyRobustShrinkage,
  SubGaussianDR: (lambda) => doublyRobustWith(subGaussian(lambda)),
  BalancedIPW: balanced,
};

function termsOf(use: Estimator, input: EstimatorInput): RoundTermArrays {
  const { numerator, denominator, baseline } = use(input);
  const read = (x: typeof numerator | null) => (x === null ? null : Float64Array.from(x.dataSync()));
  return { numerator: read(numerator)!, denominator: read(denominator), baseline: read(baseline) };
}

/** The terms whose mean is the value: c_i + a_i / mean(b). */
function roundValues({ numerator, denominator, baseline }: RoundTermArrays): Float64Array {
  const total = denominator?.reduce((a, b) => a + b, 0) ?? numerator.length;
  return numerator.map((a, i) => (baseline?.[i] ?? 0) + (a * numerator.length) / total);
}

const mean = (x: Float64Array): number => x.reduce((a, b) => a + b, 0) / x.length;

/** What ours says where the other one divides 0 by 0. */
function instead(name: string, { reward, logRatio, q, dm }: ReturnType<typeof columnsOf>): number {
  const seen = logRatio.map((l) => (l > -Infinity ? 1 : 0));
  if (name === 'DRos') return mean(dm); // lambda 0 trusts the model alone
  if (name === 'SubGaussianIPW') return mean(reward.map((r, i) => seen[i] * r)); // a weight of 0 stays 0
  if (name === 'SubGaussianDR') return mean(dm.map((d, i) => d + seen[i] * (reward[i] - q[i])));
  return Number.NaN; // self-normalised: undefined where all weights are 0
}

describe.each(cases.filter(({ family }) => family === 'discrete'))('Open Bandit Pipeline: $id', ({ inputs, outputs, helpers }) => {
  test.each(outputs.map((o) => ({ ...o, title: `${o.estimator} ${JSON.stringify(o.hyperparameters)}` })))('$title', (output) => {
    const columns = columnsOf(inputs, output.hyperparameters.use_estimated_pscore ?? false);
    if (output.estimator === 'BalancedIPW') columns.logRatio = own(inputs.estimated_importance_weights, Math.log);
    const input = inputOf(columns);
    const terms = termsOf(counterpart[output.estimator](Number(output.hyperparameters.lambda_)), input);
    const expected = output.value === 'NaN' ? instead(output.estimator, columns) : Number(output.value);
    if (Number.isNaN(expected)) {
      expect(estimateOf(terms)).toBeNaN();
      return;
    }
    expectClose(estimateOf(terms), expected, 1e-3);
    expectClose(estimate(counterpart[output.estimator](Number(output.hyperparameters.lambda_)), input).item(), expected, 1e-3);
    if (output.value === 'NaN') return;
    if (output.round_values !== undefined) expectAllClose(roundValues(terms), output.round_values.map(Number), 1e-3);
    const values = roundValues(terms);
    const std = Math.sqrt(mean(values.map((x) => (x - mean(values)) ** 2)));
    expectClose(std, Number(output.round_std_population), 1e-3);
    if (terms.denominator === null) expectClose(standardError(terms), std / Math.sqrt(values.length - 1), 1e-3);
  });

  test('weights, effective sample size and bounds', () => {
    const { logRatio, reward } = columnsOf(inputs, false);
    const { importance_weights, sum_w, sum_w2, bounds_on_mean_of_ipw_terms } = helpers!;
    if (importance_weights !== undefined) expectAllClose(importanceWeight(numbers(logRatio)).dataSync(), importance_weights, 1e-6);
    expectClose(effectiveSampleSize(logRatio), sum_w2 === 0 ? 0 : sum_w ** 2 / sum_w2);
    const terms: RoundTermArrays = { numerator: logRatio.map((l, i) => Math.exp(l) * reward[i]), denominator: null, baseline: null };
    for (const { delta, student_t_lower, x_max_given, hoeffding_lower_xmax_given, bernstein_lower_xmax_given } of bounds_on_mean_of_ipw_terms) {
      const options = { level: 1 - 2 * delta, range: [0, x_max_given ?? 1] as const };
      // their quantile of Student's t is off by 2e-9 (2.13184678134 for 4 degrees; mpmath and ours: 2.13184678633)
      expectClose(tInterval(terms, options).lower, student_t_lower, 1e-3, 1e-8);
      // ours never goes below the declared range
      if (hoeffding_lower_xmax_given !== undefined) expectClose(hoeffdingInterval(terms, options).lower, Math.max(0, hoeffding_lower_xmax_given), 1e-3);
      if (bernstein_lower_xmax_given !== undefined) expectClose(bernsteinInterval(terms, options).lower, Math.max(0, bernstein_lower_xmax_given), 1e-3);
    }
  });
});

/** Slots with some log-ratio; every slot weighs 1/L, so that L times our estimate is the sum over slots. */
function slateInput({ slate_id, reward }: { readonly slate_id: readonly number[]; readonly reward: readonly number[] }, length: number, slates: number, logRatio: Float64Array): EstimatorInput {
  return {
    rounds: slates,
    logRatio: numbers(logRatio),
    reward: numbers(reward),
    slateWeight: numbers(reward.map(() => 1 / length)),
    roundOf: tensor(Int32Array.from(slate_id)),
  };
}

describe.each(cases.filter(({ family }) => family === 'slate'))('Open Bandit Pipeline: $id', ({ inputs, outputs, shape }) => {
  const [length, slates] = [shape.slate_length!, shape.n_slates!];
  const ratio = (kind: string) => own(inputs[`evaluation_policy_pscore${kind}`], (p, i) => Math.log(p) - Math.log(inputs[`pscore${kind}`][i]));
  const [joint, marginal, prefix] = ['', '_item_position', '_cascade'].map(ratio);
  // the ratio of a slot given the slots before it: their product is the joint ratio
  const conditional = prefix.map((l, i) => (inputs.position[i] === 0 ? l : l - prefix[i - 1]));
  const expected = (name: string) => outputs.find((o) => o.estimator === name)!;
  const value = (use: Estimator, logRatio: Float64Array) => length * estimate(use, slateInput(inputs, length, slates, logRatio)).item();

  test('SIPS is the joint estimator', () => {
    const { value: theirs, slot_values } = expected('SIPS');
    expectClose(value(jointIps, conditional), Number(theirs), 1e-3);
    const terms = jointIps(slateInput(inputs, length, slates, conditional)).numerator.dataSync();
    const sums = new Float64Array(slates);
    slot_values!.forEach((v, i) => void (sums[inputs.slate_id[i]] += v));
    expectAllClose(terms.map((t) => t * length), sums, 1e-3);
  });

  test('IIPS is the decomposed estimator, RIPS the same with prefix ratios', () => {
    expectClose(value(decomposedIps, marginal), Number(expected('IIPS').value), 1e-3);
    expectClose(value(decomposedIps, prefix), Number(expected('RIPS').value), 1e-3);
  });

  test('SNSIPS is the self-normalised estimator of joint ratios', () => {
    expectClose(value(snips, joint), Number(expected('SNSIPS').value), 1e-3);
  });

  test.each([
    ['SNIIPS', marginal],
    ['SNRIPS', prefix],
  ] as const)('%s is the sum of self-normalised estimators slot by slot', (name, logRatio) => {
    let total = 0;
    for (let slot = 0; slot < length; slot++) {
      const rows = inputs.position.flatMap((p, i) => (p === slot ? [i] : []));
      const take = (x: ArrayLike<number>) => Float64Array.from(rows, (i) => x[i]);
      const one = { slate_id: rows.map((_, i) => i), reward: [...take(inputs.reward)] };
      total += estimate(snips, slateInput(one, 1, rows.length, take(logRatio))).item();
    }
    expectClose(total, Number(expected(name).value), 1e-3);
  });
});

test('in cases with independent slots the product of marginal ratios is the joint ratio', () => {
  const independent = cases.filter(({ id }) => /three-slates|independent/.test(id));
  expect(independent.length).toBe(3);
  for (const { inputs, outputs, shape } of independent) {
    const marginal = own(inputs.evaluation_policy_pscore_item_position, (p, i) => Math.log(p) - Math.log(inputs.pscore_item_position[i]));
    const theirs = Number(outputs.find((o) => o.estimator === 'SIPS')!.value);
    expectClose(shape.slate_length! * estimate(jointIps, slateInput(inputs, shape.slate_length!, shape.n_slates!, marginal)).item(), theirs, 1e-3);
  }
});
