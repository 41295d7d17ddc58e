import { seededRandom } from '../random/index.js';
import { type CaptionProblem, captionProblem, captionRecords } from './caption-problem.js';
import { type DiversityForm, type FormRecord, type FormSetting, formRecords } from './diversity-forms.js';
import { PRICE, textMeasures } from './policy-cells.js';
import { type ChoiceContext, type PolicyPlan, rowsOf, trainTable } from './policy-training.js';
import { oncePerSeed, seedsOf } from './seeds.js';
import type { Cell, Json, StudyOptions } from './study.js';

/** A policy over captions, trained on one half of the votes and judged by the other. */
export interface CaptionRecord {
  readonly [key: string]: Json;
  readonly part: 'captions';
  readonly plan: string;
  readonly seed: number;
  /** Share of the judging votes better than "unfunny". */
  readonly utility: number;
  readonly alarms: readonly string[];
  readonly distinctBigrams: number;
  readonly selfBleu: number;
  readonly forms: Readonly<Record<DiversityForm, FormRecord>>;
}

interface CaptionSetting extends FormSetting {
  readonly problem: CaptionProblem;
}

/** Rounds a contest that are learnt from; a third as many choose. */
const ROUNDS = 500;
const SLATE = 3;

export function captionCells(plans: readonly PolicyPlan[], options: StudyOptions): Cell<CaptionRecord>[] {
  const settingOf = oncePerSeed((seed) => captionSetting(seed, options));
  return seedsOf(options).flatMap((seed) =>
    [null, ...plans].map((plan) => ({
      key: `captions, ${plan?.name ?? 'logging'}, seed ${seed}`,
      run: async () => {
        const setting = await settingOf(seed);
        const { logProbs, alarms } =
          plan === null
            ? { logProbs: setting.contexts.map(({ logging }) => logging), alarms: [] }
            : await trainTable(plan, setting, seed, PRICE, options.signal);
        return {
          part: 'captions',
          plan: plan?.name ?? 'logging',
          seed,
          utility: utilityOf(setting.problem, logProbs),
          alarms,
          ...textMeasures(setting.contexts.map(plainTexts), logProbs, seed),
          forms: formRecords(setting, logProbs, seed),
        };
      },
    })),
  );
}

async function captionSetting(seed: number, options: StudyOptions): Promise<CaptionSetting> {
  const random = seededRandom(seed);
  const problem = await captionProblem(options, random);
  const { contexts, preferred } = problem;
  const rounds = (options.size === 'quick' ? 60 : ROUNDS) * contexts.length;
  return {
    problem,
    contexts,
    preferred,
    weights: contexts.map(() => 1 / contexts.length),
    slate: SLATE,
    train: rowsOf(captionRecords(problem, rounds, SLATE, random), contexts),
    valid: rowsOf(captionRecords(problem, rounds / 3, SLATE, random), contexts),
  };
}

/** Without the numbers that tell equal captions apart. */
const plainTexts = (context: ChoiceContext): ChoiceContext => ({
  ...context,
  candidates: context.candidates.map(({ text, opinion }) => ({ text: text.slice(text.indexOf(': ') + 2), opinion })),
});

function utilityOf({ judged }: CaptionProblem, logProbs: readonly Float64Array[]): number {
  let sum = 0;
  logProbs.forEach((row, x) => {
    row.forEach((logProb, k) => {
      sum += Math.exp(logProb) * judged[x]![k]!;
    });
  });
  return sum / logProbs.length;
}
