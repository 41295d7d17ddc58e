import { PopeError } from '../util/index.js';

/** How many refusals are printed before only their count is. */
export const MAX_PRINTED = 20;

/** Refusals gathered while a file is read, so that one run shows them all. */
export interface Problems {
  readonly file: string;
  /** The first `MAX_PRINTED` sentences. */
  readonly sentences: string[];
  firstLine: number | undefined;
  count: number;
}

export function noProblems(file: string): Problems {
  return { file, sentences: [], firstLine: undefined, count: 0 };
}

export function addProblem(problems: Problems, sentence: string, line?: number): void {
  problems.count++;
  problems.firstLine ??= line;
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
    file: problems.file,
    ...(problems.firstLine === undefined ? {} : { line: problems.firstLine }),
  });
}
