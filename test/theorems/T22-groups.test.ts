import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import type { Log } from '../../src/ope/index.js';
import { type EstimateEntry, evaluate, simultaneousLevel } from '../../src/pope/index.js';
import { seededRandom, uniform } from '../../src/random/index.js';
import { up } from '../pope/evaluation-log.js';
import { expectClose } from './close.js';

const names = ['a', 'b', 'c'];

/** Votes of three groups on one response a round; null where a group did not rate. */
interface Rated {
  readonly p0: number;
  readonly pi: number;
  readonly votes: readonly (number | null)[];
}

function logOf(rounds: readonly Rated[]): Log {
  return logFromRecords(
    rounds.map(({ p0, pi, votes }, i) => ({
      prompt: 'x',
      responses: [
        {
          text: `y${i}`,
          propensity: p0,
          target_log_prob: { pi: Math.log(pi) },
          feedback: { up: votes.reduce<number>((sum, v) => sum + (v ?? 0), 0) },
          group_feedback: Object.fromEntries(
            names.flatMap((g, k) => (votes[k] == null ? [] : [[g, { up: votes[k] }] as const])),
          ),
        },
      ],
    })),
  );
}

const probability = fc.integer({ min: 1, max: 4 }).map((q) => q / 4);
const rated = fc.array(
  fc.record({
    p0: probability,
    pi: probability,
    votes: fc.tuple(
      fc.integer({ min: -3, max: 3 }),
      fc.option(fc.integer({ min: -3, max: 3 })),
      fc.integer({ min: -3, max: 3 }),
    ),
  }),
  { minLength: 4, maxLength: 10 },
);

// #region T22
test.prop([rated, fc.constantFrom('none' as const, 'anchored' as const)])(
  'T22: a group is the same evaluation with its own feedback, at a level at which all groups hold together',
  (rounds, diversity) => {
    const log = logOf(rounds);
    const { groups } = evaluate(log, { signals: up, diversity, tau: 0.5 }).targets['pi'];
    const present = names.filter((g) =>
      log.groupFeedback
        .get(g)
        ?.get('up')
        ?.some((v) => !Number.isNaN(v)),
    );
    expect(Object.keys(groups!.groups).sort()).toEqual(present);
    expectClose(1 - groups!.level, 0.05 / present.length);
    for (const [name, group] of Object.entries(groups!.groups)) {
      const own: Log = { ...log, feedback: log.groupFeedback.get(name)!, groupFeedback: new Map() };
      const alone = evaluate(own, { signals: up, diversity, tau: 0.5, level: groups!.level });
      const { utility, value, versus_logging, verdict } = alone.targets['pi'];
      expect({ utility, value }).toEqual({ utility: group.utility, value: group.value });
      expect(group.versus_logging).toEqual({ utility: versus_logging.utility, value: versus_logging.value });
      expect(group.verdict).toEqual(verdict);
      expect(group.rounds).toBe(alone.log.rounds);
    }
    const entries = Object.values(groups!.groups).map((group) => group.utility['snips']!);
    const least = (f: (e: EstimateEntry) => number | null) =>
      entries.some((e) => f(e) === null) ? null : Math.min(...entries.map((e) => f(e)!));
    expect(groups!.worst.utility['snips']).toMatchObject({
      estimate: least((e) => e.estimate),
      lower: least((e) => e.lower),
      upper: least((e) => e.upper),
    });
  },
);
// #endregion T22

test.prop([
  fc.array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), {
    minLength: 1,
    maxLength: 6,
  }),
])('T22: where every interval holds its value, the smallest ends hold the smallest value', (groups) => {
  const worst = Math.min(...groups.map(([value]) => value));
  expect(Math.min(...groups.map(([value, down]) => value - down))).toBeLessThanOrEqual(worst);
  expect(Math.min(...groups.map(([value, , up]) => value + up))).toBeGreaterThanOrEqual(worst);
});

test('T22: the smallest estimate is below the smallest value on average', () => {
  // two groups, each rated once by a fair coin of 0 and 1: values 1/2 and 1/2, E min = 1/4
  const outcomes = [0, 1].flatMap((a) => [0, 1].map((b) => Math.min(a, b)));
  expect(outcomes.reduce((sum, m) => sum + m, 0) / 4).toBe(0.25);
});

