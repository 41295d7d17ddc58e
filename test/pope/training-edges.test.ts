import { describe, expect, test } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords, type RoundRecord } from '../../src/data/index.js';
import type { Log, Policy, PolicyFamily, Prompt } from '../../src/ope/index.js';
import { checkTraining } from '../../src/pope/check-training.js';
import { heldOutKl } from '../../src/pope/held-out.js';
import {
  bootstrapWithRefit,
  countedPropensity,
  crossFit,
  type EvaluationRows,
  evaluationRows,
  heldOutFigures,
  scoreRows,
  trainPope,
} from '../../src/pope/index.js';
import { seededRandom } from '../../src/random/index.js';
import type { Tree } from '../../src/tensor/index.js';
import { PopeError } from '../../src/util/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import { enumeratedLog, family, logits, rowsOf, training, up } from './enumerated-log.js';

const errorOf = (run: () => unknown): PopeError => {
  try {
    run();
  } catch (error) {
    if (error instanceof PopeError) return error;
    throw error;
  }
  return expect.fail('nothing was thrown');
};
const rejectionOf = async (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => expect.fail('nothing was thrown'),
    (error: unknown) => error,
  );

describe('what held-out rounds say', () => {
  /** Rounds of one response with pi0 = 1/2, and a policy that gives each of them the weight asked for. */
  const weighed = (
    weights: readonly number[],
    more: (i: number) => Partial<RoundRecord['responses'][number]> = () => ({}),
  ) => {
    const log = logFromRecords(
      weights.map((_, i) => ({
        id: `r${i}`,
        prompt: 'x',
        responses: [{ text: `y${i}`, propensity: 0.5, feedback: { up: i }, ...more(i) }],
      })),
    );
    const logProb: Policy['logProb'] = (_, texts) =>
      tensor(Float64Array.from(texts, (text) => Math.log(weights[Number(text.slice(1))] / 2)));
    const recorded: PolicyFamily<Tree> = { bind: () => ({ logProb }) };
    return { log, rows: evaluationRows(log, up), family: recorded };
  };
  const figures = (
    of: ReturnType<typeof weighed>,
    diversity: 'anchored' | 'surprisal' | 'coverage' | 'none' = 'none',
  ) => heldOutFigures({ family: of.family, diversity }, {}, of.rows);
  const klOf = (of: ReturnType<typeof weighed>) => heldOutKl(of.family, {}, of.rows);

  test('D7: KL is the mean of rho log rho - (rho - 1), whose term is 1 at weight 0', async () => {
    const weights = [0, 0.5, 2, 1, 1.5];
    const terms = weights.map((w) => (w === 0 ? 1 : w * Math.log(w) - (w - 1)));
    const expected = terms.reduce((a, b) => a + b, 0) / 5;
    expectClose((await klOf(weighed(weights)))!, expected);
    expectClose((await figures(weighed(weights))).kl!, expected);
  });
  test('D7: KL is unknown where the mean weight is no sample of the policy: below 1/2, above 2', async () => {
    expect(await klOf(weighed([0.5, 0.5]))).not.toBeNull();
    expect(await klOf(weighed([2, 2]))).not.toBeNull();
    expect(await klOf(weighed([0.45, 0.5]))).toBeNull();
    expect(await klOf(weighed([2, 1.999, 2.1]))).toBeNull();
  });
  test('one missing propensity, and the log judges nothing', async () => {
    const of = weighed([1, 1, 1]);
    const rows = { ...of.rows, logPropensity: Float64Array.of(-1, Number.NaN, -1) };
    expect(await heldOutFigures({ family: of.family, diversity: 'anchored' }, {}, rows)).toEqual({
      utility: null,
      utilityError: null,
      diversity: null,
      effectiveSampleSize: null,
      responses: 3,
      meanWeight: null,
      kl: null,
      textLoss: null,
    });
  });
  test('D3: coverage needs opinions, the other kinds do not', async () => {
    const bare = weighed([1, 0.5]);
    expect((await figures(bare, 'coverage')).diversity).toBeNull();
    expect((await figures(bare, 'none')).diversity).toBeNull();
    // surprisals log 2 and log 4 at weights 1 and 1/2
    expectClose((await figures(bare, 'surprisal')).diversity!, (Math.log(2) + 0.5 * Math.log(4)) / 1.5);
    const classed = weighed([1, 0.5], (i) => ({ opinion: 'pq'[i] }));
    const entropy = -(2 / 3) * Math.log(2 / 3) - (1 / 3) * Math.log(1 / 3);
    expectClose((await figures(classed, 'coverage')).diversity!, entropy);
    expect((await figures(classed, 'none')).diversity).toBeNull();
  });
  test('D3: responses without feedback are no part of the held-out classes', async () => {
    const of = weighed([1, 0.5, 1], (i) => ({
      opinion: 'pqq'[i],
      ...(i === 2 && { feedback: { other: 1 } }),
    }));
    const entropy = -(2 / 3) * Math.log(2 / 3) - (1 / 3) * Math.log(1 / 3);
    expectClose((await figures(of, 'coverage')).diversity!, entropy);
  });
});

