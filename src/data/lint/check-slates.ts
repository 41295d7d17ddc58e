import { count, type Finding, finding } from './finding.js';
import type { Check, LintContext } from './lint-context.js';

/** `uneven_slates`, `repeated_position`, `cut_responses`, `blank_response`: what was shown is not all there. */
export const checkSlates: Check = (context) => [
  ...sizes(context),
  ...positions(context),
  ...cutResponses(context),
  ...blank(context),
];

/** All slates are of one size but a few, which are smaller. */
function sizes({ log }: LintContext): Finding[] {
  const sizeOf = (i: number): number => log.offsets[i + 1] - log.offsets[i];
  const times = new Map<number, number>();
  for (let i = 0; i < log.rounds; i++) times.set(sizeOf(i), (times.get(sizeOf(i)) ?? 0) + 1);
  const [usual, often] = [...times].reduce((a, b) => (b[1] > a[1] ? b : a));
  const short = log.ids.filter((_, i) => sizeOf(i) < usual);
  if (short.length === 0 || often < 0.8 * log.rounds) return [];
  const message = `${count(short.length, 'slate')} of ${log.rounds} ${short.length === 1 ? 'has' : 'have'} fewer than the usual ${usual} responses.`;
  const hint =
    'If responses were lost after they were shown (or dropped for having no feedback), keep them and leave their feedback out.';
  return [finding('warning', 'uneven_slates', message, hint, short)];
}

function positions({ log }: LintContext): Finding[] {
  const shown = log.positions;
  if (shown === null) return [];
  const twice = log.ids.filter((_, i) => {
    const slate = [...shown.subarray(log.offsets[i], log.offsets[i + 1])].filter((position) => position > 0);
    return new Set(slate).size < slate.length;
  });
  const missing = shown.filter((position) => position === 0).length;
  const findings: Finding[] = [];
  if (twice.length > 0) {
    const message = `${count(twice.length, 'slate')} of ${log.rounds} ${twice.length === 1 ? 'has' : 'have'} two responses at one position.`;
    findings.push(
      finding('warning', 'repeated_position', message, 'Positions count from 1, each once in a slate.', twice),
    );
  }
  if (missing > 0) {
    const message = `position is missing on ${missing} of ${log.responseCount} responses.`;
    findings.push(finding('warning', 'partial_positions', message, 'Give the position of every response, or of none.'));
  }
  return findings;
}

/** Many different texts that all end at the greatest length. */
function cutResponses({ log, freeText, roundOf }: LintContext): Finding[] {
  if (!freeText) return [];
  const lengths = Int32Array.from(log.responses, (text) => [...text].length);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const at = [...lengths.keys()].filter((j) => lengths[j] === longest);
  const distinct = new Set(at.map((j) => log.responses[j])).size;
  const near = lengths.filter((length) => length >= 0.9 * longest && length < longest).length;
  const perLength = near / Math.max(1, longest - Math.ceil(0.9 * longest));
  if (distinct < 5 || distinct < 0.01 * lengths.length || distinct < 10 * perLength) return [];
  const message = `${distinct} different responses of ${log.responseCount} are all exactly ${longest} characters long, the greatest length: they look cut.`;
  const hint = 'A log-probability of the whole text does not belong to its beginning: log what was scored, uncut.';
  return [
    finding(
      'warning',
      'cut_responses',
      message,
      hint,
      at.map((j) => log.ids[roundOf[j]]),
    ),
  ];
}

function blank({ log, roundOf }: LintContext): Finding[] {
  const empty = [...log.responses.keys()].filter((j) => log.responses[j].trim() === '');
  if (empty.length === 0) return [];
  const message = `${count(empty.length, 'response')} of ${log.responseCount} ${empty.length === 1 ? 'is' : 'are'} blank.`;
  const hint = 'Was the text lost? A policy that may say nothing is scored on the empty text like any other.';
  return [
    finding(
      'warning',
      'blank_response',
      message,
      hint,
      empty.map((j) => log.ids[roundOf[j]]),
    ),
  ];
}
