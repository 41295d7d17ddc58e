import { grad } from '../autograd/index.js';
import { tensor } from '../backend/index.js';
import { promptKey } from '../ope/index.js';
import { expand, sum } from '../ops/index.js';
import { scope, type Tensor } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import { classProbabilities, requireOpinions } from './class-probability.js';
import { distributionReward } from './diversity.js';
import type { EvaluationRows } from './evaluation-rows.js';

/** How a policy's opinions match what people prefer, by round; all [N]. */
export interface DistributionMatch {
  /** -JS(m(c|x), pi(c|x)) of each round, pi(c|x) pooled over the prompt's logged responses. */
  readonly reward: Float64Array;
  /**
   * What a round's own responses did to the pooled pi(c|x), to first order: its sum over the rounds of a prompt is 0, so
   * it leaves the mean alone and gives the standard error the part that estimating pi(c|x) costs.
   */
  readonly influence: Float64Array;
  /** How much the mean reward is too low because pi(c|x) is estimated, to second order; at most 0. */
  readonly bias: number;
}

/**
 * The plug-in of D5 with its linearisation. With q the pooled probabilities of a prompt of n rounds, s_j the share of
 * response j in the prompt's weights and D = -JS, round k has the influence n (mean of dD/dq)(sum of its s_j (e_j - q)).
 * The bias is half the sum over classes of D's second derivative times the variance of q, sum_j s_j^2 (e_j - q)^2.
 * @param logRatio log rho of every response of the log.
 * @throws PopeError where a round has no distribution, a response no opinion, or a prompt no weight at all.
 * @id D5
 */
export function distributionMatch(rows: EvaluationRows, logRatio: Float64Array): DistributionMatch {
  const { log, roundIndex } = rows;
  const { byPrompt, weightShare, variance } = classProbabilities(log, logRatio);
  const opinions = requireOpinions(log);
  const [reward, influence] = [new Float64Array(roundIndex.length), new Float64Array(roundIndex.length)];
  let bias = 0;
  for (const [key, positions] of positionsByPrompt(rows)) {
    const found = byPrompt.get(key)!;
    const wanted = positions.map((r) => preferredOf(rows, roundIndex[r]));
    assertMass(rows, found, roundIndex[positions[0]]);
    const classes = [...new Set([...wanted.flatMap((m) => Object.keys(m)), ...found.keys()])];
    const m = wanted.map((preferred) => classes.map((name) => preferred[name] ?? 0));
    const q = classes.map((name) => found.get(name) ?? 0);
    const { value, gradient } = matchOf(m, q);
    const slope = new Map(classes.map((name, c) => [name, gradient[c]]));
    const level = q.reduce((sum, mass, c) => sum + mass * gradient[c], 0);
    const moved = positions.map((r) => {
      let own = 0;
      for (let j = log.offsets[roundIndex[r]]; j < log.offsets[roundIndex[r] + 1]; j++)
        own += weightShare[j] * (slope.get(opinions[j])! - level);
      return own;
    });
    // rounds that are left out (no feedback) pooled as well: what is left of them is taken off
    const mean = moved.reduce((total, own) => total + own, 0) / moved.length;
    positions.forEach((r, i) => {
      reward[r] = value[i];
      influence[r] = moved[i] - mean;
      classes.forEach((name, c) => {
        if (q[c] > 0) bias -= (0.25 * m[i][c] * variance.get(key)!.get(name)!) / (q[c] * (m[i][c] + q[c]));
      });
    });
  }
  return { reward, influence, bias: bias / roundIndex.length };
}

/** The reward of each round of a prompt, and the sum over them of its gradient in q. */
function matchOf(m: readonly (readonly number[])[], q: readonly number[]) {
  return scope(() => {
    const shape = [m.length, q.length];
    const preferred = tensor(Float64Array.from(m.flat()), { shape });
    const predicted = tensor(Float64Array.from(q), { shape: [1, q.length] });
    const of = (q: Tensor): Tensor => distributionReward(preferred, expand(q, shape));
    return {
      value: of(predicted).dataSync().slice() as Float64Array,
      gradient: grad((q: Tensor) => sum(of(q)))(predicted)
        .dataSync()
        .slice() as Float64Array,
    };
  });
}

function positionsByPrompt({ log, roundIndex }: EvaluationRows): ReadonlyMap<string, number[]> {
  const positions = new Map<string, number[]>();
  roundIndex.forEach((i, r) => {
    const key = promptKey(log.prompts[i]);
    const own = positions.get(key);
    if (own === undefined) positions.set(key, [r]);
    else own.push(r);
  });
  return positions;
}

function preferredOf({ log }: EvaluationRows, i: number): Readonly<Record<string, number>> {
  const preferred = log.opinionDistributions?.[i];
  if (preferred !== undefined) return preferred;
  throw new PopeError(
    `round ${log.ids[i]} has no opinion_distribution; expected one on every round for diversity "distribution".`,
    { argument: 'opinion_distribution' },
  );
}

function assertMass({ log }: EvaluationRows, found: ReadonlyMap<string, number>, i: number): void {
  if ([...found.values()].some((p) => p > 0)) return;
  throw new PopeError(
    `the target gives every logged response of round ${log.ids[i]}'s prompt probability 0; expected some mass on the log, without which its opinions are unknown.`,
    { argument: 'target_log_prob' },
  );
}
