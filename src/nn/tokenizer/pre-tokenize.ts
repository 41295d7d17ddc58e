// White_Space and not \s: JavaScript's \s has U+FEFF and lacks U+0085, and would split otherwise than GPT-2 does.
const GPT2 =
  /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/**
 * Cuts text as GPT-2 does into contractions, words, numbers and punctuation, each with the one space before it, and
 * runs of white space. No merge crosses a cut. The pieces joined are the text.
 */
export const preTokenize = (text: string): string[] => text.match(GPT2) ?? [];
