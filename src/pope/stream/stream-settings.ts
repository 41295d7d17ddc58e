import type { IntervalMethod } from '../../stats/index.js';
import { assertInteger, invalid, PopeError } from '../../util/index.js';
import type { EstimatorKey } from '../estimator-keys.js';
import { type EvaluateOptions, type Settings, settingsOf, settingsRecord } from '../evaluate-settings.js';

/** What of an evaluation can be streamed, with its choices. Every part of one log must be given the same. */
export interface StreamOptions
  extends Omit<EvaluateOptions, 'targets' | 'interval' | 'resamples' | 'rewardRange' | 'tune'> {
  /** t (default), or log-smoothing with a declared lambda; other intervals look at every round again. */
  readonly interval?: IntervalMethod;
  /** Lambda of interval log-smoothing, above 0, fixed before the log is seen; default `parameters.lambda`. */
  readonly intervalLambda?: number;
  /**
   * How many of the largest weights are kept for the tail index, at least 6; default 10,000, which is all that a log of
   * 11 million responses needs.
   */
  readonly tailCapacity?: number;
}

export interface StreamSettings extends Settings {
  readonly intervalLambda: number | null;
  readonly tailCapacity: number;
  /** Estimators asked for by name, which must then have their inputs. */
  readonly asked: readonly EstimatorKey[];
  /** Estimators that need the whole log, left out. */
  readonly leftOut: readonly EstimatorKey[];
  /** Equal for streams that may be merged. */
  readonly fingerprint: string;
}

/** What is fitted to all rounds, or smoothed against all of them. */
const wholeLog: readonly string[] = ['beta_star', 'pareto_smoothed'];
/** Whose default lambda is 1/sqrt(rounds), unknown until the end. */
const byLambda: readonly string[] = ['log_smoothing', 'implicit_exploration'];

/** The options with their defaults filled in. @throws PopeError where one cannot be streamed or is outside of its domain. */
export function streamSettings(options: StreamOptions): StreamSettings {
  const { interval = 't', tailCapacity = 10_000 } = options;
  if (interval !== 't' && interval !== 'log-smoothing') {
    throw invalid(
      'interval',
      interval,
      't, or log-smoothing with a declared lambda, in a stream',
      'Other intervals need the whole log: evaluate it without streaming.',
    );
  }
  const settings = settingsOf({ ...options, interval });
  const intervalLambda = interval === 't' ? null : (options.intervalLambda ?? settings.parameters.lambda);
  if (interval !== 't' && !(intervalLambda !== null && intervalLambda > 0 && intervalLambda < Infinity)) {
    throw invalid(
      'intervalLambda',
      intervalLambda,
      'a finite number above 0, for log-smoothing',
      'Its default 1/sqrt(rounds) is not known before the stream has ended.',
    );
  }
  if (settings.diversity === 'coverage' || settings.diversity === 'distribution') {
    throw invalid(
      'diversity',
      settings.diversity,
      'surprisal, anchored, slate or none, in a stream',
      'Its class probabilities are pooled over all rounds of a prompt: evaluate the whole log.',
    );
  }
  assertInteger('tailCapacity', tailCapacity, 6);
  const cannot = (key: string): boolean =>
    wholeLog.includes(key) || (settings.parameters.lambda === null && byLambda.includes(key));
  const asked = options.estimators?.find(cannot);
  if (asked !== undefined) {
    throw new PopeError(
      byLambda.includes(asked)
        ? `estimator ${asked} has no declared lambda; expected one in a stream, where 1/sqrt(rounds) is not known before the end.`
        : `estimator ${asked} looks at all rounds at once; expected estimators that can be streamed. Evaluate the whole log.`,
      { argument: 'estimators', got: asked },
    );
  }
  const chosen = { ...settings, estimators: settings.estimators.filter((key) => !cannot(key)) };
  return {
    ...chosen,
    intervalLambda,
    tailCapacity,
    asked: options.estimators ?? [],
    leftOut: settings.estimators.filter(cannot),
    fingerprint: JSON.stringify([settingsRecord(settings), chosen.estimators, intervalLambda, tailCapacity]),
  };
}