test('T22: three intervals hold together as often as promised; three plain ones do not', () => {
  const random = seededRandom(7);
  const [repetitions, rounds] = [400, 60];
  let [together, plain] = [0, 0];
  for (let r = 0; r < repetitions; r++) {
    const log = logOf(
      Array.from({ length: rounds }, () => {
        const first = uniform(random) < 0.5;
        return {
          p0: 0.5,
          pi: first ? 0.75 : 0.25,
          votes: [0.2, 0.5, 0.8].map((mean) => (uniform(random) < mean ? 1 : 0)),
        };
      }),
    );
    const hold = (level: number) =>
      Object.values(
        evaluate(log, { signals: up, diversity: 'none', estimators: ['ips'], level }).targets['pi'].groups!.groups,
      ).every(({ utility }, k) => {
        const value = [0.2, 0.5, 0.8][k];
        return utility['ips']!.lower! <= value && value <= utility['ips']!.upper!;
      });
    if (hold(0.9)) together++;
    // at the level whose simultaneous twin is 0.9 for each group alone
    if (hold(1 - 3 * 0.1)) plain++;
  }
  const error = Math.sqrt((0.9 * 0.1) / repetitions);
  expect(together / repetitions).toBeGreaterThan(0.9 - 3 * error);
  expect(plain / repetitions).toBeLessThan(0.9 - 3 * error);
});

test('T22: a group without the signal is left out with a warning; one group keeps the level', () => {
  expect(simultaneousLevel(0.95, 1)).toBe(0.95);
  const log = logFromRecords([
    {
      prompt: 'x',
      responses: [
        {
          text: 'y',
          propensity: 0.5,
          target_log_prob: { pi: Math.log(0.5) },
          feedback: { up: 1 },
          group_feedback: { g: { up: 1 }, h: { down: 1 } },
        },
      ],
    },
  ]);
  const result = evaluate(log, { signals: up });
  expect(Object.keys(result.targets['pi'].groups!.groups)).toEqual(['g']);
  expect(result.warnings.map((w) => w.code)).toContain('group_without_signal');
});

test('T22: an estimator that one group lacks has no worst group, whichever group comes first', () => {
  for (const order of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    const log = logFromRecords(
      Array.from({ length: 4 }, (_, i) => ({
        prompt: 'x',
        responses: [
          {
            text: 'y',
            propensity: 0.5,
            target_log_prob: { pi: Math.log(0.5) },
            feedback: { up: 1 },
            group_feedback: Object.fromEntries(order.map((g) => [g, { up: g === 'a' && i === 0 ? -1 : 1 }])),
          },
        ],
      })),
    );
    const { worst } = evaluate(log, { signals: up, diversity: 'none' }).targets['pi'].groups!;
    expect(worst.utility['log_smoothing']).toEqual({ group: null, estimate: null, lower: null, upper: null });
    expect(worst.utility['ips'].group).toBe('a');
  }
});

test('T22: a group that rates one response alone, or feedback that is missing so, says 0.4 for a value of 1', () => {
  // one round for each response of pi0 = (1/2, 1/2), as often as it is expected; pi = (0.2, 0.8), and every reward is 1
  const log = (others: boolean) =>
    logFromRecords(
      [0.2, 0.8].map((pi, y) => ({
        prompt: 'x',
        responses: [
          {
            text: `y${y}`,
            propensity: 0.5,
            target_log_prob: { pi: Math.log(pi) },
            ...((others || y === 0) && { feedback: { up: 1 } }),
            ...(y === 0 && { group_feedback: { g: { up: 1 } } }),
          },
        ],
      })),
    );
  const use = { signals: up, diversity: 'none' as const };
  const whole = evaluate(log(true), use).targets['pi'];
  expectClose(whole.utility['ips']!.estimate!, 1);
  expectClose(whole.groups!.groups['g'].utility['ips']!.estimate!, 0.4);
  const missing = evaluate(log(false), use);
  expectClose(missing.targets['pi']!.utility['ips']!.estimate!, 0.4);
  expect(missing.warnings.map((w) => w.code)).toContain('missing_feedback');
});
