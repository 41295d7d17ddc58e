import { logFromRecords } from '../data/index.js';
import { evaluate, type TargetResult } from '../pope/index.js';
import { categorical, seededRandom, uniformInt } from '../random/index.js';
import type { FormEstimate } from './diversity-forms.js';
import type { Json, StudyOptions } from './study.js';

/** The distributional form on survey answers: a policy's distance from what people answer, estimated and exact. */
export interface SurveyRecord {
  readonly [key: string]: Json;
  readonly policy: string;
  readonly seed: number;
  readonly questions: number;
  /** Logged rounds of each question, of four answers each. */
  readonly rounds: number;
  /** Minus the Jensen-Shannon divergence, mean over questions. */
  readonly exact: number;
  readonly plain: FormEstimate;
  /** With the told bias taken off. */
  readonly corrected: FormEstimate;
  /** What the tool says of the plain estimate's bias. */
  readonly bias: number;
  readonly agreement: number;
  readonly verdict: string;
}

export async function surveyExtreme(
  seed: number,
  rounds: number,
  { read, size }: StudyOptions,
): Promise<readonly SurveyRecord[]> {
  const random = seededRandom(seed);
  const questions = (await read('global-opinions/questions.jsonl'))
    .split('\n')
    .flatMap((line) =>
      line === ''
        ? []
        : [JSON.parse(line) as { id: string; options: string[]; distributions: Record<string, number[]> }],
    )
    .slice(0, size === 'quick' ? 20 : 200)
    .map(({ id, options, distributions }) => {
      const countries = Object.values(distributions);
      const mean = options.map((_, k) => countries.reduce((sum, d) => sum + (d[k] ?? 0), 0));
      const total = mean.reduce((s, v) => s + v, 0);
      return { id, options: options.map((text, k) => `${k}: ${text}`), preferred: mean.map((v) => v / total) };
    });
  const smooth = (row: readonly number[]): number[] => row.map((p) => 0.98 * p + 0.02 / row.length);
  const policies: Readonly<Record<string, (m: readonly number[]) => number[]>> = {
    uniform: (m) => m.map(() => 1 / m.length),
    'as people answer': smooth,
    'the majority answer': (m) => smooth(m.map((p) => (p === Math.max(...m) ? 1 : 0))),
    'tilted to the majority': (m) => {
      const mass = m.map((p) => p ** 2);
      const total = mass.reduce((s, v) => s + v, 0);
      return smooth(mass.map((v) => v / total));
    },
  };
  const records = questions.flatMap(({ id, options, preferred }) =>
    Array.from({ length: rounds }, () => ({
      prompt: id,
      opinion_distribution: Object.fromEntries(options.map((text, k) => [text, preferred[k]!])),
      responses: Array.from({ length: 4 }, () => {
        const k = uniformInt(random, options.length);
        return {
          text: options[k]!,
          opinion: options[k]!,
          propensity: 1 / options.length,
          target_log_prob: Object.fromEntries(
            Object.entries(policies).map(([name, of]) => [name, Math.log(of(preferred)[k]!)]),
          ),
          feedback: { agree: categorical(random, [1 - preferred[k]!, preferred[k]!]) },
        };
      }),
    })),
  );
  const log = logFromRecords(records);
  const [plain, corrected] = [false, true].map((biasCorrected) =>
    evaluate(log, {
      signals: [{ name: 'agree', transform: 'identity', weight: 1 }],
      diversity: 'distribution',
      estimators: ['snips'],
      biasCorrected,
      seed,
    }),
  );
  const estimateOf = ({ diversity }: TargetResult): FormEstimate => {
    const { estimate, lower, upper } = diversity['snips']!;
    return { estimate, lower, upper };
  };
  const divergence = (m: readonly number[], p: readonly number[]): number =>
    m.reduce((sum, a, k) => {
      const [b, half] = [p[k]!, (a + p[k]!) / 2];
      return sum + 0.5 * (a > 0 ? a * Math.log(a / half) : 0) + 0.5 * (b > 0 ? b * Math.log(b / half) : 0);
    }, 0);
  return Object.entries(policies).map(([policy, of]) => {
    const target = plain!.targets[policy]!;
    return {
      policy,
      seed,
      questions: questions.length,
      rounds,
      exact:
        -questions.reduce((sum, { preferred }) => sum + divergence(preferred, of(preferred)), 0) / questions.length,
      plain: estimateOf(target),
      corrected: estimateOf(corrected!.targets[policy]!),
      bias: target.diversity_bias ?? 0,
      agreement:
        questions.reduce((sum, { preferred }) => sum + of(preferred).reduce((s, p, k) => s + p * preferred[k]!, 0), 0) /
        questions.length,
      verdict: target.verdict.level,
    };
  });
}
