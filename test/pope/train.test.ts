import { describe, expect, it } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { softmaxLinearPolicy } from '../../src/ope/index.js';
import { type Objective, type StepRecord, trainPope } from '../../src/pope/index.js';
import {
  classEntropyOf,
  entropyOf,
  enumeratedLog,
  family,
  klOf,
  logits,
  pi0,
  probabilities,
  prompts,
  responses,
  rowsOf,
  training,
  utilities,
  utilityOf,
} from './enumerated-log.js';

const logSumExp = (row: readonly number[]) => Math.log(row.reduce((s, x) => s + Math.exp(x), 0));
const features = (prompt: unknown, response: string) =>
  prompts.flatMap((p) => responses.map((r) => (p === prompt && r === response ? 1 : 0)));
const candidatesOf = () => responses.map((text) => ({ text }));

function expectTable(pi: readonly (readonly number[])[], best: readonly (readonly number[])[], digits: number): void {
  for (const [x, row] of pi.entries()) for (const [y, p] of row.entries()) expect(p).toBeCloseTo(best[x][y], digits);
}

describe('the optimum', () => {
  const tau = 0.5;
  const long = { tau, steps: 300, learningRate: 0.15, innerSteps: 2 };
  const expectOptimum = (pi: number[][], best: number[][]) => expectTable(pi, best, 4);

  it('T9: training with surprisal reaches exp(u/tau)/Z and the value tau log sum exp(u/tau)', async () => {
    const { params, stopped } = await trainPope(training({ ...long, diversity: 'surprisal' }));
    const pi = probabilities(params);
    expect(stopped.reason).toBe('done');
    expectOptimum(
      pi,
      utilities.map((row) => row.map((u) => Math.exp(u / tau - logSumExp(row.map((v) => v / tau))))),
    );
    const best = utilities.reduce((s, row) => s + tau * logSumExp(row.map((u) => u / tau)), 0) / 2;
    expect(utilityOf(pi) + tau * entropyOf(pi)).toBeCloseTo(best, 7);
  });

  it('T9: training with the anchored diversity reaches pi0 exp(u/tau)/Z and tau log E exp(u/tau)', async () => {
    const { params } = await trainPope(training({ ...long, diversity: 'anchored' }));
    const pi = probabilities(params);
    const scores = utilities.map((row, x) => row.map((u, y) => Math.log(pi0[x][y]) + u / tau));
    expectOptimum(
      pi,
      scores.map((row) => row.map((s) => Math.exp(s - logSumExp(row)))),
    );
    const best = scores.reduce((s, row) => s + tau * logSumExp(row), 0) / 2;
    expect(utilityOf(pi) - tau * klOf(pi)).toBeCloseTo(best, 7);
  });

  it('T9: the policy gradient and a softmax-linear policy reach the same optima', async () => {
    const scores = utilities.map((row) => row.map((u) => u / tau));
    const best = scores.map((row) => row.map((s) => Math.exp(s - logSumExp(row))));
    const gradient = await trainPope(
      training({ ...long, objective: 'policy-gradient', diversity: 'surprisal', innerSteps: 1, steps: 500 }),
    );
    expectOptimum(probabilities(gradient.params), best);
    const linear = softmaxLinearPolicy(candidatesOf, features);
    const { rows, batch } = training();
    const trained = await trainPope({
      ...long,
      objective: 'pope',
      diversity: 'surprisal',
      rows,
      heldOut: null,
      batch,
      family: linear,
      params: { weight: tensor(new Float64Array(6)) },
    });
    expectOptimum(probabilities({ logits: trained.params.weight }), best);
  });
});

