import type { ResultWarning, TargetResult, VerdictResult } from './result.js';

const MEANING: Readonly<Record<VerdictResult['level'], string>> = {
  supported: 'The log supports this estimate',
  weak: 'The log supports this estimate only weakly; read the interval, not the number',
  refused: 'The log does not support an estimate, and the numbers must not be used',
};

type Figures = Pick<TargetResult, 'diversity' | 'value' | 'diversity_bias'>;

/** The verdict in words: what it means, what has no interval in spite of it, then each of its reasons. */
export function verdictSentence({ level, reasons }: VerdictResult, target?: Figures): string {
  const given = reasons.map((reason) => reason.trim().replace(/[.\s]+$/, '')).filter((reason) => reason !== '');
  const untold = level === 'refused' || target === undefined ? [] : withoutInterval(target);
  const but =
    untold.length === 0
      ? ''
      : ` Its ${untold.join(' and ')} ${untold.length === 1 ? 'has' : 'have'} no interval: see the warnings.`;
  return given.length === 0 ? `${MEANING[level]}.${but}` : `${MEANING[level]}.${but} Why: ${given.join('; ')}.`;
}

/** What rests on estimated class probabilities and has no interval by any estimator. */
function withoutInterval(target: Figures): readonly string[] {
  if (target.diversity_bias === undefined) return [];
  return (['diversity', 'value'] as const).filter((component) => {
    const entries = Object.values(target[component]).filter((entry) => entry !== undefined);
    return (
      entries.some(({ std_error }) => std_error !== null) &&
      entries.every(({ lower, upper }) => lower === null && upper === null)
    );
  });
}

/** One line a warning, the stable code in brackets: for terminals and lists alike. */
export const warningList = (warnings: readonly ResultWarning[]): string[] =>
  warnings.map(({ code, message }) => `${message.trim()} [${code}]`);
