import { type Log, promptKey, roundIdOf } from '../ope/index.js';
import { assertRange, PopeError } from '../util/index.js';
import type { EvaluationRows } from './evaluation-rows.js';

/** log pi0 of each of the rows' responses, [M], each at most 0, fitted on those rows. */
export type PropensityFit = (rows: EvaluationRows) => Float64Array | Promise<Float64Array>;

/**
 * The saturated fit of pi0: pi0(y|x) = (count of y under x + s) / (responses under x + s K), by counting on the rows that
 * it is given; at s = 0 the maximum likelihood of a table with a cell for every prompt and response.
 * @param options.smoothing s >= 0, a number of made-up responses a candidate; above 0 it needs the log's candidates (K of x).
 * @throws PopeError where smoothing is asked for without candidates.
 */
export function countedPropensity(
  log: Log,
  options: { readonly smoothing?: number } = {},
): (rows: EvaluationRows) => Float64Array {
  const { smoothing = 0 } = options;
  assertRange('smoothing', smoothing, 0, Number.MAX_VALUE);
  const prompts = new Map<string, number>();
  const sizes: number[] = [];
  const cells = new Map<string, number>();
  const promptOf = new Int32Array(log.responseCount);
  const cellOf = new Int32Array(log.responseCount);
  for (let i = 0; i < log.rounds; i++) {
    const key = promptKey(log.prompts[i]);
    let prompt = prompts.get(key);
    if (prompt === undefined) {
      prompts.set(key, (prompt = prompts.size));
      sizes.push(log.candidates?.get(key)?.length ?? 0);
    }
    for (let j = log.offsets[i]; j < log.offsets[i + 1]; j++) {
      if (smoothing > 0 && sizes[prompt] === 0) throw withoutCandidates(roundIdOf(log, j));
      const cell = `${prompt} ${log.responses[j]}`;
      promptOf[j] = prompt;
      cellOf[j] = cells.get(cell) ?? cells.size;
      cells.set(cell, cellOf[j]);
    }
  }
  return ({ responseIndex }) => {
    const perCell = new Float64Array(cells.size).fill(smoothing);
    const perPrompt = Float64Array.from(sizes, (k) => smoothing * k);
    for (const j of responseIndex) {
      perCell[cellOf[j]]++;
      perPrompt[promptOf[j]]++;
    }
    return Float64Array.from(responseIndex, (j) => Math.log(perCell[cellOf[j]] / perPrompt[promptOf[j]]));
  };
}

const withoutCandidates = (round: string): PopeError =>
  new PopeError(
    `the prompt of round ${round} has no candidates; expected the responses that there are, over which smoothing spreads its weight.`,
    { argument: 'smoothing' },
  );