describe('scoring', () => {
  const log = logFromRecords(
    Array.from({ length: 70 }, (_, i) => ({ prompt: `x${i % 20}`, responses: [{ text: 'a', propensity: 0.5 }] })),
  );
  const rows = evaluationRows(log, null);
  const scored = async (finite: boolean) => {
    const calls: Prompt[][] = [];
    const policy: Policy = {
      logProb: (prompts, texts) => {
        calls.push([...prompts]);
        return tensor(Float64Array.from(texts, () => -1));
      },
      ...(finite && { distribution: () => [] }),
    };
    expect([...(await scoreRows(policy, rows))]).toEqual(new Array(70).fill(-1));
    return calls;
  };

  test('a policy over texts is asked for at most 32 rounds at a time', async () => {
    expect((await scored(false)).map((prompts) => prompts.length)).toEqual([32, 32, 6]);
  });
  test('a policy over candidates is asked for all rounds of eight prompts at a time: each prompt costs once', async () => {
    const calls = await scored(true);
    expect(calls.map((prompts) => new Set(prompts).size)).toEqual([8, 8, 4]);
    expect(calls.flat().length).toBe(70);
  });
  test('a log-probability that is NaN has the code of a run that diverged', async () => {
    const nan: Policy = { logProb: (_, texts) => tensor(new Float64Array(texts.length).fill(Number.NaN)) };
    await expect(scoreRows(nan, rows)).rejects.toMatchObject({ code: 'diverged' });
  });
});

describe('options of training', () => {
  const refused = (over: Parameters<typeof training>[0], message: RegExp): PopeError => {
    const error = errorOf(() => checkTraining(training(over)));
    expect(error.message).toMatch(message);
    return error;
  };
  const heldOut = rowsOf(enumeratedLog());
  const holed = (rows: EvaluationRows): EvaluationRows => ({
    ...rows,
    logPropensity: rows.logPropensity.map((l, m) => (m === 5 ? Number.NaN : l)),
  });

  test('their limits', () => {
    refused({ learningRate: 1000 }, /^learningRate is 1000/);
    for (const beta of [0, -1, Infinity]) refused({ beta }, new RegExp(`^beta is ${beta}`));
    for (const kl of [-0.1, Number.NaN]) refused({ kl, heldOut }, new RegExp(`^kl is ${kl}`));
    for (const fine of [{ learningRate: 999 }, { beta: 0.01 }, { clip: 0.01 }, { kl: 0, heldOut }])
      checkTraining(training(fine));
  });
  test('one missing propensity is enough to refuse, in the rows and in the held-out ones', () => {
    const rows = holed(rowsOf(enumeratedLog()));
    expect(refused({ rows }, /^the log has no propensities/).code).toBe('no_propensity');
    checkTraining(training({ rows, objective: 'sft' }));
    expect(refused({ kl: 1, heldOut: holed(heldOut) }, /^kl is given/).argument).toBe('kl');
  });
  test('no parameters', () => {
    expect(refused({ params: {} as never }, /^params holds no tensor/).argument).toBe('params');
  });
});

