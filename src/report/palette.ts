/** Okabe and Ito's colours, which people with any usual colour vision tell apart; yellow is left out: too faint on white. */
export const PALETTE = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'] as const;

export const INK = '#1a1a1a';
export const SOFT_INK = '#555555';
export const GRID = '#e3e3e3';
export const MUTED = '#8a8a8a';
export const PAPER = '#ffffff';

/**
 * The colour of the i-th series. The first is the logging policy's and comes only once; the others come again after the
 * seventh, so figures also vary shape or position.
 */
export const colorOf = (index: number): string =>
  PALETTE[index < 1 ? 0 : 1 + ((index - 1) % (PALETTE.length - 1))] as string;

/** What figures call the logging policy. */
const LOGGING: ReadonlySet<string> = new Set(['logging', 'logging policy']);

/**
 * The palette's index of each policy, by its position among `names`, so that a policy looks the same in every figure:
 * 0 for the logging policy, named or not; the others count on from `firstColor`.
 * @param names all policies in their common order, also those that a figure cannot draw.
 */
export function policyColors(names: Iterable<string>, firstColor = 1): ReadonlyMap<string, number> {
  const indices = new Map<string, number>();
  let next = firstColor;
  for (const name of names) if (!indices.has(name)) indices.set(name, LOGGING.has(name) ? 0 : next++);
  return indices;
}