describe('each step', () => {
  it('raises the value of the anchored objective, seen on held-out rounds that enumerate the problem', async () => {
    const rows = rowsOf(enumeratedLog());
    const { records } = await trainPope(training({ heldOut: rows, logEvery: 1, steps: 40, learningRate: 0.01 }));
    const values = records.map(({ held_out }) => held_out!.utility! - 0.5 * held_out!.kl!);
    expect(values.length).toBe(41);
    for (let k = 1; k < values.length; k++) expect(values[k]).toBeGreaterThan(values[k - 1]);
    // on this log the estimates are the exact figures of the uniform start
    expect(records[0].held_out!.utility).toBeCloseTo(utilityOf(pi0.map(() => [1 / 3, 1 / 3, 1 / 3])), 12);
    expect(records[0].held_out!.kl).toBeCloseTo(klOf(pi0.map(() => [1 / 3, 1 / 3, 1 / 3])), 12);
    expect(records[0]).toMatchObject({ step: 0, objective: null, gradient_norm: null });
  });

  it('the objective of a step is the bound at its anchor: the value itself', async () => {
    const [first] = (await trainPope(training({ steps: 1 }))).records;
    const uniform = pi0.map(() => [1 / 3, 1 / 3, 1 / 3]);
    expect(first.objective).toBeCloseTo(utilityOf(uniform) - 0.5 * klOf(uniform), 12);
  });

  it.each(['surprisal', 'anchored', 'coverage', 'none'] as const)(
    'pope raises its own value with diversity %s',
    async (diversity) => {
      const value = (pi: number[][]): number =>
        utilityOf(pi) +
        0.5 * { surprisal: entropyOf(pi), anchored: -klOf(pi), coverage: classEntropyOf(pi), none: 0 }[diversity];
      const start = [
        [2, 0, -1],
        [-1, 0, 2],
      ];
      const { params } = await trainPope(training({ diversity, params: logits(start), steps: 60 }));
      expect(value(probabilities(params))).toBeGreaterThan(value(probabilities(logits(start))) + 0.01);
    },
  );
});

describe('objectives', () => {
  const run = async (objective: Objective, over = {}) =>
    probabilities((await trainPope(training({ objective, steps: 200, learningRate: 0.1, ...over }))).params);

  it('utility takes the best response', async () => {
    const pi = await run('utility');
    expect(pi[0][1]).toBeGreaterThan(0.95);
    expect(pi[1][0]).toBeGreaterThan(0.95);
  });
  it('diversity raises the entropy, and with the anchored one goes to the logging policy', async () => {
    const skewed = logits([
      [3, 0, 0],
      [0, 3, 0],
    ]);
    expect(entropyOf(await run('diversity', { diversity: 'surprisal', params: skewed }))).toBeCloseTo(Math.log(3), 4);
    expectTable(await run('diversity', { params: skewed }), pi0, 3);
  });
  it('sft fits the logging policy, with and without propensities', async () => {
    for (const log of [enumeratedLog(), enumeratedLog({ propensities: false })]) {
      const pi = await run('sft', { rows: rowsOf(log), innerSteps: 1 });
      expectTable(pi, pi0, 3);
    }
  });
  it('reward-weighted goes to pi0 u / E u', async () => {
    const pi = await run('reward-weighted', { steps: 400 });
    const total = pi0.map((row, x) => row.reduce((s, p, y) => s + p * utilities[x][y], 0));
    expectTable(
      pi,
      pi0.map((row, x) => row.map((p, y) => (p * utilities[x][y]) / total[x])),
      2,
    );
  });
  it('dpo prefers the better response of a slate, in the order of the utilities', async () => {
    const log = enumeratedLog();
    // one slate of all three responses for each prompt
    const offsets = Int32Array.from({ length: 3 }, (_, i) => 3 * i);
    const first = [...responses.keys()];
    const slates = {
      ...log,
      rounds: 2,
      responseCount: 6,
      offsets,
      ids: prompts,
      prompts,
      responses: prompts.flatMap(() => responses),
      logPropensity: Float64Array.from(pi0.flat(), Math.log),
      feedback: new Map([['up', Float64Array.from(utilities.flat())]]),
      opinions: null,
    };
    const pi = await run('dpo', { rows: rowsOf(slates), batch: 2, beta: 1, innerSteps: 1, steps: 60 });
    for (const x of [0, 1]) {
      const ratio = (y: number) => pi[x][y] / pi0[x][y];
      const order = first.toSorted((a, b) => utilities[x][a] - utilities[x][b]);
      expect(ratio(order[0])).toBeLessThan(ratio(order[1]));
      expect(ratio(order[1])).toBeLessThan(ratio(order[2]));
    }
  });
});

