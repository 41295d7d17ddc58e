import { PopeError } from '../util/index.js';
import type { Place } from './place.js';

/** How many refusals are printed before only their count is. */
export const MAX_PRINTED = 20;

type At = Pick<Place, 'file' | 'line'>;

/** Refusals gathered while a file is read, so that one run shows them all. */
export interface Problems {
  readonly file: string;
  /** The first `MAX_PRINTED` sentences. */
  readonly sentences: string[];
  first: At | undefined;
  count: number;
}

export function noProblems(file: string): Problems {
  return { file, sentences: [], first: undefined, count: 0 };
}

export function addProblem(problems: Problems, sentence: string, at?: At): void {
  problems.count++;
  problems.first ??= at;
  if (problems.sentences.length < MAX_PRINTED) problems.sentences.push(sentence);
}

/** @throws PopeError (code `bad_log`) listing at most 20 problems, then their count; nothing where there are none. */
export function throwProblems(problems: Problems): void {
  if (problems.count === 0) return;
  const lines = [...problems.sentences];
  if (problems.count > MAX_PRINTED)
    lines.push(`... ${problems.count} errors in ${problems.file}; the first ${MAX_PRINTED} are shown.`);
  else if (problems.count > 1) lines.push(`${problems.count} errors in ${problems.file}.`);
  throw new PopeError(lines.join('\n'), {
    code: 'bad_log',
    file: problems.first?.file ?? problems.file,
    ...(problems.first === undefined ? {} : { line: problems.first.line }),
  });
}