describe('a run', () => {
  const heldOut = rowsOf(enumeratedLog());

  test('warms up over a tenth of its steps', async () => {
    const { records } = await trainPope(training({ steps: 30, learningRate: 0.06 }));
    const rates = records.map((r) => r.learning_rate);
    expectClose(rates[0], 0.02);
    expectClose(rates[1], 0.04);
    expectClose(rates[2], 0.06);
    expect(Math.max(...rates)).toBe(rates[2]);
    expectClose(rates[29], 0.006);
  });
  test('weight decay reaches the optimiser: without a gradient, parameters shrink by 1 - rate * decay a step', async () => {
    // no slate has two responses, so that dpo has no pair and no slope
    const start = [
      [1, -2, 3],
      [0.5, 0, -1],
    ];
    const run = async (more: { weightDecay?: number }) => {
      const over = { objective: 'dpo', params: logits(start), steps: 1, innerSteps: 1, learningRate: 0.1 } as const;
      return [...(await trainPope(training({ ...over, ...more }))).params.logits.dataSync()];
    };
    const decayed = await run({ weightDecay: 0.5 });
    expectAllClose(
      decayed,
      start.flat().map((value) => value * (1 - 0.1 * 0.5)),
    );
    expect(await run({ weightDecay: 0 })).toEqual(start.flat());
  });
  test('its figures are those of the last look', async () => {
    const { figures, records } = await trainPope(training({ heldOut, steps: 25, logEvery: 10, learningRate: 0.1 }));
    expect(figures!.utility).toBe(records.at(-1)!.held_out!.utility);
    expect(figures!.utility).not.toBe(records[0].held_out!.utility);
  });
  test("only a loss that diverged ends it; any other failure is the caller's", async () => {
    const failing = (error: Error) => {
      let calls = 0;
      return trainPope(
        training({
          heldOut,
          logEvery: 5,
          textLoss: () => {
            if (++calls > 1) throw error;
            return 1;
          },
        }),
      );
    };
    await expect(failing(new Error('out of disk'))).rejects.toThrow('out of disk');
    await expect(failing(new PopeError('no such text.', { code: 'other' }))).rejects.toThrow('no such text.');
    const { stopped } = await failing(new PopeError('the loss is 1e400, not 1.5 nats.', { code: 'diverged' }));
    expect(stopped.message).toMatch(/on held-out rounds the loss is 1e400, not 1\.5 nats\. The parameters are/);
  });
  test('the guard says how far the next step would have gone', async () => {
    const { stopped } = await trainPope(training({ objective: 'utility', heldOut, steps: 100, kl: 0.6 }));
    expect(stopped.reason).toBe('kl_guard');
    const nats = Number(/KL\(pi\|\|pi0\) (\d+\.\d{3}) nats on held-out rounds, above 0\.6/.exec(stopped.message)![1]);
    expect(nats).toBeGreaterThanOrEqual(0.6);
    expect(nats).toBeLessThan(1);
  });
});

describe('fits of pi0', () => {
  const log: Log = enumeratedLog({ propensities: false });
  const rows = evaluationRows(log, null, { withoutPropensity: true });

  test('a fit that was stopped says why by its code', async () => {
    const folds = Int32Array.from(rows.roundIndex, (_, i) => i % 2);
    const options = { family, rows, start: () => logits(), steps: 2, batch: 4, learningRate: 0.1, folds };
    expect(await rejectionOf(crossFit({ ...options, signal: AbortSignal.abort() }))).toMatchObject({ code: 'aborted' });
  });
  test('counting needs candidates of every prompt where it smooths, and of none where it does not', () => {
    const candidates = new Map([['x0', ['a', 'b', 'c'].map((text) => ({ text }))]]);
    expectClose(countedPropensity({ ...log, candidates })(rows)[0], Math.log(4 / 8));
    const error = errorOf(() => countedPropensity({ ...log, candidates }, { smoothing: 1 }));
    expect(error.message).toMatch(/round x1a0 has no candidates/);
    expect(error).toMatchObject({ argument: 'smoothing' });
  });

  const series = (...values: number[]) => {
    let next = 0;
    return () => values[next++ % values.length];
  };
  const options = {
    rows: evaluationRows(enumeratedLog(), up),
    fit: (r: EvaluationRows) => r.logPropensity,
    level: 0.9,
    random: seededRandom(1),
  };
  test('the replicates stay in the order of drawing, and their spread is the sample standard deviation', async () => {
    const found = await bootstrapWithRefit({ ...options, estimate: series(9, 3, 1, 2, 6), resamples: 4 });
    expect(found.estimate).toBe(9);
    expect([...found.replicates]).toEqual([3, 1, 2, 6]);
    expectClose(found.stdError, Math.sqrt((0 + 4 + 1 + 9) / 3));
    expect(found.undefinedResamples).toBe(0);
  });
  test('two units are enough to resample, one is not; the level lies between 0 and 1', async () => {
    const rowsOfUnits = (units: number) =>
      evaluationRows({ ...enumeratedLog(), clusters: log.ids.map((_, i) => `u${i % units}`) }, up);
    const run = (over: Partial<Parameters<typeof bootstrapWithRefit>[0]>) =>
      bootstrapWithRefit({ ...options, estimate: () => 1, resamples: 2, ...over });
    expect((await run({ rows: rowsOfUnits(2) })).estimate).toBe(1);
    expect(await rejectionOf(run({ rows: rowsOfUnits(1) }))).toMatchObject({
      message: expect.stringMatching(/^the number of clusters is 1/),
    });
    for (const level of [0, 1, -0.5, Number.NaN])
      expect(await rejectionOf(run({ level }))).toMatchObject({ argument: 'level' });
  });
});
