const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const ZERO = /[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u;

/** Columns that a text takes in a terminal: 2 for East Asian wide characters and emoji, 0 for combining ones. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += ZERO.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** About how many pixels a text takes in a sans-serif face at `size` pixels: a little generous, as labels must not overlap. */
export function pixelWidth(text: string, size: number): number {
  let em = 0;
  for (const character of text) {
    if (ZERO.test(character)) continue;
    if (WIDE.test(character)) em += 1.05;
    else if (/[ilj.,:;'|!()[\]ft ]/.test(character)) em += 0.35;
    else if (/[mwMW@%—]/.test(character)) em += 0.95;
    else if (/[A-Z]/.test(character)) em += 0.72;
    else em += 0.58;
  }
  return em * size;
}

/** The text cut, with an ellipsis, to what fits. */
export function ellipsize(text: string, limit: number, widthOf: (text: string) => number): string {
  if (widthOf(text) <= limit) return text;
  const characters = [...text];
  while (characters.length > 0 && widthOf(`${characters.join('')}…`) > limit) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}
