/** The JSON of `pope evaluate --json` (interface.md section 3), key for key. Non-finite numbers are null. */
export interface EvaluationResult {
  readonly version: string;
  readonly log: LogSummary;
  readonly settings: EvaluationSettings;
  readonly logging: Readonly<Record<Component, EstimateEntry | null>>;
  /** `diversity_bias` of the logging policy's own diversity, where class probabilities are estimated. */
  readonly logging_diversity_bias?: number;
  readonly logging_diversity_bias_removed?: number;
  readonly targets: Readonly<Record<string, TargetResult>>;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

export type Component = 'utility' | 'diversity' | 'value';
export const components: readonly Component[] = ['utility', 'diversity', 'value'];

export interface LogSummary {
  readonly rounds: number;
  readonly responses: number;
  readonly skipped: number;
  readonly mean_slate: number;
  readonly propensity: 'logged' | 'fitted';
}

export interface EvaluationSettings {
  readonly tau: number;
  readonly diversity: string;
  readonly signals: readonly { readonly name: string; readonly transform: string; readonly weight: number }[];
  readonly level: number;
  readonly interval: string;
  readonly seed: number;
  readonly [option: string]: unknown;
}

/** An estimate with its standard error and interval; null where a figure is undefined (one round has no error). */
export interface EstimateEntry {
  readonly estimate: number | null;
  readonly std_error: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
}

export type EstimatesByKey = Readonly<Partial<Record<string, EstimateEntry>>>;

export interface DiagnosticsResult {
  readonly mean_weight: number | null;
  readonly effective_sample_size: number;
  readonly max_weight_share: number;
  readonly pareto_k: number | null;
  readonly zero_weight_share: number;
}

export interface VarianceResult {
  readonly estimate: number;
  readonly lower_bound: number;
  readonly z: number;
  readonly kl: number;
  readonly chi2: number;
}

export interface SensitivityResult {
  readonly eta: readonly number[];
  /** Of the self-normalised estimate, one an eta (T13). */
  readonly utility: readonly { readonly lower: number | null; readonly upper: number | null }[];
  /** The values that ips is consistent with, one an eta (T2). */
  readonly ips: readonly { readonly lower: number | null; readonly upper: number | null }[];
  readonly tipping_point: number | null;
}

export interface VerdictResult {
  readonly level: 'supported' | 'weak' | 'refused';
  readonly reasons: readonly string[];
}

/** Variances of the estimates of utility, diversity and value by one estimator, and what the two parts share (T5). */
export interface ValueVarianceResult {
  readonly utility: number | null;
  readonly diversity: number | null;
  readonly covariance: number | null;
  readonly value: number | null;
}

/** How the hyper-parameter of one estimator was chosen (SLOPE), candidates from wide to narrow. */
export interface TuningResult {
  readonly parameter: string;
  readonly selected: number;
  readonly reason: string;
  readonly candidates: readonly {
    readonly value: number;
    readonly estimate: number;
    readonly width: number;
    readonly lower: number;
    readonly upper: number;
    readonly outcome: 'accepted' | 'selected' | 'rejected' | 'untried';
    readonly against: number | null;
  }[];
}

/** A target among the rounds that one group of raters rated (T22). */
export interface GroupResult {
  readonly rounds: number;
  readonly responses: number;
  readonly effective_sample_size: number;
  readonly verdict: VerdictResult;
  readonly utility: EstimatesByKey;
  readonly value: EstimatesByKey;
  readonly versus_logging: { readonly utility: EstimatesByKey; readonly value: EstimatesByKey };
}

/** The smallest estimate among groups, and an interval for the smallest value. */
export interface WorstGroup {
  readonly group: string | null;
  readonly estimate: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
}

export interface GroupsResult {
  /** Of each interval, so that all groups' hold together at the level of the evaluation. */
  readonly level: number;
  readonly groups: Readonly<Record<string, GroupResult>>;
  readonly worst: {
    readonly utility: Readonly<Record<string, WorstGroup>>;
    readonly value: Readonly<Record<string, WorstGroup>>;
    readonly versus_logging: {
      readonly utility: Readonly<Record<string, WorstGroup>>;
      readonly value: Readonly<Record<string, WorstGroup>>;
    };
  };
}

/** The verdict that an estimate stands under: joint_ips rests on whole slates, all others on single responses. */
export const verdictFor = ({ verdict, joint_verdict }: TargetResult, estimator: string): VerdictResult =>
  estimator === 'joint_ips' ? (joint_verdict ?? verdict) : verdict;

export interface TargetResult {
  readonly utility: EstimatesByKey;
  readonly diversity: EstimatesByKey;
  readonly value: EstimatesByKey;
  readonly versus_logging: Readonly<Record<Component, EstimatesByKey>>;
  /** How far the diversity is off, to second order, where class probabilities are estimated (D3, D5): negative where it is too low, 0 once that was taken off. */
  readonly diversity_bias?: number;
  /** What was taken off the diversity, with `bias_corrected`. */
  readonly diversity_bias_removed?: number;
  /** About how much of the diversity cannot be told, because opinions are seen once or never (Good and Turing), or few rounds carry a prompt; above half a standard error there is no interval. */
  readonly diversity_bias_unknown?: number;
  readonly diagnostics: DiagnosticsResult & { readonly joint?: DiagnosticsResult };
  readonly verdict: VerdictResult;
  /** Of the product weights of whole slates, on which joint_ips rests; absent where every slate has one response. */
  readonly joint_verdict?: VerdictResult;
  readonly sensitivity: SensitivityResult | null;
  readonly variance: { readonly utility: VarianceResult | null; readonly value: VarianceResult | null };
  /** By estimator, where utility and diversity have terms of their own. */
  readonly value_variance: Readonly<Record<string, ValueVarianceResult>>;
  /** By estimator, where hyper-parameters were chosen on the log. */
  readonly tuning?: Readonly<Record<string, TuningResult>>;
  /** Absent where the log has no feedback by group. */
  readonly groups?: GroupsResult;
}
