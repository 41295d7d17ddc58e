/** The JSON of `pope evaluate --json` (interface.md section 3), key for key. Non-finite numbers are null. */
export interface EvaluationResult {
  readonly version: string;
  readonly log: LogSummary;
  readonly settings: EvaluationSettings;
  readonly logging: Readonly<Record<Component, EstimateEntry | null>>;
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
  readonly utility: readonly { readonly lower: number | null; readonly upper: number | null }[];
  readonly tipping_point: number | null;
}

export interface VerdictResult {
  readonly level: 'supported' | 'weak' | 'refused';
  readonly reasons: readonly string[];
}

/** The verdict that an estimate stands under: joint_ips rests on whole slates, all others on single responses. */
export const verdictFor = ({ verdict, joint_verdict }: TargetResult, estimator: string): VerdictResult =>
  estimator === 'joint_ips' ? (joint_verdict ?? verdict) : verdict;

export interface TargetResult {
  readonly utility: EstimatesByKey;
  readonly diversity: EstimatesByKey;
  readonly value: EstimatesByKey;
  readonly versus_logging: Readonly<Record<Component, EstimatesByKey>>;
  readonly diagnostics: DiagnosticsResult & { readonly joint?: DiagnosticsResult };
  readonly verdict: VerdictResult;
  /** Of the product weights of whole slates, on which joint_ips rests; absent where every slate has one response. */
  readonly joint_verdict?: VerdictResult;
  readonly sensitivity: SensitivityResult | null;
  readonly variance: { readonly utility: VarianceResult | null; readonly value: VarianceResult | null };
}
