import type { ResultWarning, TargetResult, VerdictResult } from './result.js';

const MEANING: Readonly<Record<VerdictResult['level'], string>> = {
  supported: 'The log supports this estimate',
  weak: 'The log supports this estimate only weakly; read the interval, not the number',
  refused: 'The log does not support an estimate, and the numbers must not be used',
};

/** The verdict in words: what it means, then each of its reasons. */
export function verdictSentence(
  { level, reasons }: VerdictResult,
  target?: Pick<TargetResult, 'diversity' | 'diversity_bias'>,
): string {
  const given = reasons.map((reason) => reason.trim().replace(/[.\s]+$/, '')).filter((reason) => reason !== '');
  const meant = `${MEANING[level]}${level !== 'refused' && target !== undefined && isUntold(target) ? ' of the utility; its diversity and value have no interval (see the warnings)' : ''}.`;
  return given.length === 0 ? meant : `${meant} Why: ${given.join('; ')}.`;
}

/** Is there a diversity of estimated classes that the log does not tell well enough for any interval? */
const isUntold = ({ diversity, diversity_bias }: Pick<TargetResult, 'diversity' | 'diversity_bias'>): boolean => {
  const entries = Object.values(diversity).filter((entry) => entry !== undefined);
  return (
    diversity_bias !== undefined &&
    entries.some(({ std_error }) => std_error !== null) &&
    entries.every(({ lower, upper }) => lower === null && upper === null)
  );
};

/** One line a warning, the stable code in brackets: for terminals and lists alike. */
export const warningList = (warnings: readonly ResultWarning[]): string[] =>
  warnings.map(({ code, message }) => `${message.trim()} [${code}]`);
