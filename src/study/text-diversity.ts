// Measures of the spread of texts that know nothing of policies or opinions.

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];

function gramsOf(words: readonly string[], n: number): string[] {
  return words.slice(0, Math.max(0, words.length - n + 1)).map((_, i) => words.slice(i, i + n).join(' '));
}

/** Distinct bigrams over all bigrams of the texts together, in (0, 1]; 1 where there is none. */
export function distinctBigrams(texts: readonly string[]): number {
  const all = texts.flatMap((text) => gramsOf(wordsOf(text), 2));
  return all.length === 0 ? 1 : new Set(all).size / all.length;
}

/** Mean BLEU (up to four words, no brevity penalty, 0.1 for a count of 0) of each text against all others, in [0, 1]: high where texts repeat. */
export function selfBleu(texts: readonly string[]): number {
  const grams = texts.map((text) => [1, 2, 3, 4].map((n) => gramsOf(wordsOf(text), n)));
  const counts = grams.map((byN) => byN.map(countsOf));
  const scores = grams.map((own, i) => {
    const logs = own.flatMap((list, n) => {
      if (list.length === 0) return [];
      let matched = 0;
      for (const [gram, count] of counts[i]![n]!) {
        let most = 0;
        counts.forEach((other, j) => {
          if (j !== i) most = Math.max(most, other[n]!.get(gram) ?? 0);
        });
        matched += Math.min(count, most);
      }
      return [Math.log(Math.max(matched, 0.1) / list.length)];
    });
    return logs.length === 0 ? 0 : Math.min(1, Math.exp(logs.reduce((s, l) => s + l, 0) / logs.length));
  });
  return scores.reduce((s, v) => s + v, 0) / scores.length;
}

function countsOf(list: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const gram of list) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  return counts;
}
