// Each test here fails for one defect or mutation that a review of the trainer and of the evaluation brought up.
import { describe, expect, it } from 'vitest';
import { tensor, zeros } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import { finitePolicy, type PolicyFamily } from '../../src/ope/index.js';
import { mul } from '../../src/ops/index.js';
import {
  alarms,
  type BoundInput,
  batchOf,
  classEntropy,
  distributionKlReward,
  evaluate,
  evaluationRows,
  heldOutFigures,
  klEstimate,
  type ObjectiveOptions,
  objectiveValue,
  trainPope,
  verdictFor,
} from '../../src/pope/index.js';
import { dispose, type Tensor } from '../../src/tensor/index.js';
import { countingBackend } from '../autograd/counting-backend.js';
import { family, logits, training } from './enumerated-log.js';

const signals = [{ name: 'f', transform: 'identity', weight: 1 }] as const;

/** 40 rounds of one response, f in {0, 1}. */
const binaryLog = () =>
  logFromRecords(
    Array.from({ length: 40 }, (_, i) => ({
      prompt: `p${i % 2}`,
      responses: [
        {
          text: i % 4 < 2 ? 'x' : 'y',
          propensity: 0.5,
          opinion: i % 4 < 2 ? 'left' : 'right',
          target_log_prob: Math.log(0.5),
          feedback: { f: i % 3 === 0 ? 1 : 0 },
        },
      ],
    })),
  );

describe('evaluate', () => {
  it('bounds a difference on the range of differences', () => {
    const { targets } = evaluate(binaryLog(), {
      signals,
      diversity: 'none',
      interval: 'hoeffding',
      rewardRange: [0, 1],
    });
    const { ips } = targets['target'].utility;
    const versus = targets['target'].versus_logging.utility['ips']!;
    // equal policies: every difference is 0, inside [-1, 1], and the bound is twice as wide as that of the estimate
    expect(versus.estimate).toBe(0);
    expect(versus.upper! - versus.lower!).toBeCloseTo(2 * (ips!.upper! - ips!.lower!), 12);
  });

  it('compares coverage with the logging policy by one kind of class probabilities, and warns', () => {
    const log = binaryLog();
    const logProb = log.targetLogProb.get('target')!;
    // exact classes that differ from the plug-in ones of the same, equal policy
    const { targets, warnings } = evaluate(log, {
      signals,
      diversity: 'coverage',
      targets: { exact: { logProb, classLogProb: logProb.map(() => Math.log(0.25)) } },
    });
    expect(targets['exact'].diversity['ips']!.estimate).toBeCloseTo(Math.log(4), 12);
    expect(targets['exact'].versus_logging.diversity['ips']!.estimate).toBeCloseTo(0, 12);
    expect(targets['exact'].versus_logging.value['ips']!.estimate).toBeCloseTo(0, 12);
    expect(warnings.map(({ code }) => code)).toContain('estimated_classes');
  });

  it('and so among a group of raters: one that rated everything has the figures of all', () => {
    const log = binaryLog();
    const rated = { ...log, groupFeedback: new Map([['all', log.feedback]]) };
    const logProb = log.targetLogProb.get('target')!;
    const { versus_logging, groups } = evaluate(rated, {
      signals,
      diversity: 'coverage',
      targets: { exact: { logProb, classLogProb: logProb.map(() => Math.log(0.25)) } },
    }).targets['exact'];
    const group = groups!.groups['all']!.versus_logging.value['ips']!;
    expect(group).toEqual(versus_logging.value['ips']);
    expect(group.estimate).toBeCloseTo(0, 12);
  });
});

describe('held-out figures', () => {
  it('have no utility where the rows carry none, and robust errors where there are clusters', async () => {
    const rows = evaluationRows(binaryLog(), signals);
    const uniform: PolicyFamily<{ logits: Tensor }> = {
      bind: ({ logits: own }) =>
        finitePolicy(
          () => [{ text: 'x' }, { text: 'y' }],
          (prompts) => prompts.map(() => own),
        ),
    };
    const params = { logits: zeros([2], { dtype: 'float64' }) };
    const options = { family: uniform, diversity: 'none' } as const;
    const none = await heldOutFigures(options, params, { ...rows, utility: rows.utility.map(() => Number.NaN) });
    expect(none).toMatchObject({ utility: null, utilityError: null, effectiveSampleSize: 40 });
    const plain = await heldOutFigures(options, params, rows);
    const clustered = await heldOutFigures(options, params, {
      ...rows,
      clustered: true,
      units: 4,
      unitOfRound: rows.unitOfRound.map((i) => Math.floor(i / 10)),
    });
    expect(clustered.utility).toBe(plain.utility);
    expect(clustered.utilityError).not.toBeCloseTo(plain.utilityError!, 6);
  });
});

