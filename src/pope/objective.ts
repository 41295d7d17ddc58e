import { stopGradient } from '../autograd/index.js';
import { backendOf, scalarLike, tensor } from '../backend/index.js';
import { type CandidatesOf, distinctPrompts, type Policy, slateSum } from '../ope/index.js';
import {
  add,
  exp,
  gather,
  log,
  maximum,
  mean,
  mul,
  neg,
  segmentSum,
  sigmoid,
  softplus,
  sub,
  sum,
} from '../ops/index.js';
import type { FloatDType, Tensor } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import type { Batch } from './evaluation-rows.js';
import { policyGradient } from './gradient.js';
import {
  anchoredLowerBound,
  type BoundInput,
  type BoundOptions,
  entropyLowerBound,
  klEstimate,
  tangentBound,
  valueLowerBound,
} from './lower-bound.js';

export const objectives = [
  'pope',
  'policy-gradient',
  'utility',
  'diversity',
  'sft',
  'reward-weighted',
  'dpo',
  'kto',
] as const;
export type Objective = (typeof objectives)[number];

/** Imitation and preferences have no bound that would have to be tight somewhere: one step a batch, and no anchor. */
export const needsAnchor = (objective: Objective): boolean => !['sft', 'dpo', 'kto'].includes(objective);

/** The diversities that training can raise. */
export const trainableDiversities = ['anchored', 'surprisal', 'coverage', 'none'] as const;
export type TrainableDiversity = (typeof trainableDiversities)[number];

export interface ObjectiveOptions extends BoundOptions {
  readonly objective: Objective;
  readonly diversity: TrainableDiversity;
  readonly tau: number;
  /** Sharpness of DPO's preference model, and of KTO's value; default 0.1. */
  readonly beta?: number;
  /** The finite response spaces, for exact entropies and class probabilities. */
  readonly candidatesOf?: CandidatesOf;
}

/**
 * The scalar that one step raises, on one batch. `anchor` is log pi_k of the batch's responses, [M], constant: the
 * policy at which this step's bounds are tight; null is the present policy.
 * @throws PopeError where the objective needs what the batch or the policy lacks.
 */
export function objectiveValue(policy: Policy, batch: Batch, anchor: Tensor | null, options: ObjectiveOptions): Tensor {
  const logProb = policy.logProb(batch.prompts, batch.responses);
  const input = boundInput(batch, logProb, anchor ?? stopGradient(logProb));
  const { objective, tau } = options;
  if (objective === 'sft') return mean(slateSum(logProb, input));
  if (objective === 'dpo') return dpo(batch, input, options.beta ?? 0.1);
  if (objective === 'kto') return kto(batch, input, options.beta ?? 0.1);
  assertPropensity(batch, objective);
  if (objective === 'reward-weighted') {
    return tangentBound(
      sub(input.utility, options.rewardFloor ?? 0),
      { ...input, anchorLogProb: input.logPropensity },
      options,
    );
  }
  if (objective === 'utility')
    return add(tangentBound(sub(input.utility, options.rewardFloor ?? 0), input, options), options.rewardFloor ?? 0);
  const judged = objective === 'diversity' ? { ...input, utility: mul(input.slateWeight, 0) } : input;
  // with no utility there is nothing to shift
  const bound = objective === 'diversity' ? { ...options, rewardFloor: 0 } : options;
  if (objective === 'policy-gradient') return gradientSurrogate(policy, batch, judged, options);
  switch (options.diversity) {
    case 'none':
      return anchoredLowerBound(judged, 0, scalarLike(logProb, 0), bound);
    case 'anchored':
      return anchoredLowerBound(judged, tau, klEstimate(judged, judged.logPropensity, bound), bound);
    case 'coverage':
      return entropyLowerBound(judged, tau, meanOverPrompts(batch, classEntropies(policy, batch, options)), bound);
    case 'surprisal':
      return policy.distribution === undefined
        ? valueLowerBound(judged, tau, klEstimate(judged, judged.anchorLogProb, bound), bound)
        : entropyLowerBound(judged, tau, meanOverPrompts(batch, entropies(policy, batch)), bound);
  }
}

/** A batch as tensors beside the policy's log-probabilities, in their dtype and on their backend. */
export function boundInput(batch: Batch, logProb: Tensor, anchor: Tensor): BoundInput {
  const backend = backendOf(logProb);
  const column = (x: Float64Array): Tensor => tensor(x, { dtype: logProb.dtype as FloatDType, backend });
  return {
    logProb,
    anchorLogProb: anchor,
    logPropensity: column(batch.logPropensity),
    utility: column(batch.utility),
    slateWeight: column(batch.slateWeight),
    roundOf: tensor(batch.roundOf, { backend }),
    rounds: batch.rounds,
  };
}

/** T10 for surprisal; for the anchored reward u - tau log rho is the same with u + tau log pi0 in the place of u. */
function gradientSurrogate(policy: Policy, batch: Batch, input: BoundInput, options: ObjectiveOptions): Tensor {
  const { tau, diversity } = options;
  if (diversity === 'surprisal') return policyGradient(input, tau, options);
  if (diversity === 'anchored') {
    return policyGradient({ ...input, utility: add(input.utility, mul(input.logPropensity, tau)) }, tau, options);
  }
  const utility = policyGradient(input, 0, options);
  if (diversity === 'none') return utility;
  return add(utility, mul(meanOverPrompts(batch, classEntropies(policy, batch, options)), tau));
}

