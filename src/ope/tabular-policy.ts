import { narrow, squeeze } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import { type Candidate, type Prompt, promptKey } from './log.js';
import { type CandidatesOf, finitePolicy, type PolicyFamily } from './policy.js';

/** One row of logits a prompt. */
export interface TabularParams {
  readonly [key: string]: Tensor;
  /** [X, K] */
  readonly logits: Tensor;
}

/**
 * The softmax table: one logit for each of X prompts and K responses, pi(y|x) = softmax(logits[x])[y].
 * Logits of log-probabilities give exactly those probabilities back.
 */
export function tabularPolicy(prompts: readonly Prompt[], responses: readonly string[]): PolicyFamily<TabularParams> {
  const rowOf = new Map(prompts.map((prompt, i) => [promptKey(prompt), i]));
  const candidates: readonly Candidate[] = responses.map((text) => ({ text }));
  const candidatesOf: CandidatesOf = () => candidates;
  return {
    bind: ({ logits }) =>
      finitePolicy(candidatesOf, (distinct) =>
        distinct.map((prompt) => {
          const row = rowOf.get(promptKey(prompt));
          if (row === undefined) throw invalid('prompt', prompt, 'a prompt of the table');
          return squeeze(narrow(logits, 0, row, 1), 0);
        }),
      ),
  };
}