describe('objectives', () => {
  const log = logFromRecords([
    {
      id: 'long',
      prompt: 'a',
      responses: ['x', 'y', 'x', 'y'].map((text) => ({ text, propensity: 0.5, feedback: { f: 1 } })),
    },
    { id: 'short', prompt: 'b', responses: [{ text: 'x', propensity: 0.5, feedback: { f: 1 } }] },
  ]);
  const batch = batchOf(evaluationRows(log, signals), [0, 1]);
  const candidates = [
    { text: 'x', opinion: 'left' },
    { text: 'y', opinion: 'right' },
  ];
  const rows: Record<string, number[]> = { a: [0, 0], b: [Math.log(3), 0] };
  const policy = finitePolicy(
    () => candidates,
    (prompts) => prompts.map((p) => tensor(Float64Array.from(rows[p as string]))),
  );
  const value = (options: Partial<ObjectiveOptions>): number =>
    objectiveValue(policy, batch, null, {
      objective: 'diversity',
      diversity: 'surprisal',
      tau: 1,
      candidatesOf: () => candidates,
      ...options,
    }).item();
  const entropy = (p: number) => -p * Math.log(p) - (1 - p) * Math.log(1 - p);

  it('count every round once, whatever the length of its slate', () => {
    const wanted = (entropy(0.5) + entropy(0.75)) / 2;
    expect(value({ diversity: 'surprisal' })).toBeCloseTo(wanted, 12);
    expect(value({ diversity: 'coverage' })).toBeCloseTo(wanted, 12);
  });

  it('diversity alone does not move with the floor of rewards', () => {
    expect(value({ rewardFloor: -3 })).toBe(value({}));
  });

  it('clip the weights of the KL estimate', () => {
    const column = (x: number[]) => tensor(Float64Array.from(x));
    const input: BoundInput = {
      logProb: column([Math.log(0.8)]),
      anchorLogProb: column([Math.log(0.5)]),
      logPropensity: column([Math.log(0.1)]),
      utility: column([1]),
      slateWeight: column([1]),
      roundOf: tensor([0], { dtype: 'int32' }),
      rounds: 1,
    };
    const term = 1.6 * Math.log(1.6) - 0.6;
    expect(klEstimate(input, input.anchorLogProb).item()).toBeCloseTo(5 * term, 12);
    expect(klEstimate(input, input.anchorLogProb, { clip: 2 }).item()).toBeCloseTo(2 * term, 12);
  });
});

describe('trainPope', () => {
  it('hands back the point before where the objective at the present one is not finite', async () => {
    // a policy that breaks once the first logit has grown by more than 0.05
    const brittle: typeof family = {
      bind: (params) => {
        const sound = family.bind(params);
        const grown = Math.abs(params.logits.dataSync()[0] - logits().logits.dataSync()[0]) > 0.05;
        return {
          ...sound,
          logProb: (prompts, responses) => {
            const found = sound.logProb(prompts, responses);
            return grown ? mul(found, Number.NaN) : found;
          },
        };
      },
    };
    const options = training({ steps: 50, learningRate: 0.03, innerSteps: 1, objective: 'utility' });
    const seen: number[] = [];
    const { params, stopped } = await trainPope({
      ...options,
      family: brittle,
      heldOut: null,
      onStep: ({ step }) => seen.push(step),
    });
    expect(stopped.reason).toBe('diverged');
    expect(Math.abs(params.logits.dataSync()[0] - logits().logits.dataSync()[0])).toBeLessThanOrEqual(0.05);
    expect(stopped.step).toBe(seen.at(-1)! - 1);
  });

  it('says so where the start is already beyond the KL guard', async () => {
    const far = {
      logits: tensor(
        [
          [9, 0, 0],
          [9, 0, 0],
        ],
        { dtype: 'float64' },
      ),
    };
    const options = training({ steps: 3, kl: 0.01 });
    const { params, stopped } = await trainPope({ ...options, params: far, heldOut: options.rows });
    expect(stopped).toMatchObject({ reason: 'kl_guard', step: 0 });
    expect(stopped.message).toMatch(/^Training did not begin: the start has KL/);
    expect(params).toBe(far);
  });

  it('binds without dropout where its bound must be tight, and with it in imitation', async () => {
    const asked: Record<string, boolean> = {};
    for (const objective of ['pope', 'sft'] as const) {
      const watching: typeof family = {
        bind: (params, options) => {
          asked[objective] ||= options?.random !== undefined;
          return family.bind(params, options);
        },
      };
      await trainPope({ ...training({ steps: 1, objective }), family: watching, heldOut: null });
    }
    expect(asked).toEqual({ pope: false, sft: true });
  });

  it('holds its memory flat and leaves the caller its parameters', async () => {
    const { backend, alive } = countingBackend();
    const start = logits();
    const params = { logits: tensor(start.logits.dataSync(), { shape: start.logits.shape, backend }) };
    const before = alive();
    const counts: number[] = [];
    const { params: trained, state } = await trainPope({
      ...training({ steps: 12 }),
      params,
      heldOut: null,
      onStep: () => counts.push(alive()),
    });
    expect(new Set(counts.slice(2)).size).toBe(1);
    dispose([trained, state.optimizer.firstMoment, state.optimizer.secondMoment]);
    expect(alive()).toBe(before);
    expect(params.logits.isFreed).toBe(false);
  });
});

