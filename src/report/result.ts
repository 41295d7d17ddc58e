// The result's types are pope's own; the report adds shorter names for its parts.
import type { Component, EstimateEntry, EstimatesByKey } from '../pope/index.js';

export type { EvaluationResult, TargetResult, VerdictResult } from '../pope/index.js';

export type EstimateResult = EstimateEntry;
export type EstimatesByEstimator = EstimatesByKey;

export type ResultWarning = { readonly code: string; readonly message: string };
/** One of something for utility, for diversity and for their sum, the value. */
export type Quantities<T> = Readonly<Record<Component, T>>;
