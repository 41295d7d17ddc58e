/** One response of a logged round as files write it (interface.md section 1). Unknown keys may stand beside these. */
export interface ResponseRecord {
  text: string;
  /** Natural logarithm of pi0(y|x), at most 0, or one such number a token (summed). */
  log_propensity?: number | readonly number[] | null;
  /** pi0(y|x) in (0, 1]. Exactly one of the two kinds, or neither on the whole log. */
  propensity?: number | null;
  /** log pi(y|x) of the target named "target", or of several by name; null is -Infinity. */
  target_log_prob?: number | null | Readonly<Record<string, number | null>>;
  /** Human signals by name; null is missing. */
  feedback?: Readonly<Record<string, number | null>> | null;
  opinion?: string | null;
  predicted_reward?: number | null;
  /** Display position, 1-based. */
  position?: number | null;
  group_feedback?: Readonly<Record<string, Readonly<Record<string, number | null>>>> | null;
  [unknown: string]: unknown;
}

/** One logged round as files write it. Unknown keys may stand beside these and are passed through. */
export interface RoundRecord {
  id?: string | null;
  prompt: string | Readonly<Record<string, unknown>>;
  responses: readonly ResponseRecord[];
  predicted_value?: Readonly<Record<string, number>> | null;
  opinion_distribution?: Readonly<Record<string, number>> | null;
  sampling?: Readonly<Record<string, unknown>> | null;
  cluster?: string | null;
  /** 'fitted' where `pope fit` filled the propensities in; the log is then labelled so everywhere. */
  propensity_source?: 'logged' | 'fitted' | null;
  [unknown: string]: unknown;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
