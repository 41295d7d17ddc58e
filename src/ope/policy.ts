import { backendOf, tensor } from '../backend/index.js';
import { concat, gather, logSoftmax } from '../ops/index.js';
import type { Random } from '../random/index.js';
import type { Tensor, Tree } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import { type Candidate, type Prompt, promptKey } from './log.js';

/**
 * A conditional distribution over responses. A table, a softmax-linear model, a transformer, a transformer over
 * candidates and recorded log-probabilities are all this, and no estimator can tell them apart.
 */
export interface Policy {
  /** log pi(y|x) in nats for M pairs, [M], each at most 0; -Infinity where the policy never answers y. */
  logProb(prompts: readonly Prompt[], responses: readonly string[]): Tensor;
  /** Where the response space is finite: log-probabilities over the candidates of each prompt, [K_p] each. */
  distribution?(prompts: readonly Prompt[]): readonly Tensor[];
}

/** A policy with its parameters taken out: what training differentiates. */
export interface PolicyFamily<P extends Tree> {
  /** The policy with these parameters; with `random`, dropout is on where the model has it. */
  bind(params: P, options?: { readonly random?: Random }): Policy;
}

/** The finite response space of a prompt. */
export type CandidatesOf = (prompt: Prompt) => readonly Candidate[];

/**
 * A policy from scores over the candidates of each prompt: pi(y|x) = exp(score_y) / sum exp(score).
 * @param scoresOf scores [K_p] for each of the given, distinct prompts, in the order of their candidates.
 */
export function finitePolicy(
  candidatesOf: CandidatesOf,
  scoresOf: (prompts: readonly Prompt[]) => readonly Tensor[],
): Policy & Required<Pick<Policy, 'distribution'>> {
  const distribution = (prompts: readonly Prompt[]): readonly Tensor[] =>
    scoresOf(prompts).map((scores, p) => {
      const k = candidatesOf(prompts[p]).length;
      if (scores.rank !== 1 || scores.size !== k)
        throw invalid(`the scores of prompt ${p}`, scores.shape, `shape [${k}], one score a candidate`);
      return logSoftmax(scores);
    });
  return {
    distribution,
    logProb(prompts, responses) {
      if (prompts.length !== responses.length || responses.length === 0) {
        throw invalid(
          'responses.length',
          responses.length,
          `${Math.max(1, prompts.length)}, one response a prompt and at least one`,
        );
      }
      const { distinct, positionOf } = distinctPrompts(prompts);
      const { offsets, indexOf } = candidateIndex(distinct, candidatesOf);
      const flat = concat(distribution(distinct), 0);
      const indices = Int32Array.from(responses, (text, j) => {
        const p = positionOf[j];
        const k = indexOf[p].get(text);
        if (k === undefined) throw invalid(`responses[${j}]`, text, 'one of the candidates of its prompt');
        return offsets[p] + k;
      });
      return gather(flat, tensor(indices, { backend: backendOf(flat) }), 0);
    },
  };
}

/** The distinct prompts in order of first appearance, and for each given prompt its position among them. */
export function distinctPrompts(prompts: readonly Prompt[]): { distinct: Prompt[]; positionOf: Int32Array } {
  const seen = new Map<string, number>();
  const distinct: Prompt[] = [];
  const positionOf = Int32Array.from(prompts, (prompt) => {
    const key = promptKey(prompt);
    let position = seen.get(key);
    if (position === undefined) {
      position = distinct.length;
      seen.set(key, position);
      distinct.push(prompt);
    }
    return position;
  });
  return { distinct, positionOf };
}

function candidateIndex(
  prompts: readonly Prompt[],
  candidatesOf: CandidatesOf,
): { offsets: number[]; indexOf: Map<string, number>[] } {
  const offsets: number[] = [];
  const indexOf: Map<string, number>[] = [];
  let total = 0;
  for (const prompt of prompts) {
    const candidates = candidatesOf(prompt);
    offsets.push(total);
    total += candidates.length;
    const index = new Map(candidates.map(({ text }, k) => [text, k]));
    if (index.size !== candidates.length)
      throw invalid(
        'candidates',
        candidates.map(({ text }) => text),
        'texts that differ from each other',
      );
    indexOf.push(index);
  }
  return { offsets, indexOf };
}
