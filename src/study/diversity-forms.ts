import { evaluate } from '../pope/index.js';
import type { ChoiceContext, PolicyData } from './policy-training.js';
import type { Json } from './study.js';

export const diversityForms = ['surprisal', 'anchored', 'coverage', 'slate', 'distribution'] as const;
export type DiversityForm = (typeof diversityForms)[number];

/** One form of diversity of a policy: what it is, and what the validation log says of it. */
export interface FormRecord {
  readonly [key: string]: Json;
  readonly exact: number;
  /** The same with each context as often as the validation log has it: what the estimate is of. */
  readonly exactOnLog: number;
  readonly plain: FormEstimate;
  /** With the told bias taken off; null where the form is no plug-in. */
  readonly corrected: FormEstimate | null;
  /** Of the evaluation, whose weights are the same for every form. */
  readonly verdict: string;
}

export interface FormEstimate {
  readonly [key: string]: Json;
  readonly estimate: number | null;
  /** Null where the tool gives no interval. */
  readonly lower: number | null;
  readonly upper: number | null;
}

/** What a policy is measured in: where it acts, how often, and what people there prefer. */
export interface FormSetting extends PolicyData {
  /** Weight of each context; they sum to 1. */
  readonly weights: readonly number[];
  /** A distribution over opinions for each context: what `distribution` should match. */
  readonly preferred: readonly Readonly<Record<string, number>>[];
  /** Responses a slate. */
  readonly slate: 2 | 3;
}

/** Every form of a policy, exact over the candidates, beside its estimate from the validation log. */
export function formRecords(
  setting: FormSetting,
  logProbs: readonly Float64Array[],
  seed: number,
): Record<DiversityForm, FormRecord> {
  const { contexts, weights, preferred, slate } = setting;
  const { log } = setting.valid;
  const logProb = logOf(setting, logProbs);
  const exact = contexts.map((context, x) => exactForms(context, logProbs[x]!, preferred[x]!, slate));
  const onLog = contexts.map(({ prompt }) => log.prompts.filter((p) => p === prompt).length / log.rounds);
  const meanBy = (shares: readonly number[], form: DiversityForm): number =>
    exact.reduce((sum, own, x) => sum + shares[x]! * own[form], 0);
  const record = (form: DiversityForm): FormRecord => {
    const found = (biasCorrected: boolean): { estimate: FormEstimate; verdict: string } => {
      const { diversity, verdict } = evaluate(log, {
        signals: [{ name: 'agree', transform: 'identity', weight: 1 }],
        diversity: form,
        estimators: ['snips', 'joint_ips'],
        targets: { policy: { logProb } },
        biasCorrected,
        seed,
      }).targets['policy']!;
      const own = diversity['snips'] ?? diversity['joint_ips'];
      const { estimate, lower, upper } = own ?? { estimate: null, lower: null, upper: null };
      return { estimate: { estimate, lower, upper }, verdict: verdict.level };
    };
    const { estimate, verdict } = found(false);
    return {
      exact: meanBy(weights, form),
      exactOnLog: meanBy(onLog, form),
      plain: estimate,
      corrected: form === 'coverage' || form === 'distribution' ? found(true).estimate : null,
      verdict,
    };
  };
  return Object.fromEntries(diversityForms.map((form) => [form, record(form)])) as Record<DiversityForm, FormRecord>;
}

/** log pi of every response of the validation log. */
export function logOf({ contexts, valid: { log } }: PolicyData, logProbs: readonly Float64Array[]): Float64Array {
  const placeOf = new Map(
    contexts.map(({ prompt, candidates }, x) => [
      prompt,
      { x, of: new Map(candidates.map(({ text }, k) => [text, k])) },
    ]),
  );
  const logProb = new Float64Array(log.responseCount);
  log.prompts.forEach((prompt, i) => {
    const { x, of } = placeOf.get(prompt as string)!;
    for (let j = log.offsets[i]!; j < log.offsets[i + 1]!; j++) logProb[j] = logProbs[x]![of.get(log.responses[j]!)!]!;
  });
  return logProb;
}

/** The forms of one context: entropy, -KL to the log, entropy of opinions, expected slate entropy, -Jensen-Shannon. */
export function exactForms(
  { candidates, logging }: ChoiceContext,
  logProb: Float64Array,
  preferred: Readonly<Record<string, number>>,
  slate: 2 | 3,
): Record<DiversityForm, number> {
  const p = logProb.map(Math.exp);
  const classes: Record<string, number> = {};
  let [entropy, kl] = [0, 0];
  p.forEach((mass, k) => {
    const { opinion } = candidates[k]!;
    classes[opinion] = (classes[opinion] ?? 0) + mass;
    entropy -= xLogX(mass);
    if (mass > 0) kl += mass * (logProb[k]! - logging[k]!);
  });
  return {
    surprisal: entropy,
    anchored: -kl,
    coverage: entropyOf(Object.values(classes)),
    slate: expectedSlateEntropy(p, slate),
    distribution: negativeJensenShannon(preferred, classes),
  };
}

/** -JS(m, q) = (H(m) + H(q))/2 - H((m + q)/2) (D5), of two distributions by name, in [-log 2, 0]. */
export function negativeJensenShannon(
  preferred: Readonly<Record<string, number>>,
  found: Readonly<Record<string, number>>,
): number {
  const names = [...new Set([...Object.keys(preferred), ...Object.keys(found)])];
  const m = names.map((name) => preferred[name] ?? 0);
  const q = names.map((name) => found[name] ?? 0);
  return (entropyOf(m) + entropyOf(q)) / 2 - entropyOf(m.map((mass, c) => (mass + q[c]!) / 2));
}

const entropyOf = (masses: readonly number[]): number => -masses.reduce((sum, mass) => sum + xLogX(mass), 0);

const xLogX = (x: number): number => (x > 0 ? x * Math.log(x) : 0);

/** E[H(S)] (D4) over slates of `n` independent draws from `p`: a sum over all of them. */
export function expectedSlateEntropy(p: Float64Array, n: 2 | 3): number {
  const terms = p.map(xLogX);
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    for (let j = 0; j < i; j++) {
      const [mass, negentropy] = [p[i]! + p[j]!, terms[i]! + terms[j]!];
      if (mass === 0) continue;
      const both = Math.log(mass) - negentropy / mass;
      // two that differ, in any order; of three, one of them twice
      sum += (n === 2 ? 2 : 3 * mass) * p[i]! * p[j]! * both;
      if (n === 2) continue;
      for (let k = 0; k < j; k++) {
        const all = mass + p[k]!;
        sum += 6 * p[i]! * p[j]! * p[k]! * (Math.log(all) - (negentropy + terms[k]!) / all);
      }
    }
  }
  return sum;
}
