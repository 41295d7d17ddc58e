/**
 * The result of `pope evaluate --json`, as docs and interface fix it. Field names are those of the file;
 * null stands where a number is not finite, and an estimator that lacks its inputs is left out.
 */
export interface EvaluationResult {
  readonly version: string;
  readonly log: LogSummary;
  readonly settings: EvaluationSettings;
  /** The logging policy's own value (weight 1). */
  readonly logging: Quantities<EstimateResult | null>;
  readonly targets: Readonly<Record<string, TargetResult>>;
  readonly warnings: readonly ResultWarning[];
}

export interface LogSummary {
  readonly rounds: number;
  readonly responses: number;
  readonly skipped: number;
  readonly mean_slate: number | null;
  readonly propensity: 'logged' | 'fitted';
}

export interface EvaluationSettings {
  readonly tau: number;
  readonly diversity: string;
  readonly signals: readonly (string | SignalSetting)[];
  readonly level: number;
  readonly interval: string;
  readonly seed: number;
}

/** A signal as `--signal NAME:TRANSFORM:WEIGHT` names it. */
export interface SignalSetting {
  readonly name: string;
  readonly transform?: string;
  readonly weight?: number;
}

export interface EstimateResult {
  readonly estimate: number | null;
  readonly std_error: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
}

/** One of something for utility, for diversity and for their sum, the value. */
export interface Quantities<T> {
  readonly utility: T;
  readonly diversity: T;
  readonly value: T;
}

/** Estimator key (ips, snips, joint_ips ...) -> estimate. */
export type EstimatesByEstimator = Readonly<Partial<Record<string, EstimateResult>>>;

export interface TargetResult extends Quantities<EstimatesByEstimator> {
  /** The paired difference from the logging policy, round by round. */
  readonly versus_logging: Quantities<EstimatesByEstimator>;
  /** `joint`: the same for the weights of whole slates. */
  readonly diagnostics: DiagnosticsResult & { readonly joint?: DiagnosticsResult };
  readonly verdict: VerdictResult;
  readonly sensitivity: SensitivityResult | null;
  readonly variance: { readonly utility: VarianceResult | null; readonly value: VarianceResult | null };
}

export interface DiagnosticsResult {
  readonly mean_weight: number | null;
  readonly effective_sample_size: number | null;
  readonly max_weight_share: number | null;
  readonly pareto_k: number | null;
  readonly zero_weight_share: number | null;
}

export interface VerdictResult {
  readonly level: 'supported' | 'weak' | 'refused';
  readonly reasons: readonly string[];
}

export interface SensitivityResult {
  readonly eta: readonly number[];
  readonly utility: readonly { readonly lower: number | null; readonly upper: number | null }[];
  /** Null where the difference is not significant to begin with. */
  readonly tipping_point: number | null;
}

export interface VarianceResult {
  readonly estimate: number | null;
  readonly lower_bound: number | null;
  readonly z: number | null;
  readonly kl: number | null;
  readonly chi2: number | null;
}

export interface ResultWarning {
  readonly code: string;
  readonly message: string;
}
