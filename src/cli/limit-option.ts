import { defaultLimits, type VerdictLimits } from '../ope/index.js';
import { invalid } from '../util/index.js';
import { choiceOption, numberOption, splitPair } from './options.js';

/** One --limit KEY=REFUSE[,WEAK]. */
export interface LimitOption {
  readonly key: LimitKey;
  readonly refuse: number;
  readonly weak: number | undefined;
}

const limitKeys = ['ess', 'ess_share', 'max_weight_share', 'pareto_k', 'mean_weight_errors'] as const;
type LimitKey = (typeof limitKeys)[number];

/** Below these a figure is bad; of the others it is bad above. */
const lowIsBad: readonly LimitKey[] = ['ess', 'ess_share'];

export const limitHelp =
  'a limit of the verdict, repeatable; KEY: ess, ess_share, max_weight_share, pareto_k, mean_weight_errors; for instance ess=10,100 refuses below 10 and calls weak below 100';

/** @throws PopeError for an unknown key, a number below 0, or weak on the wrong side of refuse. */
export function limitOption(text: string): LimitOption {
  const form = 'KEY=REFUSE or KEY=REFUSE,WEAK, for instance ess=10,100';
  const [name, values] = splitPair('--limit', text, form);
  const key = choiceOption('the key of --limit', limitKeys)(name);
  const numbers = values.split(',').map((part) => numberOption(`--limit ${key}`, 0)(part));
  const [refuse, weak] = numbers;
  if (numbers.length > 2 || (key === 'pareto_k' && weak !== undefined)) {
    throw invalid(
      '--limit',
      text,
      key === 'pareto_k' ? 'pareto_k=REFUSE (weak follows from the number of responses)' : form,
    );
  }
  if (weak !== undefined && (lowIsBad.includes(key) ? weak < refuse : weak > refuse)) {
    throw invalid(
      '--limit',
      text,
      `WEAK ${lowIsBad.includes(key) ? 'at least' : 'at most'} REFUSE, since it is the milder limit`,
    );
  }
  return { key, refuse, weak };
}

/** The default limits with the given ones put in; a WEAK not given stays the default, moved only so far that it stays the milder. */
export function limitsOf(given: readonly LimitOption[]): VerdictLimits {
  let limits = defaultLimits;
  for (const { key, refuse, weak } of given) {
    const pair = (before: { readonly weak: number }) => ({
      refuse,
      weak: weak ?? (lowIsBad.includes(key) ? Math.max(before.weak, refuse) : Math.min(before.weak, refuse)),
    });
    if (key === 'ess') limits = { ...limits, effectiveSampleSize: pair(limits.effectiveSampleSize) };
    else if (key === 'ess_share') limits = { ...limits, effectiveShare: pair(limits.effectiveShare) };
    else if (key === 'max_weight_share') limits = { ...limits, maxWeightShare: pair(limits.maxWeightShare) };
    else if (key === 'mean_weight_errors') limits = { ...limits, meanWeightErrors: pair(limits.meanWeightErrors) };
    else limits = { ...limits, paretoK: { refuse } };
  }
  return limits;
}
