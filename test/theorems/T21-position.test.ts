import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import { exactValue, type FiniteProblem, ips, type Log } from '../../src/ope/index.js';
import { estimateExamination, evaluate, evaluationRows, positionWeights } from '../../src/pope/index.js';
import { rowTerms } from '../../src/pope/row-terms.js';
import { finiteProblem } from '../arbitraries/finite-problem.js';
import { up } from '../pope/evaluation-log.js';
import { expectAllClose, expectClose } from './close.js';
import { everyRound } from './enumerate.js';

const theta = (n: number) =>
  fc.array(
    fc.integer({ min: 1, max: 4 }).map((q) => q / 4),
    { minLength: n, maxLength: n },
  );

/**
 * A round for every (context, slate, which positions the reader looked at), with its probability: the vote at a position
 * is the reward where it was seen, and 0 where not.
 */
function seenLog(problem: FiniteProblem, seen: readonly number[]): { log: Log; probability: number[] } {
  const probability: number[] = [];
  const records = everyRound(problem, seen.length).flatMap(({ context, slate, probability: drawn }) =>
    Array.from({ length: 2 ** seen.length }, (_, pattern) => {
      const looked = seen.map((_, k) => ((pattern >> k) & 1) === 1);
      probability.push(looked.reduce((p, is, k) => p * (is ? seen[k] : 1 - seen[k]), drawn));
      return {
        prompt: `x${context}`,
        responses: slate.map((y, k) => ({
          text: `y${y}`,
          position: k + 1,
          propensity: problem.logging[context][y],
          target_log_prob: { pi: problem.target[context][y] === 0 ? null : Math.log(problem.target[context][y]) },
          feedback: { up: looked[k] ? problem.reward[context][y] : 0 },
        })),
      };
    }),
  );
  return { log: logFromRecords(records), probability };
}

/** The expectation of IPS on such a log, votes divided by `examination`. */
function expected(problem: FiniteProblem, seen: readonly number[], examination: readonly number[] | null): number {
  const { log, probability } = seenLog(problem, seen);
  const rows = evaluationRows(log, up, { examination });
  const target = log.targetLogProb.get('pi')!;
  const { numerator } = rowTerms(
    ips,
    rows,
    target.map((p, j) => p - log.logPropensity![j]),
    { reward: rows.utility },
  );
  return probability.reduce((sum, p, i) => sum + p * numerator[i], 0);
}

// #region T21
test.prop([
  finiteProblem({ contexts: 2, responses: 2, reward: 'nonnegative' }),
  fc.integer({ min: 1, max: 3 }).chain(theta),
])(
  'T21: votes divided by the chance that their position is seen are unbiased under the position-based model',
  (problem, seen) => {
    expectClose(expected(problem, seen, seen), exactValue(problem));
    // uncorrected, each position counts only as often as it is seen
    const mean = seen.reduce((sum, t) => sum + t, 0) / seen.length;
    expectClose(expected(problem, seen, null), mean * exactValue(problem));
  },
);
// #endregion T21

test.prop([finiteProblem({ contexts: 1, responses: 2, reward: 'nonnegative' }), theta(2), theta(2)])(
  'T21: a wrong chance of being seen scales its position by true over assumed',
  (problem, seen, assumed) => {
    const factor = (seen[0] / assumed[0] + seen[1] / assumed[1]) / 2;
    expectClose(expected(problem, seen, assumed), factor * exactValue(problem));
  },
);

const slate = (rows: readonly (readonly [number, number])[]) => ({
  prompt: 'x',
  responses: rows.map(([position, vote], j) => ({
    text: `y${j}`,
    position,
    propensity: 0.5,
    target_log_prob: Math.log(0.5),
    feedback: { up: vote },
  })),
});

test('T21: chances relative to the first position come from a log with positions at random', () => {
  const log = logFromRecords([
    slate([
      [1, 4],
      [2, 1],
    ]),
    slate([
      [2, 2],
      [1, 2],
      [3, 0.75],
    ]),
  ]);
  const chances = estimateExamination(log, log.feedback.get('up')!);
  expectAllClose(chances, [1, 0.5, 0.25]);
  expectAllClose(positionWeights(log, chances), [1, 2, 2, 1, 4]);
  const corrected = evaluate(log, { signals: up, diversity: 'none', examination: chances });
  expectClose(corrected.logging.utility!.estimate!, ((4 + 2) / 2 + (4 + 2 + 3) / 3) / 2);
  expect(corrected.settings['examination']).toEqual(chances);
});

test('T21: not consistent where slates are longer in some contexts: (1, 0.18) for (1, 1)', () => {
  // every position is seen; context A has one response with u = 1, context B two with u = 0.1
  const log = logFromRecords([
    slate([[1, 1]]),
    slate([
      [1, 0.1],
      [2, 0.1],
    ]),
  ]);
  expectAllClose(estimateExamination(log, log.feedback.get('up')!), [1, 0.1 / 0.55]);
});

test('T21: a chance is capped at 1, where a later position has more feedback than the first', () => {
  const log = logFromRecords([
    slate([
      [1, 1],
      [2, 3],
      [3, 0.5],
    ]),
  ]);
  expect(estimateExamination(log, log.feedback.get('up')!)).toEqual([1, 1, 0.5]);
});

test('T21: what cannot be corrected is refused in a sentence', () => {
  const log = logFromRecords([
    slate([
      [1, 1],
      [2, 0],
    ]),
  ]);
  expect(() => positionWeights(log, [1])).toThrow(/round 1 stands at position 2; expected positions 1 to 1/);
  expect(() => positionWeights(log, [1, 0])).toThrow(/^examination is 0; expected probabilities above 0/);
  expect(() => positionWeights(log, [])).toThrow(/^examination is/);
  expect(() => estimateExamination(log, log.feedback.get('up')!)).toThrow(/^feedback at position 2 is 0/);
  expect(() => estimateExamination(log, [1, -1])).toThrow(/^utility\[1\] is -1/);
  expect(() => evaluate(log, { signals: [{ name: 'up', transform: 'rank', weight: 1 }], examination: [1, 1] })).toThrow(
    /rank or share/,
  );
  const bare = logFromRecords([{ prompt: 'x', responses: [{ text: 'y', propensity: 0.5, feedback: { up: 1 } }] }]);
  expect(() => evaluate(bare, { signals: up, examination: [1] })).toThrow(/round 1 has no position/);
});

test('T21: estimates of a reward model of the votes as cast are left out of a corrected evaluation', () => {
  const record = slate([
    [1, 1],
    [2, 0],
  ]);
  const log = logFromRecords([
    {
      ...record,
      predicted_value: { target: 0.5 },
      responses: record.responses.map((r) => ({ ...r, predicted_reward: 0.5 })),
    },
  ]);
  const keys = (examination?: number[]) =>
    Object.keys(
      evaluate(log, { signals: up, diversity: 'none', ...(examination && { examination }) }).targets['target'].utility,
    );
  expect(keys()).toEqual(expect.arrayContaining(['dm', 'dr']));
  expect(keys([1, 0.5]).filter((key) => /^(dm|dr|sndr|switch_dr|dros)$/.test(key))).toEqual([]);
});

test('T21: as many numbers as responses, all finite', () => {
  const log = logFromRecords([
    slate([
      [1, 1],
      [2, 1],
    ]),
  ]);
  expect(() => estimateExamination(log, [1])).toThrow(/^utility.length is 1; expected 2/);
  expect(() => estimateExamination(log, [1, Infinity])).toThrow(/^utility\[1\] is Infinity/);
});
