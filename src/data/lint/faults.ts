import { type Finding, finding } from './finding.js';

/** Faults of reading, gathered by their kind. */
export interface Faults {
  readonly kinds: Map<string, Kind>;
  /** Rounds with a fault of any kind. */
  rounds: number;
}

interface Kind {
  readonly code: string;
  readonly key: string;
  readonly first: string;
  readonly rounds: string[];
  readonly hint: string;
  count: number;
  least: number;
  most: number;
}

/** Kinds that are told apart; the rest is counted together. */
const MOST_KINDS = 20;

export const noFaults = (): Faults => ({ kinds: new Map(), rounds: 0 });

/** The key without the numbers in it: `responses[2].propensity` and `responses[0].propensity` are one kind. */
const kindOf = (path: string): string => path.replace(/\[\d+\]/g, '[]');

export interface Fault {
  readonly path: string;
  readonly got: unknown;
  readonly expected: string;
  readonly sentence: string;
  readonly round: string;
}

export function addFault({ kinds }: Faults, { path, got, expected, sentence, round }: Fault): void {
  let key = kindOf(path);
  const [code, hint] = classify(key, got, expected);
  // Keys may hold names of the log's own, of which there may be any number.
  if (kinds.size >= MOST_KINDS && !kinds.has(`${code} ${key}`)) key = 'other keys';
  const id = `${code} ${key}`;
  let kind = kinds.get(id);
  if (kind === undefined)
    kinds.set(
      id,
      (kind = { code, key, first: sentence, rounds: [], hint, count: 0, least: Infinity, most: -Infinity }),
    );
  kind.count++;
  if (kind.rounds.length < 5) kind.rounds.push(round);
  if (typeof got !== 'number' || Number.isNaN(got)) return;
  kind.least = Math.min(kind.least, got);
  kind.most = Math.max(kind.most, got);
}

/** One finding a kind, in order of first sight. */
export function faultFindings({ kinds }: Faults): Finding[] {
  return [...kinds.values()].map(({ code, key, first, rounds, hint, count, least, most }) => {
    const range = count > 1 && least <= most ? `, from ${least} to ${most}` : '';
    const sentence = first.replace(/[.\s]+$/, '');
    const message = count === 1 ? `${sentence}.` : `${count} faults of ${key}${range}; the first: ${sentence}.`;
    const looksLike = code === 'positive_log_prob' && most <= 1 && count > 1 ? PROBABILITIES : hint;
    return finding('error', code, message, looksLike, rounds);
  });
}

const PROBABILITIES =
  'All lie between 0 and 1: they look like probabilities. Their key is propensity; a target needs their logarithm.';
/** The path of a fault that is the whole line. */
export const MALFORMED = 'the line';
const BAD_ROUND = 'Correct the round; "--on-error skip" of other commands leaves it out.';

function classify(key: string, got: unknown, expected: string): [code: string, hint: string] {
  if (key === MALFORMED) return ['malformed_line', BAD_ROUND];
  if (key === 'id' && expected.startsWith('an id that'))
    return ['duplicate_id', 'Ids are unique: was a round logged twice?'];
  if (typeof got === 'number' && !Number.isFinite(got) && !(got < 0 && expected.startsWith('a probability')))
    return ['not_finite', 'Find where the number went wrong; a missing one is left out, not NaN.'];
  if (/log_propensity|target_log_prob/.test(key) && typeof got === 'number' && got > 0)
    return ['positive_log_prob', 'A logarithm of a probability is at most 0: change the sign if it is -log p.'];
  if (/\.propensity$/.test(key) && typeof got === 'number')
    return [
      'propensity_outside',
      got < 0
        ? 'Negative ones look like log-propensities: their key is log_propensity.'
        : 'A percentage is divided by 100, an inverse propensity turned over; a density is no probability.',
    ];
  return ['bad_round', BAD_ROUND];
}
