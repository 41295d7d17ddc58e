import { categorical, normal, permutation, type Random, uniformInt } from '../random/index.js';
import { PopeError } from '../util/index.js';
import { parseCsvRows } from './csv-rows.js';
import type { ChoiceContext } from './policy-training.js';
import type { StudyOptions } from './study.js';

/** Captions of the New Yorker contest as a problem of choice: half of the votes make the log, the other half judges. */
export interface CaptionProblem {
  /** Contests; the opinion of a caption is its class, from the logged half. */
  readonly contexts: readonly ChoiceContext[];
  /** Share of votes better than "unfunny": of the half that the log is made of, and of the half that judges. */
  readonly logged: readonly (readonly number[])[];
  readonly judged: readonly (readonly number[])[];
  /** What the logged half likes: the sum of a class's shares of votes better than "unfunny", over that of all captions. */
  readonly preferred: readonly Readonly<Record<string, number>>[];
}

const CONTESTS = ['540', '636', '640', '642', '643', '646'];
const CAPTIONS = 200;
const LEVELS = ['unfunny', 'somewhat_funny', 'funny'] as const;

export async function captionProblem({ read, size }: StudyOptions, random: Random): Promise<CaptionProblem> {
  const file = 'caption-contest/captions-dense.csv.gz';
  const rows = parseCsvRows(await read(file), file, ['contest', ...LEVELS, 'caption']);
  const [contexts, logged, judged]: [ChoiceContext[], number[][], number[][]] = [[], [], []];
  const preferred: Record<string, number>[] = [];
  const many = size === 'quick' ? 40 : CAPTIONS;
  for (const contest of size === 'quick' ? CONTESTS.slice(0, 2) : CONTESTS) {
    const own = rows.filter((row) => row['contest'] === contest);
    if (own.length < many)
      throw new PopeError(`${file} has ${own.length} captions of contest ${contest}; expected at least ${many}.`, {
        code: 'bad_file',
        file,
      });
    const chosen = permutation(random, own.length).subarray(0, many);
    const scores = Array.from({ length: many }, () => 0.7 * normal(random));
    const total = Math.log(scores.reduce((sum, s) => sum + Math.exp(s), 0));
    const halves = [...chosen].map((i) => {
      const votes = LEVELS.map((level) => Number(own[i]![level]));
      if (!votes.every((count) => Number.isInteger(count) && count >= 0))
        throw new PopeError(
          `${file} has votes ${votes.join(', ')} for a caption of contest ${contest}; expected whole numbers of at least 0.`,
          { code: 'bad_file', file },
        );
      const all = votes.flatMap((count, level) => new Array<number>(count).fill(level));
      const order = permutation(random, all.length);
      const levels = (part: Int32Array): number[] => Array.from(part, (k) => all[k]!);
      return [levels(order.subarray(0, all.length >> 1)), levels(order.subarray(all.length >> 1))] as const;
    });
    const classes = voteClasses(halves.map(([a]) => a));
    contexts.push({
      prompt: `contest ${contest}`,
      logging: Float64Array.from(scores, (s) => s - total),
      candidates: [...chosen].map((i, k) => ({ text: `${i}: ${own[i]!['caption']!}`, opinion: classes[k]! })),
    });
    const liked = halves.map(([a]) => shareOf(a, (level) => level > 0));
    logged.push(liked);
    judged.push(halves.map(([, b]) => shareOf(b, (level) => level > 0)));
    const all = liked.reduce((sum, share) => sum + share, 0);
    const mass: Record<string, number> = {};
    liked.forEach((share, k) => {
      mass[classes[k]!] = (mass[classes[k]!] ?? 0) + share / all;
    });
    preferred.push(mass);
  }
  return { contexts, logged, judged, preferred };
}

const shareOf = (votes: readonly number[], counts: (level: number) => boolean): number =>
  votes.length === 0 ? 0 : votes.filter(counts).length / votes.length;

/**
 * What kind of reception a caption has: `disliked`, the third with the lowest mean score; of the others `divided`, the
 * half where fewer say "somewhat funny", which is where votes lie at the ends; else `liked`.
 */
function voteClasses(votes: readonly (readonly number[])[]): string[] {
  const scores = votes.map((own) => own.reduce((sum, level) => sum + level, 0) / Math.max(1, own.length));
  const order = [...votes.keys()].sort((a, b) => scores[a]! - scores[b]!);
  const third = Math.floor(votes.length / 3);
  const classes = new Array<string>(votes.length).fill('disliked');
  const middle = (k: number): number => shareOf(votes[k]!, (level) => level === 1);
  const rest = order.slice(third).sort((a, b) => middle(a) - middle(b));
  rest.forEach((k, place) => {
    classes[k] = place < rest.length >> 1 ? 'divided' : 'liked';
  });
  return classes;
}

/** Rounds of the log: a contest, captions drawn from its logging policy, and a vote on each from the logged half. */
export function captionRecords(
  { contexts, logged, preferred }: CaptionProblem,
  rounds: number,
  slate: number,
  random: Random,
): Record<string, unknown>[] {
  return Array.from({ length: rounds }, () => {
    const x = uniformInt(random, contexts.length);
    const { prompt, logging, candidates } = contexts[x]!;
    const p = logging.map(Math.exp);
    return {
      prompt,
      opinion_distribution: preferred[x]!,
      responses: Array.from({ length: slate }, () => {
        const k = categorical(random, p);
        return {
          text: candidates[k]!.text,
          opinion: candidates[k]!.opinion,
          log_propensity: logging[k],
          feedback: { agree: categorical(random, [1 - logged[x]![k]!, logged[x]![k]!]) },
        };
      }),
    };
  });
}