describe('what the spec leaves to an option', () => {
  it('D3: the Miller-Madow correction adds (K - 1)/(2 n), classes of probability 0 not counted', () => {
    const classes = new Map([
      ['a', 0.5],
      ['b', 0.25],
      ['c', 0.25],
      ['d', 0],
    ]);
    expect(classEntropy(classes, { millerMadow: 10 }) - classEntropy(classes)).toBeCloseTo(2 / 20, 12);
    expect(() => classEntropy(classes, { millerMadow: 0 })).toThrow('millerMadow is 0');
  });

  it('D5: minus KL is 0 for equal distributions, -Infinity for a class left out, and blind to what nobody prefers', () => {
    const rows = (x: number[][]) => tensor(x, { dtype: 'float64' });
    expect(distributionKlReward(rows([[0.25, 0.75]]), rows([[0.25, 0.75]])).item()).toBeCloseTo(0, 12);
    expect(distributionKlReward(rows([[0.5, 0.5]]), rows([[0.8, 0.2]])).item()).toBeCloseTo(
      -(0.5 * Math.log(0.5 / 0.8) + 0.5 * Math.log(0.5 / 0.2)),
      12,
    );
    expect(distributionKlReward(rows([[0.5, 0.5]]), rows([[1, 0]])).item()).toBe(-Infinity);
    expect(distributionKlReward(rows([[1, 0]]), rows([[1, 0]])).item()).toBeCloseTo(0, 12);
  });
});

describe('verdicts', () => {
  it('joint_ips stands under the weights of whole slates, and alone it is what the verdict is about', () => {
    const log = logFromRecords(
      Array.from({ length: 300 }, (_, i) => ({
        prompt: 'p',
        responses: Array.from({ length: 6 }, (_, j) => ({
          text: (i * 7 + j * 3 + ((i * j) % 5)) % 4 === 0 ? 'x' : 'y',
          propensity: (i * 7 + j * 3 + ((i * j) % 5)) % 4 === 0 ? 0.25 : 0.75,
          target_log_prob: Math.log((i * 7 + j * 3 + ((i * j) % 5)) % 4 === 0 ? 0.8 : 0.2),
          feedback: { f: (i + j) % 2 },
        })),
      })),
    );
    const both = evaluate(log, { signals, diversity: 'none' }).targets['target'];
    expect(both.joint_verdict!.level).not.toBe('supported');
    expect(verdictFor(both, 'joint_ips')).toBe(both.joint_verdict);
    expect(verdictFor(both, 'ips')).toBe(both.verdict);
    expect(both.joint_verdict!.reasons.join()).toMatch(/of 300 slates/);
    const alone = evaluate(log, { signals, diversity: 'none', estimators: ['joint_ips'] }).targets['target'];
    expect(alone.verdict.level).toBe(both.joint_verdict!.level);
    // slate diversity leaves the estimates of single responses under their own verdict
    const slate = evaluate(log, { signals, diversity: 'slate' }).targets['target'];
    expect(slate.verdict).toEqual(both.verdict);
  });

  it('an estimator that was asked for and lacks its inputs is refused, and so are no signals', () => {
    expect(() => evaluate(binaryLog(), { signals, estimators: ['dm'] })).toThrow(/estimator dm lacks its inputs/);
    expect(() => evaluate(binaryLog(), { signals: [] })).toThrow('signals is []');
  });

  it('two rounds of equal weights are no ground for a verdict on the propensities', () => {
    const log = logFromRecords(
      [0, 1].map(() => ({
        prompt: 'p',
        responses: [{ text: 'x', propensity: 0.5, target_log_prob: Math.log(0.55), feedback: { f: 1 } }],
      })),
    );
    const { targets, warnings } = evaluate(log, { signals, diversity: 'none' });
    expect(targets['target'].verdict.reasons.join()).not.toMatch(/mean weight/);
    expect(warnings.map(({ code }) => code)).not.toContain('mean_weight_off');
  });
});

describe('a policy that the log hardly meets', () => {
  it('has no KL estimate (it would saturate at 1 nat), and the alarm says why', async () => {
    const options = training({ steps: 1, kl: 100 });
    const far = {
      logits: tensor(
        [
          [0, 0, 60],
          [60, 0, 0],
        ],
        { dtype: 'float64' },
      ),
    };
    const missing = await heldOutFigures(
      { family, diversity: 'anchored' },
      {
        logits: tensor(
          [
            [-60, 0, 0],
            [0, 0, -60],
          ],
          { dtype: 'float64' },
        ),
      },
      options.rows,
    );
    expect(missing.kl).not.toBeNull();
    const rows = { ...options.rows, logPropensity: options.rows.logPropensity.map(() => 0) };
    const figures = await heldOutFigures({ family, diversity: 'anchored' }, far, rows);
    expect(figures.meanWeight).toBeLessThan(0.5);
    expect(figures.kl).toBeNull();
    expect(
      alarms(figures, figures)
        .map(({ message }) => message)
        .join(),
    ).toMatch(/the mean weight on held-out rounds is/);
    const guarded = await trainPope({ ...options, params: far, heldOut: rows });
    expect(guarded.stopped).toMatchObject({ reason: 'kl_guard', step: 0 });
  });
});
