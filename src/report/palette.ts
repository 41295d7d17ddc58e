/** Okabe and Ito's colours, which people with any usual colour vision tell apart; yellow is left out: too faint on white. */
export const PALETTE = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'] as const;

export const INK = '#1a1a1a';
export const SOFT_INK = '#555555';
export const GRID = '#e3e3e3';
export const MUTED = '#8a8a8a';
export const PAPER = '#ffffff';

/** The colour of the i-th series; the same again after the seventh, so figures also vary shape or position. */
export const colorOf = (index: number): string => PALETTE[index % PALETTE.length] as string;
