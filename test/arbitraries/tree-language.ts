import { fc } from '@fast-check/vitest';

/** After each prefix of fewer than `depth` letters: a probability for each letter of the alphabet, then the end's. */
export type NextToken = Readonly<Record<string, readonly number[]>>;

/** Two policies over the strings of at most `depth` letters of an alphabet: at `depth` letters a string ends by itself. */
export interface TreeLanguage {
  readonly alphabet: string;
  readonly depth: number;
  readonly target: NextToken;
  readonly logging: NextToken;
}

export interface TreeStep {
  readonly prefix: string;
  /** A letter, or $ for the end. */
  readonly token: string;
  /** pi(y_t | y_<t) and pi0(y_t | y_<t). */
  readonly target: number;
  readonly logging: number;
}

/** One response of the language, its steps (the end's included, where it is a choice) and its probabilities. */
export interface TreeResponse {
  /** Its letters, and $ where its end was chosen. */
  readonly text: string;
  readonly steps: readonly TreeStep[];
  readonly target: number;
  readonly logging: number;
}

const letters = 'abc';
/** After which prefixes of at most two letters a token is chosen. */
const prefixes = ['', ...[...letters].flatMap((first) => [first, ...[...letters].map((second) => first + second)])];

/**
 * Languages of 1 to 3 letters and depth 1 to 3. Drawn at the largest size and cut, so that shrinking keeps the numbers.
 * `deficient`: the target says the first letter, and pi0 never does (and other tokens perhaps neither).
 */
export function treeLanguage({
  support = 'full',
}: {
  readonly support?: 'full' | 'deficient';
} = {}): fc.Arbitrary<TreeLanguage> {
  const table = (least: number) =>
    fc.array(
      fc.array(fc.integer({ min: least, max: 6 }), { minLength: letters.length + 1, maxLength: letters.length + 1 }),
      { minLength: prefixes.length, maxLength: prefixes.length },
    );
  return fc
    .record({
      size: fc.integer({ min: 1, max: letters.length }),
      depth: fc.integer({ min: 1, max: 3 }),
      target: table(0),
      logging: table(support === 'full' ? 1 : 0),
    })
    .map(({ size, depth, target, logging }) => {
      if (support === 'deficient') {
        target[0][0] ||= 1;
        logging[0][0] = 0;
      }
      const alphabet = letters.slice(0, size);
      return { alphabet, depth, target: nextToken(target, size, depth), logging: nextToken(logging, size, depth) };
    });
}

/** Weights by prefix as probabilities; all zero ends for certain. */
function nextToken(table: readonly (readonly number[])[], size: number, depth: number): NextToken {
  const inUse = (prefix: string) =>
    prefix.length < depth && [...prefix].every((letter) => letters.indexOf(letter) < size);
  return Object.fromEntries(
    prefixes.flatMap((prefix, i) => {
      if (!inUse(prefix)) return [];
      const weights = [...table[i].slice(0, size), table[i][letters.length]];
      const total = weights.reduce((sum, w) => sum + w, 0);
      return [[prefix, weights.map((w, k) => (total === 0 ? (k === size ? 1 : 0) : w / total))] as const];
    }),
  );
}

/** Every response of the language, whatever its probabilities. */
export function everyResponse({ alphabet, depth, target, logging }: TreeLanguage): TreeResponse[] {
  const tokens = [...alphabet, '$'];
  const from = (prefix: string, steps: readonly TreeStep[]): (readonly TreeStep[])[] =>
    prefix.length === depth
      ? [steps]
      : tokens.flatMap((token, k) => {
          const next = [...steps, { prefix, token, target: target[prefix][k], logging: logging[prefix][k] }];
          return token === '$' ? [next] : from(prefix + token, next);
        });
  return from('', []).map(treeResponse);
}

/** The response of these steps. */
export const treeResponse = (steps: readonly TreeStep[]): TreeResponse => ({
  text: steps.map(({ token }) => token).join(''),
  steps,
  target: steps.reduce((p, step) => p * step.target, 1),
  logging: steps.reduce((p, step) => p * step.logging, 1),
});
