import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import { isLocal, type Signal, utilityReward } from '../../src/pope/index.js';
import { averageRanks } from '../../src/pope/utility.js';
import { expectClose } from '../theorems/close.js';

/** A log whose slates carry one signal `f`; null is missing. */
const logOf = (slates: readonly (readonly (number | null)[])[]) =>
  logFromRecords(
    slates.map((slate, i) => ({
      prompt: `x${i}`,
      responses: slate.map((f, j) => ({
        text: `y${j}`,
        propensity: 0.5,
        feedback: f === null ? { g: 1 } : { f, g: 1 },
      })),
    })),
  );
const signal = (transform: Signal['transform'], weight = 1, name = 'f'): Signal => ({ name, transform, weight });
const values = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -4, max: 4 }) },
  { weight: 1, arbitrary: fc.constant(null) },
);
/** Slates of which the first has a number, so that the log has the signal. */
const slates = fc
  .tuple(
    fc.integer({ min: 0, max: 4 }),
    fc.array(fc.array(values, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
  )
  .map(([first, rest]) => [[first], ...rest]);

describe('collaborative utility', () => {
  // #region D1
  test('D1: by hand: identity, log1p, rank, share and their weighted sum', () => {
    const log = logOf([
      [3, 0, 1],
      [2, 2],
    ]);
    const of = (...signals: Signal[]) => [...utilityReward(log, signals)];
    expect(of(signal('identity'))).toEqual([3, 0, 1, 2, 2]);
    expect(of(signal('log1p'))).toEqual([3, 0, 1, 2, 2].map(Math.log1p));
    expect(of(signal('rank'))).toEqual([1, 0, 0.5, 0.5, 0.5]);
    expect(of(signal('share'))).toEqual([0.75, 0, 0.25, 0.5, 0.5]);
    expect(of(signal('identity', 2), signal('identity', -1, 'g'))).toEqual([5, -1, 1, 3, 3]);
  });
  // #endregion D1

  test.prop([slates])('D1: ranks run from 0 to 1 with mean 1/2, ties are equal, order is kept', (slatesOf) => {
    const log = logOf(slatesOf);
    const ranks = utilityReward(log, [signal('rank')]);
    let j = 0;
    for (const slate of slatesOf) {
      const own = [...ranks.subarray(j, (j += slate.length))];
      const present = slate.flatMap((f, k) => (f === null ? [] : [{ f, rank: own[k] }]));
      expect(own.map(Number.isNaN)).toEqual(slate.map((f) => f === null));
      if (present.length === 0) continue;
      expectClose(present.reduce((s, { rank }) => s + rank, 0) / present.length, 0.5);
      for (const a of present) {
        expect(a.rank).toBeGreaterThanOrEqual(0);
        expect(a.rank).toBeLessThanOrEqual(1);
        for (const b of present) expect(Math.sign(a.rank - b.rank)).toBe(Math.sign(a.f - b.f));
      }
    }
  });

  test.prop([slates.map((list) => list.map((slate) => slate.map((f) => (f === null ? f : Math.abs(f)))))])(
    'D1: shares are proportional and sum to 1 in every slate with feedback, also where all is 0',
    (slatesOf) => {
      const shares = utilityReward(logOf(slatesOf), [signal('share')]);
      let j = 0;
      for (const slate of slatesOf) {
        const present = [...shares.subarray(j, (j += slate.length))].filter((s) => !Number.isNaN(s));
        if (present.length > 0)
          expectClose(
            present.reduce((a, b) => a + b, 0),
            1,
          );
        const total = slate.reduce<number>((s, f) => s + (f ?? 0), 0);
        if (total > 0) expect(present.map((s) => Math.round(s * total))).toEqual(slate.filter((f) => f !== null));
      }
    },
  );

  test('D1: missing stays missing, and one missing signal makes the utility missing', () => {
    const log = logOf([
      [1, null],
      [null, null],
    ]);
    expect([...utilityReward(log, [signal('identity'), signal('identity', 1, 'g')])]).toEqual([
      2,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
    expect([...averageRanks(Float64Array.of(5, Number.NaN))]).toEqual([0.5, Number.NaN]);
  });

  test('D1: only functions of the response alone are local', () => {
    expect(isLocal([signal('identity'), signal('log1p')])).toBe(true);
    expect(isLocal([signal('identity'), signal('rank')])).toBe(false);
    expect(isLocal([signal('share')])).toBe(false);
  });

  test('D1: refusals name the signal and the round', () => {
    const log = logOf([[1], [-1, 2]]);
    expect(() => utilityReward(log, [])).toThrow(/signals is empty/);
    expect(() => utilityReward(log, [signal('identity', 1, 'h')])).toThrow(/"h".*\(f, g\)/);
    expect(() => utilityReward(log, [signal('log1p')])).toThrow(
      /feedback.f of round 2 is -1; expected a number above -1/,
    );
    expect(() => utilityReward(log, [signal('share')])).toThrow(/round 2 is -1; expected a number at least 0/);
    expect(() => utilityReward(log, [signal('identity', Number.NaN)])).toThrow(/signal weight/);
    expect(() => utilityReward(log, [{ ...signal('identity'), transform: 'square' as 'rank' }])).toThrow(/transform/);
  });
});
