import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensor } from '../../src/backend/index.js';
import {
  clip,
  clippedIps,
  directMethod,
  doublyRobust,
  doublyRobustShrinkage,
  doublyRobustWith,
  type Estimator,
  type EstimatorInput,
  estimator,
  importanceWeight,
  ips,
  local,
  selfNormalized,
  selfNormalizedDoublyRobust,
  snips,
  subGaussian,
  switchDoublyRobust,
  weightedIps,
} from '../../src/ope/index.js';
import type { RoundTermArrays } from '../../src/stats/index.js';

/** A number of theirs; see obp.md for what is not finite. */
export type Figure = number | 'Infinity' | '-Infinity' | 'NaN';
export interface Bootstrap {
  readonly resamples: number;
  readonly mean: number;
  readonly lower: number;
  readonly upper: number;
}
export interface Output {
  readonly estimator: string;
  readonly hyperparameters: {
    readonly lambda_?: Figure;
    readonly use_estimated_pscore?: boolean;
    readonly candidates?: readonly Figure[];
    readonly tuning_method?: 'slope' | 'mse';
    readonly delta?: number;
    readonly use_bias_upper_bound?: boolean;
  };
  readonly value: Figure;
  readonly round_values?: readonly Figure[];
  readonly round_std_population?: Figure;
  readonly slot_values?: readonly Figure[];
  readonly mse_score_direct_bias?: Figure;
  readonly 'mse_score_bias_upper_bound_delta_0.05'?: Figure;
  readonly selected_lambda_?: Figure;
  readonly bootstrap_percentile_95?: Bootstrap;
}
/** Three axes: rounds (or slates), actions (or slots), positions (or actions). */
type Cube = readonly (readonly (readonly number[])[])[];
export interface Discrete {
  readonly reward: readonly number[];
  readonly action: readonly number[];
  readonly position: readonly number[] | null;
  readonly pscore: readonly number[];
  readonly estimated_pscore: readonly number[];
  readonly estimated_importance_weights: readonly number[];
  readonly action_dist: Cube;
  readonly q_hat: Cube;
}
export interface Loggers extends Discrete {
  readonly stratum: readonly number[];
  readonly pscore_avg: readonly number[];
}
export interface Slate {
  readonly slate_id: readonly number[];
  readonly position: readonly number[];
  readonly action: readonly number[];
  readonly reward: readonly number[];
  readonly q_hat: Cube;
  readonly evaluation_policy_action_dist: Cube;
  readonly [propensities: `${string}pscore${string}`]: readonly number[];
}
export interface Bounds {
  readonly delta: number;
  readonly student_t_lower: number;
  readonly hoeffding_lower_xmax_sample_max?: number;
  readonly bernstein_lower_xmax_sample_max?: number;
  readonly hoeffding_lower_xmax_given?: number;
  readonly bernstein_lower_xmax_given?: number;
  readonly x_max_given?: number;
}
export interface Helpers {
  readonly importance_weights?: readonly number[];
  readonly sum_w: number;
  readonly sum_w2: number;
  readonly bounds_on_mean_of_ipw_terms: readonly Bounds[];
  readonly bootstrap_percentile_95_ipw: Bootstrap;
  readonly bias_estimate_clip_1: number;
  readonly 'bias_upper_bound_clip_1_delta_0.05': number;
}
interface Case<Family, Inputs> {
  readonly id: string;
  readonly family: Family;
  readonly shape: { readonly n_slates: number; readonly slate_length: number; readonly n_loggers: number };
  readonly inputs: Inputs;
  readonly outputs: readonly Output[];
  readonly helpers: Helpers;
}

type AnyCase = Case<'discrete', Discrete> | Case<'slate', Slate> | Case<'multiple-loggers', Loggers>;
const cases = readFileSync(join(import.meta.dirname, 'obp.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as AnyCase);
const ofFamily = <F extends AnyCase['family']>(family: F) => cases.filter((c): c is Extract<AnyCase, { family: F }> => c.family === family);
export const discreteCases = ofFamily('discrete');
export const slateCases = ofFamily('slate');
export const loggerCases = ofFamily('multiple-loggers');

export const numbers = (values: ArrayLike<number>) => tensor(Float64Array.from(values));
export const own = (values: readonly number[], f: (value: number, i: number) => number) => Float64Array.from(values, f);
export const mean = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0) / x.length;
export const spread = (x: ArrayLike<number>): number => Math.sqrt(mean(Array.from(x, (v) => (v - mean(x)) ** 2)));
export const titled = (outputs: readonly Output[]) => outputs.map((o) => ({ ...o, title: `${o.estimator} ${JSON.stringify(o.hyperparameters)}` }));

export interface Columns {
  readonly reward: Float64Array;
  readonly logRatio: Float64Array;
  readonly q: Float64Array;
  /** DM_i = sum_a action_dist q_hat / sum_a action_dist. */
  readonly dm: Float64Array;
}

/** The columns of a discrete case as plain numbers, with any column of propensities. */
export function columnsOf({ action, position, action_dist, q_hat, reward }: Discrete, pscore: readonly number[]): Columns {
  const at = (table: Cube, i: number) => table[i][action[i]][position?.[i] ?? 0];
  const value = (i: number) => {
    const column = position?.[i] ?? 0;
    const total = action_dist[i].reduce((sum, row) => sum + row[column], 0);
    return action_dist[i].reduce((sum, row, a) => sum + row[column] * q_hat[i][a][column], 0) / total;
  };
  return {
    reward: own(reward, (r) => r),
    logRatio: own(pscore, (p, i) => Math.log(at(action_dist, i)) - Math.log(p)),
    q: own(reward, (_, i) => at(q_hat, i)),
    dm: own(reward, (_, i) => value(i)),
  };
}

export function inputOf({ reward, logRatio, q, dm }: Columns): EstimatorInput {
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

/** Which estimator of ours a name of theirs is, by its hyper-parameter. */
export const counterpart: Record<string, (lambda: number) => Estimator> = {
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

export function termsOf(use: Estimator, input: EstimatorInput): RoundTermArrays {
  const { numerator, denominator, baseline } = use(input);
  const read = (x: typeof numerator | null) => (x === null ? null : Float64Array.from(x.dataSync()));
  return { numerator: read(numerator)!, denominator: read(denominator), baseline: read(baseline) };
}

/** The terms whose mean is the value: c_i + a_i / mean(b). */
export function roundValues({ numerator, denominator, baseline }: RoundTermArrays): Float64Array {
  const total = denominator?.reduce((a, b) => a + b, 0) ?? numerator.length;
  return numerator.map((a, i) => (baseline?.[i] ?? 0) + (a * numerator.length) / total);
}

/** Slots with some log-ratio; every slot weighs 1/L, so that L times our estimate is the sum over slots. */
export function slateInput({ reward, slate_id }: Slate, length: number, slates: number, logRatio: Float64Array): EstimatorInput {
  return {
    rounds: slates,
    logRatio: numbers(logRatio),
    reward: numbers(reward),
    slateWeight: numbers(reward.map(() => 1 / length)),
    roundOf: tensor(Int32Array.from(slate_id)),
  };
}
