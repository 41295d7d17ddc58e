import { describe, expect, test } from 'vitest';
import type { PolicyFamily, TabularParams } from '../../src/ope/index.js';
import { selectRows } from '../../src/pope/evaluation-rows.js';
import {
  bootstrapWithRefit,
  crossFit,
  evaluationRows,
  type HeldOutFigures,
  heldOutFigures,
  type Objective,
  scoreRows,
  type TrainOptions,
  trainPope,
} from '../../src/pope/index.js';
import { seededRandom } from '../../src/random/index.js';
import { enumeratedLog, family, logits, pi0, rowsOf, training } from './enumerated-log.js';

const heldOut = rowsOf(enumeratedLog());
const atPi0 = () => logits(pi0.map((row) => row.map(Math.log)));
const figures: HeldOutFigures = {
  utility: 0.5,
  utilityError: 0.1,
  diversity: -0.1,
  effectiveSampleSize: 16,
  responses: 16,
  meanWeight: 1,
  kl: 0.25,
  textLoss: null,
};
/** The first steps of a run of ten. */
const cut = async (over: Partial<TrainOptions<TabularParams>>) => {
  const controller = new AbortController();
  const options = training({ steps: 10, learningRate: 0.1, ...over });
  const onStep = ({ step }: { step: number }) => void (step === 4 && controller.abort());
  return trainPope({ ...options, signal: controller.signal, onStep });
};

describe('a run that goes on where another was cut', () => {
  test('is judged against where the first one began, and leaves the state that it was given alone', async () => {
    const part = await cut({ heldOut });
    expect(part.stopped.step).toBe(4);
    const moments = [...part.state.optimizer.firstMoment.logits.dataSync()];
    const { params, state: resume } = part;
    const rest = await trainPope(training({ steps: 10, learningRate: 0.1, heldOut, params, resume }));
    expect(rest.state.start).toEqual(resume.start);
    expect(rest.records[0].step).toBe(5);
    expect([...resume.optimizer.firstMoment.logits.dataSync()]).toEqual(moments);
    expect(resume.optimizer.secondMoment.logits.isFreed).toBe(false);
    expect(params.logits.isFreed).toBe(false);
  });
  test('may have held-out rounds that the first one had not: no alarm then has a start to compare with', async () => {
    const { params, state: resume } = await cut({});
    expect(resume.start).toBeNull();
    const rest = await trainPope(training({ steps: 10, heldOut, logEvery: 3, params, resume }));
    const looks = rest.records.filter(({ held_out }) => held_out !== undefined);
    expect(looks.map(({ step }) => step)).toEqual([6, 9, 10]);
    for (const { alarms } of looks) expect(alarms).toEqual([]);
  });
  test('is guarded by its own steps, not by a start long past', async () => {
    const part = await cut({ heldOut, params: atPi0(), learningRate: 0.01 });
    const resume = { ...part.state, start: { ...figures, kl: 9 } };
    const rest = await trainPope(
      training({ steps: 10, learningRate: 0.01, heldOut, kl: 1, params: part.params, resume }),
    );
    expect(rest.stopped).toMatchObject({ reason: 'done', step: 10 });
  });
});

test('the guard allows its own limit, and no more', async () => {
  const run = (kl: number) =>
    trainPope(training({ steps: 1, learningRate: 1e-6, heldOut, params: atPi0(), start: figures, kl }));
  expect((await run(0.25)).stopped.reason).toBe('done');
  expect((await run(0.2499)).stopped).toMatchObject({ reason: 'kl_guard', step: 0 });
});

test('the norm and the objective of a step are those of its batch before it moves', async () => {
  const of = async (innerSteps: number) =>
    (await trainPope(training({ innerSteps, steps: 1, learningRate: 0.5 }))).records[0];
  expect(await of(3)).toEqual(await of(1));
});

describe('dropout', () => {
  /** Which of the bindings of one step of two inner steps were given a source of randomness. */
  const bindings = async (objective: Objective): Promise<boolean[]> => {
    const seen: boolean[] = [];
    const watching: PolicyFamily<TabularParams> = {
      bind: (params, options) => {
        seen.push(options?.random !== undefined);
        return family.bind(params, options);
      },
    };
    await trainPope(training({ family: watching, objective, steps: 1, innerSteps: 2 }));
    return seen;
  };
  test.each(['sft', 'dpo', 'kto'] as const)('is on in %s, which needs no anchor', async (objective) => {
    expect(await bindings(objective)).toEqual([true, true]);
  });
  test.each(['pope', 'utility', 'policy-gradient'] as const)(
    'is off in %s, whose anchor is scored without',
    async (objective) => {
      expect(await bindings(objective)).toEqual([false, false, false]);
    },
  );
});

describe('fits of pi0', () => {
  const log = enumeratedLog({ propensities: false });
  const rows = evaluationRows(log, null, { withoutPropensity: true });
  const step = { family, steps: 3, batch: 5, learningRate: 0.3, seed: 4 };
  test('each fold is scored by the model of all others, in the order of the rows', async () => {
    const folds = Int32Array.from(rows.roundIndex, (_, i) => i % 3);
    const scores = await crossFit({ ...step, rows, start: () => logits(), folds });
    for (const fold of [0, 1, 2]) {
      const of = (keep: (f: number) => boolean) => [...folds.keys()].filter((i) => keep(folds[i]));
      const { params } = await trainPope({
        ...step,
        params: logits(),
        rows: selectRows(
          rows,
          of((f) => f !== fold),
        ),
        heldOut: null,
        objective: 'sft',
        diversity: 'none',
        tau: 0,
        innerSteps: 1,
      });
      const own = of((f) => f === fold);
      expect(own.map((i) => scores[i])).toEqual([...(await scoreRows(family.bind(params), selectRows(rows, own)))]);
    }
  });
  test('a fold without rounds is told, also where that is because another has them all', async () => {
    const refused = (fold: (i: number) => number) =>
      expect(
        crossFit({ ...step, rows, start: () => logits(), folds: Int32Array.from(rows.roundIndex, (_, i) => fold(i)) }),
      ).rejects.toThrow(/^folds is 2; .* Fold 0 holds 0 of 16/);
    await refused(() => 1);
    await expect(
      crossFit({
        ...step,
        rows,
        start: () => logits(),
        folds: Int32Array.from(rows.roundIndex, (_, i) => 2 * (i % 2)),
      }),
    ).rejects.toThrow(/Fold 1 holds 0 of 16/);
  });
});

test('held-out rows of which one has no utility have no utility to speak of', async () => {
  const utility = heldOut.utility.map((u, m) => (m === 3 ? Number.NaN : u));
  const found = await heldOutFigures({ family, diversity: 'anchored' }, atPi0(), { ...heldOut, utility });
  expect(found).toMatchObject({ utility: null, utilityError: null, meanWeight: expect.closeTo(1) });
});

test('a fitted log-propensity may lie above 0 by the rounding of 1e-9, and no more', async () => {
  const run = (above: number) =>
    bootstrapWithRefit({
      rows: heldOut,
      fit: (rows) => rows.logPropensity.map(() => above),
      estimate: (rows) => Math.max(...rows.logPropensity),
      level: 0.9,
      random: seededRandom(1),
      resamples: 2,
    });
  expect((await run(1e-9)).estimate).toBe(0);
  await expect(run(1.01e-9)).rejects.toThrow(/expected a finite number of at most 0/);
});
