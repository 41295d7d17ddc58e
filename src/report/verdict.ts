import type { ResultWarning, VerdictResult } from './result.js';

const MEANING: Readonly<Record<VerdictResult['level'], string>> = {
  supported: 'The log supports this estimate',
  weak: 'The log supports this estimate only weakly; read the interval, not the number',
  refused: 'The log does not support an estimate, and the numbers must not be used',
};

/** The verdict in words: what it means, then each of its reasons. */
export function verdictSentence({ level, reasons }: VerdictResult): string {
  const given = reasons.map((reason) => reason.trim().replace(/[.\s]+$/, '')).filter((reason) => reason !== '');
  return given.length === 0 ? `${MEANING[level]}.` : `${MEANING[level]}. Why: ${given.join('; ')}.`;
}

/** One line a warning, the stable code in brackets: for terminals and lists alike. */
export const warningList = (warnings: readonly ResultWarning[]): string[] =>
  warnings.map(({ code, message }) => `${message.trim()} [${code}]`);
