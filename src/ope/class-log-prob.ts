import { backendOf, tensor } from '../backend/index.js';
import { add, clip, concat, exp, gather, greater, log, segmentSum, sub, where } from '../ops/index.js';
import type { FloatDType, Tensor } from '../tensor/index.js';
import { invalid, PopeError, show } from '../util/index.js';
import { type Prompt, promptKey } from './log.js';
import { type CandidatesOf, distinctPrompts, type Policy } from './policy.js';

/**
 * The log-probability of each candidate's own class: log of the sum of pi(y|x) over the candidates that share it, in log
 * space, so that a class of probability exp(-2000) is not 0.
 * @param logProb log pi(y_k|x) over all candidates of one prompt, [K]; -Infinity is legal.
 * @param opinions the class of each candidate, length K.
 * @returns [K], at most 0; differentiable. -Infinity (with no gradient) for a class of probability 0.
 * @throws PopeError where a candidate has no class, or the lengths differ.
 */
export function candidateClassLogProb(logProb: Tensor, opinions: readonly (string | undefined)[]): Tensor {
  if (logProb.rank !== 1 || logProb.size !== opinions.length)
    throw invalid('logProb.shape', logProb.shape, `[${opinions.length}], one number a candidate`);
  const classes = new Map<string, number>();
  const classOf = Int32Array.from(opinions, (opinion, k) => {
    if (opinion === undefined)
      throw invalid(`candidates[${k}].opinion`, opinion, 'an opinion class on every candidate');
    const c = classes.get(opinion) ?? classes.size;
    classes.set(opinion, c);
    return c;
  });
  const backend = backendOf(logProb);
  const own = tensor(classOf, { backend });
  const largest = new Float64Array(classes.size).fill(-Infinity);
  logProb.dataSync().forEach((value, k) => {
    if (Number.isNaN(value) || value === Infinity)
      throw invalid(`logProb[${k}]`, value, 'a log-probability, at most 0');
    largest[classOf[k]] = Math.max(largest[classOf[k]], value);
  });
  const top = tensor(
    Float64Array.from(classOf, (c) => (largest[c] === -Infinity ? 0 : largest[c])),
    { dtype: logProb.dtype as FloatDType, backend },
  );
  const mass = gather(segmentSum(exp(sub(logProb, top)), own, classes.size), own);
  const positive = greater(mass, 0);
  // rounding must not make a class likelier than certain
  return clip(where(positive, add(log(where(positive, mass, 1)), top), -Infinity), -Infinity, 0);
}

/**
 * log pi(c_j|x_j) of M pairs of prompt and class, exactly, by a policy over the finite response space of each prompt.
 * @param opinions the class of each pair, length M: for class weights those of the logged responses.
 * @returns [M], differentiable in whatever the policy depends on.
 * @throws PopeError where a class is none of its prompt's candidates, or a candidate has none.
 */
export function exactClassLogProb(
  policy: Pick<Required<Policy>, 'distribution'>,
  candidatesOf: CandidatesOf,
  prompts: readonly Prompt[],
  opinions: readonly string[],
): Tensor {
  if (prompts.length === 0 || prompts.length !== opinions.length)
    throw invalid(
      'opinions.length',
      opinions.length,
      `${Math.max(1, prompts.length)}, one class a prompt and at least one`,
    );
  const { distinct, positionOf } = distinctPrompts(prompts);
  const spaces = distinct.map((prompt) => candidatesOf(prompt).map(({ opinion }) => opinion));
  const flat = concat(
    policy.distribution(distinct).map((logProb, p) => candidateClassLogProb(logProb, spaces[p])),
    0,
  );
  const starts: number[] = [];
  let total = 0;
  const memberOf = spaces.map((space) => {
    starts.push(total);
    total += space.length;
    // any candidate of a class will do: all of them hold its log-probability
    return new Map(space.map((opinion, k) => [opinion, k] as const));
  });
  const indices = Int32Array.from(opinions, (opinion, j) => {
    const k = memberOf[positionOf[j]].get(opinion);
    if (k === undefined) {
      throw new PopeError(
        `opinions[${j}] is ${show(opinion)}; expected one of the classes of the candidates of prompt ${show(promptKey(prompts[j]))}.`,
        { argument: 'opinions', got: opinion, expected: "a class of the prompt's candidates" },
      );
    }
    return starts[positionOf[j]] + k;
  });
  return gather(flat, tensor(indices, { backend: backendOf(flat) }));
}
