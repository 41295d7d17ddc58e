import { readLogChunks } from '../../data/node.js';
import { type EvaluationStream, streamEvaluation } from '../../pope/index.js';
import { invalid, PopeError } from '../../util/index.js';
import { partScorer } from '../read-targets.js';
import { signalsOf } from '../signal-option.js';
import { type EvaluateCommandOptions, type Evaluated, type Reading, sharedOptions, unfitted } from './settings.js';

/** Reads the log in parts and keeps only sums of them: memory does not grow with the log. */
export async function evaluateInParts(
  paths: readonly string[],
  options: EvaluateCommandOptions,
  { candidates, progress }: Reading,
): Promise<Evaluated> {
  let hash = '';
  let stream: EvaluationStream | undefined;
  const score = await partScorer(options.target ?? [], candidates);
  let rounds = 0;
  const names = new Set<string>();
  progress.start('rounds read', Number.POSITIVE_INFINITY);
  try {
    const parts = readLogChunks(paths, {
      onError: options.onError,
      candidates,
      onHash: (sha256) => void (hash = sha256),
    });
    for await (const part of parts) {
      if (part.logPropensity === null) throw unfitted(paths);
      for (const name of part.feedback.keys()) names.add(name);
      if (options.signal === undefined && names.size > 1) throw several([...names]);
      if (stream === undefined) {
        stream = streamEvaluation({
          ...sharedOptions(options, options.signal ?? signalsOf(part, undefined)),
          ...(options.positionBias && { examination: options.positionBias as readonly number[] }),
        });
      }
      stream.add(part, await score(part));
      progress.at((rounds += part.rounds));
    }
  } finally {
    progress.stop();
  }
  const unknown = options.signal?.find(({ name }) => !names.has(name));
  if (unknown !== undefined) throw invalid('--signal', unknown.name, `a signal of the log (${[...names].join(', ')})`);
  if (stream === undefined) throw new PopeError(`${paths.join(', ')} has no rounds; expected at least one.`);
  return { evaluated: stream.result(), weights: () => ({}), hash };
}

const several = (names: readonly string[]): PopeError =>
  new PopeError(
    `the log has ${names.length} signals (${names.join(', ')}); expected --signal NAME to choose one or several.`,
    { argument: '--signal' },
  );
