import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import {
  alarms,
  batchOf,
  evaluationRows,
  type HeldOutFigures,
  type Signal,
  selectRows,
  wholeBatch,
} from '../../src/pope/index.js';

const up: Signal[] = [{ name: 'up', transform: 'identity', weight: 1 }];
type Slates = readonly { readonly cluster: string; readonly ups: readonly (number | null)[] }[];
const logOf = (slates: Slates) =>
  logFromRecords(
    slates.map(({ cluster, ups }, i) => ({
      id: `r${i}`,
      prompt: `x${i % 2}`,
      cluster,
      responses: ups.map((f, j) => ({
        text: `y${i}${j}`,
        propensity: 1 / (2 + j),
        feedback: f === null ? { other: 1 } : { up: f },
      })),
    })),
  );
const slates: fc.Arbitrary<Slates> = fc
  .array(
    fc.record({
      cluster: fc.constantFrom('u', 'v', 'w'),
      ups: fc.array(fc.option(fc.nat(5)), { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((rest) => [{ cluster: 'u', ups: [1, null] }, ...rest]);

describe('rows of an evaluation', () => {
  test.prop([slates])(
    'missing is missing: only responses with feedback, equal weights that sum to 1 in each round',
    (list) => {
      const log = logOf(list);
      const rows = evaluationRows(log, up);
      const kept = list.map(({ ups }) => ups.filter((f) => f !== null)).filter((present) => present.length > 0);
      expect([...rows.utility]).toEqual(kept.flat());
      expect(rows.droppedRounds).toBe(list.length - kept.length);
      expect(rows.roundIndex.length).toBe(kept.length);
      kept.forEach((present, i) => {
        const own = [...rows.slateWeight].filter((_, m) => rows.roundOf[m] === i);
        expect(own).toEqual(present.map(() => 1 / present.length));
      });
      expect([...rows.logPropensity]).toEqual([...rows.responseIndex].map((j) => log.logPropensity![j]));
      const used = [...rows.roundIndex].map((i) => list[i].cluster);
      expect(rows.units).toBe(new Set(used).size);
      for (const [i, a] of used.entries()) {
        for (const [k, b] of used.entries()) expect(rows.unitOfRound[i] === rows.unitOfRound[k]).toBe(a === b);
      }
    },
  );

  test.prop([slates, fc.array(fc.nat(6), { minLength: 1, maxLength: 6 })])(
    'a batch has the rows of its rounds in the order asked for; selected rows are the same',
    (list, wanted) => {
      const rows = evaluationRows(logOf(list), up);
      const rounds = wanted.map((i) => i % rows.roundIndex.length);
      const batch = batchOf(rows, rounds);
      const members = rounds.flatMap((i, b) =>
        [...rows.utility.keys()].filter((m) => rows.roundOf[m] === i).map((m) => ({ m, b })),
      );
      expect([...batch.roundOf]).toEqual(members.map(({ b }) => b));
      expect([...batch.utility]).toEqual(members.map(({ m }) => rows.utility[m]));
      expect(batch.responses).toEqual(members.map(({ m }) => rows.log.responses[rows.responseIndex[m]]));
      expect(batch.prompts).toEqual(members.map(({ m }) => rows.log.prompts[rows.roundIndex[rows.roundOf[m]]]));
      const selected = selectRows(rows, rounds);
      expect(wholeBatch(selected)).toEqual(batch);
      expect(selected.units).toBe(new Set(rounds.map((i) => rows.unitOfRound[i])).size);
      expect(Math.max(...selected.unitOfRound)).toBe(selected.units - 1);
    },
  );

  test('logs without feedback or propensities', () => {
    const log = logOf([
      { cluster: 'u', ups: [1, null] },
      { cluster: 'u', ups: [null] },
    ]);
    expect(evaluationRows(log, null).responseIndex.length).toBe(3);
    expect(() => evaluationRows({ ...log, logPropensity: null }, up)).toThrow(/no propensities/);
    expect([...evaluationRows({ ...log, logPropensity: null }, up, { withoutPropensity: true }).logPropensity]).toEqual(
      [Number.NaN],
    );
    const none = { ...log, feedback: new Map([['up', new Float64Array(3).fill(Number.NaN)]]) };
    expect(() => evaluationRows(none, up)).toThrow(/no response has a number for up/);
  });
});

describe('alarms', () => {
  const start: HeldOutFigures = {
    utility: 1,
    utilityError: 0.1,
    diversity: 2,
    effectiveSampleSize: 80,
    responses: 100,
    meanWeight: 1,
    kl: 0,
    textLoss: 2,
  };
  const codes = (now: Partial<HeldOutFigures>) => alarms(start, { ...start, ...now }).map(({ code }) => code);

  test('nothing is said where nothing is wrong', () => {
    expect(codes({})).toEqual([]);
    expect(codes({ utility: 2, diversity: 3 })).toEqual([]);
    expect(codes({ utility: null, diversity: null, textLoss: null })).toEqual([]);
  });

  test('weights, hacked diversity and forgotten language, each at its limit', () => {
    expect(codes({ effectiveSampleSize: 10 })).toEqual([]);
    expect(codes({ effectiveSampleSize: 9.9 })).toEqual(['weights']);
    // two standard errors of the difference: 2 sqrt(0.1^2 + 0.1^2) = 0.283
    expect(codes({ utility: 0.73, diversity: 3 })).toEqual([]);
    expect(codes({ utility: 0.7, diversity: 3 })).toEqual(['diversity_hacking']);
    expect(codes({ utility: 0.7, diversity: 1.9 })).toEqual([]);
    expect(codes({ textLoss: 2.19 })).toEqual([]);
    expect(codes({ textLoss: 2.21 })).toEqual(['general_ability']);
    expect(alarms(start, { ...start, textLoss: 3 })[0].message).toMatch(/from 2.000 to 3.000/);
  });
});
