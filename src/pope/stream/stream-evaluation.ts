import type { Log } from '../../ope/index.js';
import { invalid, PopeError } from '../../util/index.js';
import type { ScoredPolicy } from '../log-diversity.js';
import type { EvaluationResult } from '../result.js';
import { readRecord, type SavedStream, savedStream } from './saved-stream.js';
import { emptyRecord, mergeRecords, recordOf, type StreamRecord } from './stream-record.js';
import { streamResult } from './stream-result.js';
import { type StreamOptions, streamSettings } from './stream-settings.js';

/** An evaluation that grows part by part; its memory does not depend on how many rounds it has seen. */
export interface EvaluationStream {
  /**
   * Adds a part of the log: whole rounds, whole clusters. `targets`: policies that the part does not carry, scored on it.
   * @throws PopeError where the part lacks propensities or shares a cluster with what was there; nothing is then added.
   */
  add(part: Log, targets?: Readonly<Record<string, ScoredPolicy>>): void;
  /** Adds what another stream of the same options has seen, or its JSON. @throws PopeError where options differ. */
  merge(other: EvaluationStream | SavedStream): void;
  /** Plain data for `JSON.stringify`: evaluate shards apart, merge their files. Also what JSON.stringify(stream) writes. */
  toJSON(): SavedStream;
  /** As often as wanted, also between parts. @throws PopeError as `evaluate`. */
  result(): EvaluationResult;
}

/**
 * Off-policy evaluation of a log in parts, in any order, merged from any shards: the estimates, errors, diagnostics,
 * verdicts and warnings of `evaluate` on the whole log, to rounding (T17). Not streamed: diversity "coverage" and
 * "distribution", intervals other than t and log-smoothing (refused); sensitivity, groups, beta_star and pareto_smoothed
 * (left out, with the warning `not_streamed`).
 * @throws PopeError where an option cannot be streamed or is outside of its domain.
 */
export function streamEvaluation(options: StreamOptions): EvaluationStream {
  const settings = streamSettings(options);
  let record: StreamRecord = emptyRecord;
  return {
    add(part, targets = {}) {
      record = mergeRecords(record, recordOf(part, targets, settings));
    },
    merge(other) {
      if (typeof other !== 'object' || other === null)
        throw invalid('other', other, 'a stream, or what JSON.parse gives of a saved one');
      const saved = 'toJSON' in other ? other.toJSON() : other;
      const { fingerprint, record: more } = readRecord(saved);
      if (fingerprint !== settings.fingerprint) {
        throw new PopeError(
          `the other stream was made with other options (${fingerprint}); expected those of this one (${settings.fingerprint}).`,
          { argument: 'other' },
        );
      }
      record = mergeRecords(record, more);
    },
    toJSON: () => savedStream(settings.fingerprint, record),
    result: () => streamResult(record, settings),
  };
}