/**
 * Direct preference optimisation on all ordered pairs of a slate, with the logging policy as the reference: the mean of
 * log sigmoid(beta ((log pi_a - log pi0_a) - (log pi_b - log pi0_b))) over pairs with u_a > u_b (Rafailov et al. 2023).
 */
function dpo(batch: Batch, input: BoundInput, beta: number): Tensor {
  assertPropensity(batch, 'dpo');
  const better: number[] = [];
  const worse: number[] = [];
  const m = batch.utility.length;
  for (let a = 0; a < m; a++) {
    for (let b = a + 1; batch.roundOf[b] === batch.roundOf[a]; b++) {
      if (batch.utility[a] === batch.utility[b]) continue;
      const first = batch.utility[a] > batch.utility[b];
      better.push(first ? a : b);
      worse.push(first ? b : a);
    }
  }
  if (better.length === 0) return mul(sum(input.logProb), 0);
  const index = (x: number[]): Tensor => tensor(Int32Array.from(x), { backend: backendOf(input.logProb) });
  const logRatio = sub(input.logProb, input.logPropensity);
  const margin = mul(sub(gather(logRatio, index(better), 0), gather(logRatio, index(worse), 0)), beta);
  return neg(mean(softplus(neg(margin))));
}

/**
 * KTO, with the logging policy as the reference: the mean of sigmoid(r - z) over responses that are liked more than the
 * batch's mean, plus that of sigmoid(z - r) over those liked less; r = beta log(pi/pi0), z = beta KL(pi||pi0) estimated
 * on the batch (D7) and held constant (Ethayarajh et al. 2024; two means weigh both kinds alike, as its lambdas do).
 */
function kto(batch: Batch, input: BoundInput, beta: number): Tensor {
  assertPropensity(batch, 'kto');
  const average = batch.utility.reduce((sum, u) => sum + u, 0) / batch.utility.length;
  const r = mul(sub(input.logProb, input.logPropensity), beta);
  const margin = sub(r, stopGradient(mul(klEstimate(input, input.logPropensity), beta)));
  const partOf = (keep: (u: number) => boolean, signed: Tensor): Tensor | null => {
    const kept = Int32Array.from(batch.utility.keys()).filter((m) => keep(batch.utility[m]));
    if (kept.length === 0) return null;
    return mean(sigmoid(gather(signed, tensor(kept, { backend: backendOf(signed) }), 0)));
  };
  const parts = [partOf((u) => u > average, margin), partOf((u) => u < average, neg(margin))];
  return parts.reduce<Tensor>((total, part) => (part === null ? total : add(total, part)), mul(sum(input.logProb), 0));
}

/** H(pi(.|x)) for each distinct prompt of the batch, exact over its candidates. */
function entropies(policy: Policy, batch: Batch): readonly Tensor[] {
  const { distinct } = distinctPrompts(batch.prompts);
  if (policy.distribution === undefined) throw noCandidates('surprisal');
  return policy.distribution(distinct).map((logProbs) => neg(sum(mul(exp(logProbs), logProbs))));
}

/** H(pi(c|x)) for each distinct prompt of the batch, exact over its candidates. */
function classEntropies(policy: Policy, batch: Batch, { candidatesOf }: ObjectiveOptions): readonly Tensor[] {
  const { distinct } = distinctPrompts(batch.prompts);
  if (policy.distribution === undefined || candidatesOf === undefined) throw noCandidates('coverage');
  return policy.distribution(distinct).map((logProbs, p) => {
    const classes = new Map<string, number>();
    const classOf = Int32Array.from(candidatesOf(distinct[p]), ({ text, opinion }) => {
      if (opinion === undefined) {
        throw new PopeError(
          `candidate ${JSON.stringify(text)} has no opinion; expected an opinion class on every candidate for diversity "coverage".`,
          {
            argument: 'candidates',
          },
        );
      }
      const c = classes.get(opinion) ?? classes.size;
      classes.set(opinion, c);
      return c;
    });
    const mass = segmentSum(exp(logProbs), tensor(classOf, { backend: backendOf(logProbs) }), classes.size);
    return neg(sum(mul(mass, log(maximum(mass, 1e-30)))));
  });
}

/** Each round's prompt counts once: the mean over rounds of a number per distinct prompt. */
function meanOverPrompts(batch: Batch, values: readonly Tensor[]): Tensor {
  const { positionOf } = distinctPrompts(batch.prompts);
  const share = new Float64Array(values.length);
  positionOf.forEach((p, m) => {
    share[p] += batch.slateWeight[m] / batch.rounds;
  });
  return values.map((value, p) => mul(value, share[p])).reduce((x, y) => add(x, y));
}

function assertPropensity(batch: Batch, objective: string): void {
  if (batch.logPropensity.some(Number.isNaN)) throw noPropensity(objective);
}

export const noPropensity = (objective: string): PopeError =>
  new PopeError(
    `the log has no propensities, which objective "${objective}" needs; expected log_propensity on every response. Fit pi0 first (pope fit).`,
    { argument: 'log', code: 'no_propensity' },
  );

const noCandidates = (diversity: string): PopeError =>
  new PopeError(
    `diversity "${diversity}" needs a finite response space in training; expected candidates for every prompt (--candidates).`,
    {
      argument: 'candidates',
    },
  );
