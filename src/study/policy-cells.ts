import { evaluate } from '../pope/index.js';
import { categorical, seededRandom } from '../random/index.js';
import { logOf } from './diversity-forms.js';
import { type ChoiceContext, type PolicyPlan, trainTable } from './policy-training.js';
import { type PolisSetting, polisSetting } from './polis-setting.js';
import { oncePerSeed, seedsOf } from './seeds.js';
import type { Cell, Json, StudyOptions } from './study.js';
import { distinctBigrams, selfBleu } from './text-diversity.js';

/** A trained policy by what the log says, what held-out people say, and what knows nothing of either. */
export interface PolicyRecord {
  readonly [key: string]: Json;
  readonly plan: string;
  readonly seed: number;
  /** On validation rounds, by `evaluate` (snips). */
  readonly estimate: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly verdict: string;
  /** Of the participants who judge, exact. */
  readonly utility: number;
  readonly kl: number;
  readonly worstGroup: number;
  readonly alarms: readonly string[];
  readonly independent: {
    /** Entropy of opinion classes, nats: labels that only `coverage` saw in training. */
    readonly classEntropy: number;
    readonly distinctBigrams: number;
    readonly selfBleu: number;
    /** Chance that a preference model fitted to half of the judges likes its statement better than the logger's. */
    readonly winRate: number;
    /** Agreement among the other half. */
    readonly otherHalf: number;
  };
}

/** What a nat of KL costs in agreement: for choosing learning rates and for comparing methods, the same everywhere. */
export const PRICE = 0.1;
const SAMPLES = 24;

/**
 * A cell for every plan and seed; the first plan of a seed is always the logging policy itself.
 * @param more what else is told of each policy.
 */
export function policyCells<More extends Record<string, Json>>(
  plans: readonly PolicyPlan[],
  options: StudyOptions,
  more: (setting: PolisSetting, logProbs: readonly Float64Array[], seed: number) => More = () => ({}) as More,
): Cell<PolicyRecord & More>[] {
  const settingOf = oncePerSeed(async (seed) =>
    polisSetting(await options.read('package:polis-demo.json'), seed, (all) =>
      options.size === 'quick' ? all.slice(1, 3) : all,
    ),
  );
  return seedsOf(options).flatMap((seed) => [
    {
      key: `logging, seed ${seed}`,
      run: async () => {
        const setting = await settingOf(seed);
        const logProbs = setting.contexts.map(({ logging }) => logging);
        return { ...judged('logging', seed, setting, logProbs, []), ...more(setting, logProbs, seed) };
      },
    },
    ...plans.map(
      (plan): Cell<PolicyRecord & More> => ({
        key: `${plan.name}, seed ${seed}`,
        run: async () => {
          const setting = await settingOf(seed);
          const { logProbs, alarms } = await trainTable(plan, setting, seed, PRICE, options.signal);
          return { ...judged(plan.name, seed, setting, logProbs, alarms), ...more(setting, logProbs, seed) };
        },
      }),
    ),
  ]);
}

function judged(
  plan: string,
  seed: number,
  setting: PolisSetting,
  logProbs: readonly Float64Array[],
  alarms: readonly string[],
): PolicyRecord {
  const logProb = logOf(setting, logProbs);
  const { utility, verdict } = evaluate(setting.valid.log, {
    signals: [{ name: 'agree', transform: 'identity', weight: 1 }],
    diversity: 'none',
    estimators: ['snips'],
    targets: { policy: { logProb } },
    seed,
  }).targets['policy']!;
  const truth = setting.truth(logProbs, PRICE);
  return {
    plan,
    seed,
    estimate: utility['snips']?.estimate ?? null,
    lower: utility['snips']?.lower ?? null,
    upper: utility['snips']?.upper ?? null,
    verdict: verdict.level,
    utility: truth.utility,
    kl: -truth.diversity,
    worstGroup: truth.worstGroupUtility,
    alarms,
    independent: {
      classEntropy: truth.coverage,
      ...textMeasures(setting.contexts, logProbs, seed),
      ...preference(setting, logProbs),
    },
  };
}

/** Of texts drawn from a policy. */
export function textMeasures(contexts: readonly ChoiceContext[], logProbs: readonly Float64Array[], seed: number) {
  const random = seededRandom(seed + 1);
  const measures = contexts.map(({ candidates }, x) => {
    const texts = Array.from(
      { length: SAMPLES },
      () => candidates[categorical(random, logProbs[x]!.map(Math.exp))]!.text,
    );
    return { distinct: distinctBigrams(texts), bleu: selfBleu(texts) };
  });
  const mean = (f: (m: (typeof measures)[number]) => number): number =>
    measures.reduce((s, m) => s + f(m), 0) / measures.length;
  return { distinctBigrams: mean((m) => m.distinct), selfBleu: mean((m) => m.bleu) };
}

/** Every second judge fits the preference model; the others vote. */
function preference({ judges, problemContexts }: PolisSetting, logProbs: readonly Float64Array[]) {
  let [wins, agreement, weight, voters] = [0, 0, 0, 0];
  problemContexts.forEach((context, x) => {
    const own = judges.filter((round) => round.context === context);
    const [fit, other] = [own.filter((_, i) => i % 2 === 0), own.filter((_, i) => i % 2 === 1)];
    const p = logProbs[x]!.map(Math.exp);
    const liked = Array.from(
      p,
      (_, k) => (1 + fit.filter(({ participant }) => participant.votes[k] === 1).length) / (2 + fit.length),
    );
    let win = 0;
    p.forEach((a, k) => {
      context.logging.forEach((l, m) => {
        win +=
          a *
          Math.exp(l) *
          (liked[k]! * (1 - liked[m]!) + 0.5 * (liked[k]! * liked[m]! + (1 - liked[k]!) * (1 - liked[m]!)));
      });
    });
    wins += win * own.length;
    weight += own.length;
    for (const { participant } of other)
      p.forEach((mass, k) => void (agreement += participant.votes[k] === 1 ? mass : 0));
    voters += other.length;
  });
  return { winRate: wins / weight, otherHalf: agreement / voters };
}