describe('the end of a run', () => {
  const heldOut = rowsOf(enumeratedLog());
  it('kl guard: the last parameters within the limit are kept, whatever the interval of the looks', async () => {
    const options = training({
      objective: 'utility',
      heldOut,
      steps: 100,
      logEvery: 50,
      params: logits(pi0.map((row) => row.map(Math.log))),
    });
    const { params, stopped, state } = await trainPope({ ...options, kl: 0.1 });
    expect(stopped.reason).toBe('kl_guard');
    expect(state.step).toBe(stopped.step);
    expect(klOf(probabilities(params))).toBeLessThanOrEqual(0.1);
    expect(klOf(probabilities(params))).toBeGreaterThan(0.05);
    const free = await trainPope(options);
    expect(free.stopped.reason).toBe('done');
    expect(klOf(probabilities(free.params))).toBeGreaterThan(0.1);
  });

  it('divergence keeps finite parameters and says at which step', async () => {
    // a policy so far away that its weights leave float32 after one step of a huge rate
    const log = enumeratedLog();
    const far = { ...log, logPropensity: log.logPropensity!.map((p) => p - 800) };
    const { params, stopped, state, records } = await trainPope(
      training({
        rows: rowsOf(far),
        learningRate: 500,
        params: logits([
          [-900, 0, -900],
          [0, -900, -900],
        ]),
        steps: 50,
      }),
    );
    expect(stopped.reason).toBe('diverged');
    expect(stopped.message).toMatch(
      /^Training diverged at step \d+: .* became .*\. The parameters are those after step \d+\./,
    );
    expect([...params.logits.dataSync()].every(Number.isFinite)).toBe(true);
    expect(state.step).toBe(stopped.step);
    expect(records.every(({ objective }) => objective === null || Number.isFinite(objective))).toBe(true);
  });

  it('an objective that is not finite after a step takes that step back', async () => {
    const log = enumeratedLog();
    // finite while pi answers a with e^-800, beyond float64 once it does not
    const propensity = log.logPropensity!.map((p, j) => (log.responses[j] === 'a' ? -1000 : p));
    const start = [
      [-500, 0, 0],
      [-500, 0, 0],
    ];
    const { params, stopped } = await trainPope(
      training({
        rows: rowsOf({ ...log, logPropensity: propensity }),
        objective: 'policy-gradient',
        tau: 0,
        learningRate: 900,
        params: logits(start),
      }),
    );
    expect(stopped.reason).toBe('diverged');
    expect(stopped.step).toBeLessThan(Number(/at step (\d+)/.exec(stopped.message)![1]));
    expect([...params.logits.dataSync()].every(Number.isFinite)).toBe(true);
  });

  it('a held-out text loss that diverges ends the run instead of losing it', async () => {
    const { PopeError } = await import('../../src/util/index.js');
    let calls = 0;
    const textLoss = () => {
      if (++calls === 3) throw new PopeError('the loss is NaN.', { code: 'diverged' });
      return 1;
    };
    const { stopped, params } = await trainPope(training({ heldOut, textLoss, logEvery: 5 }));
    expect(stopped).toMatchObject({ reason: 'diverged', step: 9 });
    expect([...params.logits.dataSync()].every(Number.isFinite)).toBe(true);
  });

  it('an abort ends it after the present step, and a resumed run is the run that was never stopped', async () => {
    const options = (more = {}) => training({ heldOut, batch: 5, steps: 23, logEvery: 4, seed: 7, ...more });
    const whole = await trainPope(options());
    for (const cut of [0, 1, 9, 12, 22]) {
      const controller = new AbortController();
      if (cut === 0) controller.abort();
      const onStep = ({ step }: StepRecord) => void (step === cut && step > 0 && controller.abort());
      const part = await trainPope(options({ signal: controller.signal, onStep }));
      expect(part.stopped).toMatchObject({ reason: 'aborted', step: cut });
      const rest = await trainPope(options({ params: part.params, resume: part.state }));
      expect([...part.records, ...rest.records]).toEqual(whole.records);
      expect(rest.params.logits.dataSync()).toEqual(whole.params.logits.dataSync());
      expect(rest.state.random).toEqual(whole.state.random);
      expect(rest.state.optimizer.secondMoment.logits.dataSync()).toEqual(
        whole.state.optimizer.secondMoment.logits.dataSync(),
      );
    }
  });

  it('the same seed gives the same run, another seed another', async () => {
    const of = async (seed: number) => [...(await trainPope(training({ batch: 4, seed }))).params.logits.dataSync()];
    expect(await of(1)).toEqual(await of(1));
    expect(await of(1)).not.toEqual(await of(2));
  });

  it('inner steps count: more of them move further on one batch, and the first has the same gradient', async () => {
    const of = (innerSteps: number) => trainPope(training({ innerSteps, steps: 1, learningRate: 0.01 }));
    const [one, three] = [await of(1), await of(3)];
    expect(three.records[0].gradient_norm).toBe(one.records[0].gradient_norm);
    expect(three.state.optimizer.step).toBe(3);
    const moved = (p: { logits: { dataSync(): ArrayLike<number> } }) => Math.hypot(...Array.from(p.logits.dataSync()));
    expect(moved(three.params)).toBeGreaterThan(2 * moved(one.params));
  });

  it('does not free or change the parameters that it was given', async () => {
    const params = logits();
    await trainPope(training({ params }));
    expect([...params.logits.dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('alarms in a run', () => {
  const heldOut = rowsOf(enumeratedLog());
  const codes = (records: readonly StepRecord[]) => new Set(records.flatMap((r) => r.alarms ?? []).map((a) => a.code));

  it('weights: a policy that leaves the log', async () => {
    const { records } = await trainPope(training({ objective: 'utility', heldOut, steps: 300, learningRate: 0.3 }));
    // best responses: b of x0 (2 rounds, weight 4), a of x1 (1 round, weight 8): (8 + 8)^2 / (2 * 16 + 64) of 16
    const last = records.at(-1)!.held_out!;
    expect(last.effective_sample_size).toBeCloseTo(256 / 96, 1);
    const narrow = await trainPope(
      training({ objective: 'utility', heldOut: rowsOf(wider()), steps: 300, learningRate: 0.3 }),
    );
    expect([...codes(narrow.records)]).toEqual(['weights']);
    expect([...codes(records)]).toEqual([]);
  });
  it('diversity_hacking: diversity bought with utility', async () => {
    const best = logits([
      [-4, 4, -4],
      [4, -4, -4],
    ]);
    const { records } = await trainPope(
      training({
        objective: 'pope',
        diversity: 'surprisal',
        tau: 50,
        params: best,
        heldOut: rowsOf(many()),
        rows: rowsOf(many()),
        batch: 800,
        steps: 100,
        learningRate: 0.2,
      }),
    );
    expect(codes(records)).toContain('diversity_hacking');
  });
  it('general_ability: the loss of text rises', async () => {
    let loss = 1;
    const { records } = await trainPope(training({ heldOut, logEvery: 10, textLoss: () => (loss += 0.06) - 0.06 }));
    expect(records.filter((r) => r.held_out !== undefined).map((r) => (r.alarms ?? []).map((a) => a.code))).toEqual([
      [],
      [],
      ['general_ability'],
    ]);
  });
  it('no weights alarm on a log without propensities, whose weights nobody knows', async () => {
    const rows = rowsOf(enumeratedLog({ propensities: false }));
    const { records } = await trainPope(training({ objective: 'sft', rows, heldOut: rows, steps: 5 }));
    expect(codes(records)).toEqual(new Set());
    expect(records.at(-1)!.held_out).toMatchObject({ utility: null, effective_sample_size: null, kl: null });
  });
});

/** A log in which what the best policy says is 2 rounds of many. */
function wider() {
  const { ids } = enumeratedLog();
  const best = ['x0b0', 'x1a0'];
  const others = ids.flatMap((id, i) => (best.includes(id) || id === 'x0b1' ? [] : new Array<number>(40).fill(i)));
  return picked([...best.map((id) => ids.indexOf(id)), ...others]);
}
const many = () => picked(Array.from({ length: 800 }, (_, k) => k % 16));
function picked(rounds: readonly number[]) {
  const log = enumeratedLog();
  const take = (column: Float64Array) => Float64Array.from(rounds, (i) => column[i]);
  return {
    ...log,
    rounds: rounds.length,
    responseCount: rounds.length,
    offsets: Int32Array.from({ length: rounds.length + 1 }, (_, i) => i),
    ids: rounds.map((i, k) => `${log.ids[i]}-${k}`),
    prompts: rounds.map((i) => log.prompts[i]),
    responses: rounds.map((i) => log.responses[i]),
    logPropensity: take(log.logPropensity!),
    feedback: new Map([['up', take(log.feedback.get('up')!)]]),
    opinions: rounds.map((i) => log.opinions![i]),
  };
}

describe('refusals', () => {
  const refused = (over: Parameters<typeof training>[0], message: RegExp) =>
    expect(trainPope(training(over))).rejects.toThrow(message);
  const negative = rowsOf(
    enumeratedLog({
      u: [
        [0, -1, 0],
        [0, 0, 0],
      ],
    }),
  );

  it('rewards below the floor, for every objective with a bound', async () => {
    for (const objective of ['pope', 'utility', 'reward-weighted'] as const) {
      await refused({ objective, rows: negative }, /^rewardFloor is 0; expected at most the smallest utility, -1\./);
      await refused({ rewardFloor: Number.NaN, objective }, /rewardFloor/);
      expect((await trainPope(training({ objective, rows: negative, rewardFloor: -1, steps: 2 }))).stopped.reason).toBe(
        'done',
      );
    }
    expect((await trainPope(training({ objective: 'policy-gradient', rows: negative, steps: 2 }))).stopped.reason).toBe(
      'done',
    );
  });
  it('a log without propensities, for all but sft', async () => {
    const rows = rowsOf(enumeratedLog({ propensities: false }));
    for (const objective of ['pope', 'policy-gradient', 'utility', 'diversity', 'reward-weighted', 'dpo'] as const) {
      await refused({ objective, rows }, /no propensities, which objective ".*" needs/);
    }
    await refused(
      { objective: 'sft', kl: 1, rows, heldOut: rows },
      /^kl is given, but there are no held-out rounds with propensities/,
    );
    await refused({ kl: 1 }, /^kl is given, but there are no held-out rounds/);
  });
  it('coverage without candidates, or without their opinions', async () => {
    await refused({ diversity: 'coverage', candidatesOf: undefined }, /needs a finite response space.*--candidates/);
    await refused({ diversity: 'coverage', candidatesOf: () => responses.map((text) => ({ text })) }, /has no opinion/);
  });
  it('options outside of their domain', async () => {
    await refused({ steps: 0 }, /^steps is 0/);
    await refused({ batch: 1.5 }, /^batch is 1.5/);
    await refused({ tau: -1 }, /^tau is -1/);
    await refused({ innerSteps: 0 }, /^innerSteps is 0/);
    await refused({ logEvery: 0 }, /^logEvery is 0/);
    await refused({ learningRate: 0 }, /^learningRate is 0/);
    await refused({ learningRate: Number.NaN }, /^learningRate is NaN/);
    await refused({ clip: 0 }, /^clip is 0/);
    await refused({ beta: Number.NaN }, /^beta is NaN/);
    await refused({ promptsPerBatch: 0 }, /^promptsPerBatch is 0/);
    await refused({ objective: 'diversity', diversity: 'none' }, /^diversity is "none"/);
    await refused({ objective: 'best' as Objective }, /^objective is "best"/);
    const { state } = await trainPope(training({ steps: 5 }));
    await refused({ steps: 4, resume: state }, /^resume.step is 5/);
    await refused({ family: { bind: family.bind }, params: {} as never }, /^params holds no tensor/);
  });
});
