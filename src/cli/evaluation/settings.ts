import type { Candidates } from '../../data/index.js';
import type { DiversityKind, EstimatorKey, EvaluateOptions, EvaluationResult, Signal } from '../../pope/index.js';
import type { WeightBins } from '../../report/index.js';
import type { IntervalMethod } from '../../stats/index.js';
import { PopeError } from '../../util/index.js';
import { type LimitOption, limitsOf } from '../limit-option.js';
import type { CommonOptions } from '../options.js';
import type { Progress } from '../progress.js';
import type { TargetOption } from '../read-targets.js';

/** The options of `pope evaluate`. */
export interface EvaluateCommandOptions extends CommonOptions {
  readonly target?: readonly TargetOption[];
  readonly signal?: readonly Signal[];
  readonly tau: number;
  readonly diversity: DiversityKind;
  readonly estimators?: readonly EstimatorKey[];
  readonly interval: IntervalMethod;
  readonly level: number;
  readonly resamples: number;
  readonly clip: number;
  readonly switch: number;
  readonly shrink: number;
  readonly lambda?: number;
  readonly tune?: true;
  readonly biasCorrected?: true;
  readonly positionBias?: readonly number[] | 'fit';
  readonly stream?: true;
  readonly rewardRange?: readonly [number, number];
  readonly limit?: readonly LimitOption[];
  readonly candidates?: string;
  readonly onError: 'stop' | 'skip';
  readonly strict?: true;
  readonly html?: string;
}

/** An evaluation as the command prints it. */
export interface Evaluated {
  readonly evaluated: EvaluationResult;
  /** Histograms of the raw weights, by target. */
  readonly weights: (result: EvaluationResult) => Record<string, WeightBins>;
  readonly hash: string;
}

/** What both ways of reading a log are handed. */
export interface Reading {
  readonly candidates: Candidates | undefined;
  readonly progress: Progress;
}

/** What `evaluate` and a stream of it are both told. */
export function sharedOptions(options: EvaluateCommandOptions, signals: readonly Signal[]): EvaluateOptions {
  return {
    signals,
    tau: options.tau,
    diversity: options.diversity,
    interval: options.interval,
    level: options.level,
    seed: options.seed,
    parameters: {
      clip: options.clip,
      switch: options.switch,
      shrink: options.shrink,
      lambda: options.lambda ?? null,
    },
    ...(options.estimators && { estimators: options.estimators }),
    ...(options.limit && { limits: limitsOf(options.limit) }),
  };
}

/** @returns what to say of a log without propensities. */
export function unfitted(paths: readonly string[]): PopeError {
  const [path, which, it] =
    paths.length === 1
      ? [paths[0], paths[0], 'the log that it writes']
      : ['FILE', 'the log', 'the logs that it writes'];
  return new PopeError(
    `${which} has no propensities, which every estimate needs; expected log_propensity or propensity on every response. ` +
      `Fit the logging policy first with "pope fit ${path} --out DIR", then evaluate ${it}.`,
    { code: 'no_propensity', ...(paths.length === 1 && { file: path }) },
  );
}
