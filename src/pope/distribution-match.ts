import { grad } from '../autograd/index.js';
import { tensor } from '../backend/index.js';
import { promptKey } from '../ope/index.js';
import { sum } from '../ops/index.js';
import { scope, type Tensor } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import { classProbabilities, requireOpinions } from './class-probability.js';
import { classProbabilityErrors } from './class-probability-error.js';
import { distributionReward } from './diversity.js';
import type { EvaluationRows } from './evaluation-rows.js';
import { type PlugIn, plugInFrom, type RowBias } from './plug-in.js';

/** How a policy's opinions match what people prefer, by round; all [N]. */
export interface DistributionMatch {
  /** -JS(m(c|x), pi(c|x)) of each round, pi(c|x) pooled over the prompt's responses with feedback. */
  readonly reward: Float64Array;
  /**
   * What a round's own responses did to the pooled pi(c|x), to first order: its sum over the rounds of a prompt is 0, so
   * it leaves the mean alone and gives the standard error the part that estimating pi(c|x) costs.
   */
  readonly influence: Float64Array;
  readonly plugIn: PlugIn;
}

/**
 * The plug-in of D5 with its linearisation. With q the pooled probabilities of a prompt of n rounds, s_j the share of
 * response j in the prompt's weights and D = -JS, round k has the influence n (mean of dD/dq)(sum of its s_j (e_j - q)).
 * The bias is dD/dq times the bias of q and half of D's second derivative times its variance, summed over classes.
 * @param logRatio log rho of every response of the log; those without feedback are not pooled.
 * @throws PopeError where a round has no distribution, a response no opinion, or a prompt no weight at all.
 * @id D5
 */
export function distributionMatch(rows: EvaluationRows, logRatio: Float64Array): DistributionMatch {
  const { log, roundIndex } = rows;
  const estimated = classProbabilities(log, ofUsed(rows, logRatio));
  const { byPrompt, weightShare } = estimated;
  const errors = classProbabilityErrors(log, estimated);
  const opinions = requireOpinions(log);
  const [reward, influence] = [new Float64Array(roundIndex.length), new Float64Array(roundIndex.length)];
  const biases: RowBias[] = [];
  for (const { classes, prompts } of promptsByClasses(rows, byPrompt)) {
    const size = classes.length;
    const m = prompts.flatMap(({ positions }) => positions.map((r) => preferredOf(rows, roundIndex[r])));
    const preferred = Float64Array.from(m.flatMap((own) => classes.map((name) => own[name] ?? 0)));
    const predicted = Float64Array.from(
      prompts.flatMap(({ key, positions }) => {
        const q = classes.map((name) => byPrompt.get(key)!.get(name) ?? 0);
        return positions.flatMap(() => q);
      }),
    );
    const { value, gradient } = matchOf(preferred, predicted, size);
    let row = 0;
    for (const { key, positions } of prompts) {
      const off = errors.byPrompt.get(key)!;
      const first = row * size;
      const slope = new Map(
        classes.map((name, c) => [name, positions.reduce((sum, _, i) => sum + gradient[first + i * size + c], 0)]),
      );
      const level = classes.reduce((sum, name, c) => sum + predicted[first + c] * slope.get(name)!, 0);
      const moved = positions.map((r) => {
        let own = 0;
        for (let j = log.offsets[roundIndex[r]]; j < log.offsets[roundIndex[r] + 1]; j++)
          own += weightShare[j] * (slope.get(opinions[j])! - level);
        return own;
      });
      positions.forEach((r, i) => {
        reward[r] = value[row];
        influence[r] = moved[i];
        let [bias, extent, curved] = [0, 0, 0];
        classes.forEach((name, c) => {
          const [wanted, mass] = [preferred[row * size + c], predicted[row * size + c]];
          if (mass === 0) return;
          const ofBias = gradient[row * size + c] * off.bias.get(name)!;
          const ofVariance = (0.25 * wanted * off.variance.get(name)!) / (mass * (wanted + mass));
          bias += ofBias - ofVariance;
          extent += Math.abs(ofBias) + ofVariance;
          curved += ofVariance;
        });
        biases[r] = { bias, size: extent, curved };
        row++;
      });
    }
  }
  return {
    reward,
    influence,
    // a class that is wanted much more than it is said hides half of what it hides of an entropy
    plugIn: plugInFrom(rows, errors, (r) => biases[r], 0.5),
  };
}

/**
 * Weight 0 for responses that are left out (no feedback): what they do to pi(c|x) would be in no round's term, and so in no
 * standard error.
 */
function ofUsed({ responseIndex }: EvaluationRows, logRatio: Float64Array): Float64Array {
  const used = new Float64Array(logRatio.length).fill(-Infinity);
  for (const j of responseIndex) used[j] = logRatio[j];
  return used;
}

/** D5 of each round and its gradient in that round's q: rows of `size` classes. */
function matchOf(preferred: Float64Array, predicted: Float64Array, size: number) {
  return scope(() => {
    const shape = [preferred.length / size, size];
    const m = tensor(preferred, { shape });
    const q = tensor(predicted, { shape });
    const slopes = grad((q: Tensor) => sum(distributionReward(m, q)))(q);
    return {
      value: distributionReward(m, q).dataSync().slice() as Float64Array,
      gradient: slopes.dataSync().slice() as Float64Array,
    };
  });
}

interface PromptRounds {
  readonly key: string;
  /** Places among the rows. */
  readonly positions: readonly number[];
}

/** Prompts with the same opinions, logged or preferred, are one block of numbers. */
function promptsByClasses(
  rows: EvaluationRows,
  byPrompt: ReadonlyMap<string, ReadonlyMap<string, number>>,
): Iterable<{ readonly classes: readonly string[]; readonly prompts: readonly PromptRounds[] }> {
  const blocks = new Map<string, { classes: string[]; prompts: PromptRounds[] }>();
  for (const [key, positions] of positionsByPrompt(rows)) {
    const found = byPrompt.get(key)!;
    assertMass(rows, found, rows.roundIndex[positions[0]]);
    const wanted = positions.flatMap((r) => Object.keys(preferredOf(rows, rows.roundIndex[r])));
    const classes = [...new Set([...wanted, ...found.keys()])].sort();
    const name = JSON.stringify(classes);
    const block = blocks.get(name) ?? { classes, prompts: [] };
    block.prompts.push({ key, positions });
    blocks.set(name, block);
  }
  return blocks.values();
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
