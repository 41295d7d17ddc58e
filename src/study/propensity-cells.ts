import { logFromRecords } from '../data/index.js';
import { evaluate } from '../pope/index.js';
import { categorical, seededRandom, uniformInt } from '../random/index.js';
import { drawProblem } from './generated-problem.js';
import { type Draw, type Mistake, total } from './propensity-mistakes.js';
import type { Json } from './study.js';

export interface PropensityRecord {
  readonly [key: string]: Json;
  readonly mistake: string;
  readonly repetitions: number;
  /** Mean over logs of the largest |log of recorded over true|, and of its mean. */
  readonly largestError: number;
  readonly meanError: number;
  readonly bias: number;
  readonly biasError: number;
  readonly rmse: number;
  readonly covered: number;
  /** Logs whose T13 band at the first tabled eta of at least the largest error holds the value; of so many that have one. */
  readonly bandCovered: number;
  readonly bands: number;
  /** The same of the band of T2, which is about ips. */
  readonly ipsBandCovered: number;
  /** Width of the T13 bands. */
  readonly bandWidth: number;
  readonly weak: number;
  readonly refused: number;
  /** Of the logs whose interval misses, those with the verdict "supported". */
  readonly overlooked: number;
  /** Median eta at which the conclusion (better than the logger) would tip; null where it never holds. */
  readonly tippingPoint: number | null;
}

const ROUNDS = 600;

/** Logs of generated problems whose propensities were recorded wrongly in one way, judged as if they were right. */
export function propensityCell(mistake: Mistake, repetitions: number, seed: number): PropensityRecord {
  const random = seededRandom(seed);
  const errors: number[] = [];
  const tips: number[] = [];
  let [largest, meanAbsolute, bandWidth] = [0, 0, 0];
  let [covered, bandCovered, ipsBandCovered, bands, weak, refused, overlooked] = [0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < repetitions; k++) {
    const problem = drawProblem({ divergence: 0.5, correlation: 0.5 }, random);
    const draws = Array.from({ length: ROUNDS }, (): Draw => {
      const context = uniformInt(random, problem.logging.length);
      const row = problem.logging[context]!;
      return { context, response: categorical(random, mistake.draw?.(row) ?? row) };
    });
    const recorded = mistake.record(draws, problem, random);
    const off = recorded.map((p, i) => {
      const { context, response } = draws[i]!;
      const row = problem.logging[context]!;
      return Math.abs(p - Math.log((mistake.draw?.(row) ?? row)[response]!));
    });
    const most = Math.max(...off);
    largest += most / repetitions;
    meanAbsolute += total(off) / off.length / repetitions;
    const value =
      total(problem.target.map((row, x) => row.reduce((sum, p, y) => sum + p * problem.reward[x]![y]!, 0))) /
      problem.target.length;
    const { utility, verdict, sensitivity } = evaluate(
      logFromRecords(
        draws.map(({ context, response }, i) => ({
          prompt: `x${context}`,
          responses: [
            {
              text: `y${response}`,
              log_propensity: recorded[i],
              target_log_prob: { target: Math.log(problem.target[context]![response]!) },
              feedback: {
                up: categorical(random, [1 - problem.reward[context]![response]!, problem.reward[context]![response]!]),
              },
            },
          ],
        })),
      ),
      {
        signals: [{ name: 'up', transform: 'identity', weight: 1 }],
        diversity: 'none',
        estimators: ['snips', 'ips'],
        seed: k,
      },
    ).targets['target']!;
    const { estimate, lower, upper } = utility['snips']!;
    errors.push(estimate! - value);
    const holds = lower! <= value && value <= upper!;
    if (holds) covered++;
    if (verdict.level === 'weak') weak++;
    if (verdict.level === 'refused') refused++;
    if (!holds && verdict.level === 'supported') overlooked++;
    if (sensitivity !== null) {
      const at = sensitivity.eta.findIndex((eta) => eta >= most);
      const band = at < 0 ? undefined : sensitivity.utility[at];
      if (band !== undefined && band.lower !== null && band.upper !== null) {
        // the band is about propensities alone: chance is on top of it
        const reach = (upper! - lower!) / 2;
        bands++;
        bandWidth += band.upper - band.lower;
        if (band.lower - reach <= value && value <= band.upper + reach) bandCovered++;
        const [plain, own] = [sensitivity.ips[at]!, utility['ips']!];
        const chance = (own.upper! - own.lower!) / 2;
        if (
          plain.lower !== null &&
          plain.upper !== null &&
          plain.lower - chance <= value &&
          value <= plain.upper + chance
        )
          ipsBandCovered++;
      }
      if (sensitivity.tipping_point !== null) tips.push(sensitivity.tipping_point);
    }
  }
  const bias = total(errors) / errors.length;
  const spread = Math.sqrt(total(errors.map((e) => (e - bias) ** 2)) / errors.length);
  tips.sort((a, b) => a - b);
  return {
    mistake: mistake.name,
    repetitions,
    largestError: largest,
    meanError: meanAbsolute,
    bias,
    biasError: spread / Math.sqrt(errors.length),
    rmse: Math.hypot(bias, spread),
    covered: covered,
    bandCovered: bandCovered,
    ipsBandCovered: ipsBandCovered,
    bands: bands,
    bandWidth: bands === 0 ? 0 : bandWidth / bands,
    weak: weak,
    refused: refused,
    overlooked: overlooked,
    tippingPoint: tips.length === 0 ? null : tips[tips.length >> 1]!,
  };
}
