import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  type Finding,
  jsonlText,
  lintLog,
  lintText,
  logFromRecords,
  parseCandidates,
  type RoundRecord,
  type Severity,
  simulateLog,
} from '../../src/data/index.js';
import type { Signal } from '../../src/pope/index.js';
import { categorical, normal, permutation, type Random, seededRandom, uniformInt } from '../../src/random/index.js';
import { root, sourcesUnder } from '../house/sources.js';

type Response = RoundRecord['responses'][number];
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

interface ListOptions {
  readonly rounds?: number;
  readonly slate?: number;
  readonly sampler?: readonly number[];
  readonly logged?: readonly number[];
  readonly seed?: number;
}

const skewed = [0.4, 0.3, 0.15, 0.1, 0.05];

/** Draws from `sampler`, and the log says `logged`. */
function listLog(
  { rounds = 600, slate = 2, sampler = skewed, logged, seed = 1 }: ListOptions = {},
  draw = (random: Random): number[] => range(slate).map(() => categorical(random, sampler)),
): RoundRecord[] {
  const random = seededRandom(seed);
  return range(rounds).map((i) => ({
    id: `r${i}`,
    prompt: `p${i % 3}`,
    responses: draw(random).map((y) => ({
      text: `y${y}`,
      propensity: (logged ?? sampler)[y],
      feedback: { up: (y * 7) % 5 },
      opinion: `c${y % 2}`,
    })),
  }));
}

/** A language model's log: every prompt once, texts of many lengths, log-probabilities summed over them. */
function textLog(perByte = (random: Random, _bytes: number): number => -0.04 * Math.exp(0.3 * normal(random))) {
  const random = seededRandom(2);
  return range(200).map((i): RoundRecord => {
    const text = range(3 + uniformInt(random, 60))
      .map(() => `w${uniformInt(random, 900)}`)
      .join(' ');
    return {
      id: `t${i}`,
      prompt: `question ${i}`,
      responses: [{ text, log_propensity: perByte(random, text.length) * text.length, feedback: { up: i % 4 } }],
    };
  });
}

/** Changes some responses of some rounds. */
const edit = (
  records: RoundRecord[],
  change: (response: Response, i: number, k: number) => object,
  round: (i: number) => object = () => ({}),
): RoundRecord[] =>
  records.map((record, i) => ({
    ...record,
    ...round(i),
    responses: record.responses.map((response, k) => ({ ...response, ...change(response, i, k) })),
  }));
const rounds = (records: RoundRecord[], change: (i: number) => object): RoundRecord[] =>
  edit(records, () => ({}), change);

const list = listLog();
const texts = textLog();
/** Texts of so many nats that none comes twice by chance. */
const rich = textLog(() => -0.5);
const flat = range(5).map(() => 0.2);
const sharpened = skewed.map((p) => p ** 2 / skewed.reduce((sum, q) => sum + q ** 2, 0));
const logp = ({ log_propensity, propensity }: Response): number =>
  (log_propensity as number | undefined) ?? Math.log(propensity as number);
const target = (records: RoundRecord[], of: (response: Response, i: number) => number | null) =>
  edit(records, (response, i) => ({ target_log_prob: { new: of(response, i) } }));
const withSampling = (records: RoundRecord[], sampling: object) => rounds(records, () => ({ sampling }));
const grouped = (records: RoundRecord[], total: (i: number) => number) =>
  edit(records, (_, i) => ({
    feedback: { up: total(i) },
    group_feedback: { a: { up: 2 + (i % 3) }, b: { up: 1 } },
  }));
const predicted = (missing: boolean) => edit(list, (_, i) => (missing && i === 3 ? {} : { predicted_reward: 0.5 }));
const log1p: Signal[] = [{ name: 'up', transform: 'log1p', weight: 1 }];
const wanted = (names: string[]) =>
  rounds(list, () => ({ opinion_distribution: Object.fromEntries(names.map((name) => [name, 1 / names.length])) }));

/** Code, severity, a log that has it, one near to it that has not, options. */
const cases: [string, Severity, RoundRecord[], RoundRecord[], { signals: Signal[] }?][] = [
  ['no_propensity', 'warning', edit(list, () => ({ propensity: undefined })), list],
  ['fitted_propensity', 'info', rounds(list, () => ({ propensity_source: 'fitted' })), list],
  [
    'placeholder_propensity',
    'error',
    edit(list, () => ({ propensity: 1 })),
    edit(list, (_, i) => ({ propensity: i === 0 ? 0.9 : 1 })),
  ],
  ['placeholder_propensity', 'warning', edit(texts, () => ({ log_propensity: 0 })), texts],
  [
    'propensity_sum_above_one',
    'error',
    edit(list, ({ propensity }) => ({ propensity: Math.sqrt(propensity as number) })),
    list,
  ],
  // days of a logger that learns: their probabilities need not add up
  [
    'propensity_sum_above_one',
    'warning',
    edit(
      texts.map((r) => ({ ...r, prompt: 'p' })),
      () => ({ log_propensity: -1 }),
    ),
    edit(list, ({ propensity }, i) => ({ propensity: Math.sqrt(propensity as number) * (i % 2 === 0 ? 1 : 0.9) })),
  ],
  ['target_sum_above_one', 'error', target(list, (r) => logp(r) / 2), target(list, (r) => logp(r))],
  [
    'target_sum_above_one',
    'warning',
    target(
      texts.map((r) => ({ ...r, prompt: 'p' })),
      () => -1,
    ),
    target(texts, () => -1),
  ],
  [
    'varying_propensity',
    'info',
    edit(list, ({ propensity }, i) => ({ propensity: i === 5 ? 0.01 : propensity })),
    list,
  ],
  ['temperature_mismatch', 'warning', listLog({ sampler: sharpened, logged: skewed }), list],
  ['temperature_mismatch', 'warning', listLog({ sampler: flat, logged: skewed }), listLog({ sampler: flat })],
  [
    'frequency_mismatch',
    'warning',
    listLog({ sampler: [0.4, 0.15, 0.15, 0.15, 0.15], logged: flat }),
    listLog({ sampler: flat }),
  ],
  ['flat_length_slope', 'warning', textLog((random, bytes) => (-0.3 * Math.exp(0.3 * normal(random))) / bytes), texts],
  // a list: one propensity whatever the length
  [
    'flat_length_slope',
    'warning',
    textLog((random, bytes) => (-8 - normal(random)) / bytes),
    textLog((_, bytes) => -8 / bytes),
  ],
  ['steep_length_slope', 'warning', textLog(() => -6), textLog(() => -4)],
  ['duplicate_rounds', 'warning', [...rich, { ...rich[0], id: 'again' }], [...list, { ...list[0], id: 'again' }]],
  ['duplicate_responses', 'warning', texts.map((r) => ({ ...r, responses: [r.responses[0], r.responses[0]] })), list],
  [
    'slate_without_replacement',
    'warning',
    listLog({ sampler: flat }, (random) => [...permutation(random, 5)].slice(0, 2)),
    listLog({ sampler: flat }),
  ],
  [
    'uneven_slates',
    'warning',
    list.map((r, i) => (i % 50 === 7 ? { ...r, responses: r.responses.slice(0, 1) } : r)),
    list,
  ],
  [
    'repeated_position',
    'warning',
    edit(list, (_, i, k) => ({ position: i === 9 ? 1 : k + 1 })),
    edit(list, (_, _i, k) => ({ position: k + 1 })),
  ],
  [
    'partial_positions',
    'warning',
    edit(list, (_, i, k) => ({ position: i === 9 ? null : k + 1 })),
    edit(list, (_, _i, k) => ({ position: k + 1 })),
  ],
  ['cut_responses', 'warning', edit(texts, ({ text }) => ({ text: text.slice(0, 150) })), texts],
  ['blank_response', 'warning', edit(texts, ({ text }, i) => ({ text: i === 4 ? ' \n' : text })), texts],
  [
    'sampling_mismatch',
    'warning',
    withSampling(texts, { temperature: 0.7 }),
    withSampling(texts, { temperature: 1, top_p: 1, top_k: 0 }),
  ],
  // frequencies show that the propensities are of that sampler
  ['sampling_mismatch', 'info', withSampling(list, { top_p: 0.9 }), withSampling(list, { top_p: 1 })],
  [
    'greedy_sampler',
    'error',
    withSampling(texts, { temperature: 0 }),
    withSampling(
      edit(texts, () => ({ log_propensity: 0 })),
      { temperature: 0 },
    ),
  ],
  ['repeated_prompts', 'warning', texts.map((r, i) => (i < 20 ? { ...r, prompt: 'the same' } : r)), list],
  ['repeated_prompts', 'info', list, rounds(list, (i) => ({ cluster: `u${i % 40}` }))],
  [
    'few_clusters',
    'warning',
    rounds(list, (i) => ({ cluster: `u${i % 5}` })),
    rounds(list, (i) => ({ cluster: `u${i % 40}` })),
  ],
  [
    'dominant_cluster',
    'warning',
    rounds(list, (i) => ({ cluster: i < 350 ? 'u' : `u${i}` })),
    rounds(list, (i) => ({ cluster: i < 50 ? 'u' : `u${i}` })),
  ],
  [
    'lone_clusters',
    'info',
    rounds(list, (i) => ({ cluster: `u${i}` })),
    rounds(list, (i) => ({ cluster: `u${i >> 1}` })),
  ],
  ['no_feedback', 'warning', edit(list, () => ({ feedback: undefined })), list],
  [
    'missing_feedback',
    'warning',
    edit(list, (_, i) => (i % 3 > 0 ? { feedback: { up: null } } : {})),
    edit(list, (_, i) => (i === 3 ? { feedback: { up: null } } : {})),
  ],
  ['missing_feedback', 'info', edit(list, (_, i) => (i === 3 ? { feedback: { up: null } } : {})), list],
  [
    'constant_feedback',
    'warning',
    edit(list, () => ({ feedback: { up: 1 } })),
    edit(list, (_, i) => ({ feedback: { up: i === 3 ? 0 : 1 } })),
  ],
  [
    'signal_outside_domain',
    'error',
    edit(list, (_, i) => ({ feedback: { up: i === 3 ? -2 : 1 } })),
    list,
    { signals: log1p },
  ],
  [
    'group_feedback_mismatch',
    'warning',
    grouped(list, (i) => 3 + (i % 3) + (i === 8 ? 1 : 0)),
    grouped(list, (i) => 3 + (i % 3)),
  ],
  ['group_feedback_mismatch', 'warning', grouped(list, () => 40), grouped(list, (i) => 1.5 + (i % 3) / 4)],
  ['partial_opinions', 'warning', edit(list, (_, i) => (i === 3 ? { opinion: null } : {})), list],
  [
    'partial_distributions',
    'warning',
    wanted(['c0', 'c1']).map((r, i) => (i === 3 ? { ...r, opinion_distribution: null } : r)),
    wanted(['c0', 'c1']),
  ],
  ['unseen_opinions', 'warning', wanted(['c0', 'C1']), wanted(['c0', 'c1'])],
  ['target_is_logger', 'info', target(texts, logp), target(texts, (r) => logp(r) - 0.1)],
  [
    'noisy_propensity',
    'warning',
    target(texts, (r, i) => logp(r) - (i % 10 === 0 ? 0.3 : 0)),
    target(texts, (r, i) => logp(r) - 0.01 * (i % 7) - 0.001),
  ],
  ['target_never_logged', 'error', target(texts, () => null), target(texts, (r, i) => (i === 0 ? logp(r) : null))],
  [
    'weight_overflow',
    'error',
    target(
      edit(texts, (r) => ({ log_propensity: logp(r) - 750 })),
      () => -1,
    ),
    target(texts, () => -1),
  ],
  [
    'mean_weight_off',
    'warning',
    target(texts, (r, i) => logp(r) - 0.3 - 0.01 * (i % 5)),
    target(list, (r) => Math.log(sharpened[Number(r.text.slice(1))])),
  ],
  ['few_rounds', 'warning', list.slice(0, 29), list.slice(0, 30)],
  ['partial_predictions', 'warning', predicted(true), predicted(false)],
];

const keys = (findings: readonly Finding[]): string[] => findings.map(({ code, severity }) => `${code} ${severity}`);

describe('lintLog', () => {
  test.each(cases)('%s (%s) is found, and not in a log that is near', (code, severity, bad, near, options) => {
    const found = lintLog(logFromRecords(bad), options).filter((one) => one.code === code && one.severity === severity);
    expect(found).toHaveLength(1);
    expect(found[0].message).toMatch(/^[^\n]+\.$/);
    expect(found[0].message).not.toMatch(/NaN|undefined|\[object/);
    expect(found[0].hint).not.toBe('');
    expect(found[0].rounds.length).toBeLessThanOrEqual(5);
    const ids = new Set(bad.map(({ id }) => id));
    expect(found[0].rounds.filter((id) => !ids.has(id))).toEqual([]);
    expect(keys(lintLog(logFromRecords(near), options))).not.toContain(`${code} ${severity}`);
  });

  test('the two clean logs have no error and no warning', () => {
    expect(keys(lintLog(logFromRecords(list)))).toEqual(['repeated_prompts info']);
    expect(keys(lintLog(logFromRecords(texts)))).toEqual([]);
  });

  const simulations = fc.record({
    rounds: fc.integer({ min: 200, max: 1200 }),
    slate: fc.integer({ min: 1, max: 4 }),
    responses: fc.integer({ min: 4, max: 30 }),
    contexts: fc.integer({ min: 1, max: 40 }),
    divergence: fc.double({ min: 0, max: 1, noNaN: true }),
    noise: fc.constantFrom(0, 0.3),
    seed: fc.integer({ min: 0, max: 1e6 }),
    candidates: fc.boolean(),
  });
  test.prop([simulations], { numRuns: 60 })(
    'a simulated log has no error and no warning',
    async ({ seed, candidates, ...options }) => {
      const made = simulateLog({ ...options, signals: ['a', 'b'], random: seededRandom(seed) });
      const spaces = candidates ? { candidates: await parseCandidates([jsonlText(made.candidates)]) } : {};
      const findings = lintLog(logFromRecords(made.records, spaces));
      expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    },
  );

  test('rounds are named: the duplicate, the scoring that is furthest off', () => {
    const again = lintLog(logFromRecords([...rich, { ...rich[0], id: 'again' }]));
    expect(again[0]).toMatchObject({ code: 'duplicate_rounds', rounds: ['again'] });
    expect(again[0].message).toBe(
      '1 round of 201 repeats an earlier one: same prompt, responses and feedback, where none would be by chance.',
    );
    const noisy = lintLog(logFromRecords(target(texts, (r, i) => logp(r) - (i === 7 ? 2 : i === 9 ? 0.5 : 0))));
    expect(noisy[0]).toMatchObject({ code: 'noisy_propensity', rounds: ['t7', 't9'] });
    expect(noisy[0].message).toMatch(/on 198 of 200 responses and another on 2, by up to 2 nats/);
  });

  test('the temperature is named: squared probabilities are drawn at half the temperature', () => {
    const [found] = lintLog(logFromRecords(listLog({ rounds: 6000, sampler: sharpened, logged: skewed })));
    expect(found.code).toBe('temperature_mismatch');
    const [, factor] = /as if drawn at ([\d.]+) times/.exec(found.message)!;
    expect(Number(factor)).toBeCloseTo(0.5, 1);
  });

  test('errors come first, then warnings, then notes', () => {
    const log = logFromRecords(
      withSampling(
        edit(list, () => ({ propensity: 1 })),
        { temperature: 0.5 },
      ).slice(0, 20),
    );
    expect(lintLog(log).map(({ severity }) => severity)).toEqual(['error', 'warning', 'warning', 'info', 'info']);
  });

  test('candidates: propensities that leave mass to what cannot be said', () => {
    const space = range(5).map((y) => ({ text: `y${y}` }));
    const candidates = new Map(['p0', 'p1', 'p2'].map((prompt) => [prompt, space]));
    const halved = edit(list, ({ propensity }) => ({ propensity: (propensity as number) / 2 }));
    const codes = (records: RoundRecord[]) => keys(lintLog(logFromRecords(records, { candidates })));
    expect(codes(halved)).toContain('propensity_sum_below_one warning');
    expect(codes(list)).toEqual(['repeated_prompts info']);
  });

  test('one round, and one response, are looked at without a stumble', () => {
    expect(keys(lintLog(logFromRecords([texts[0]])))).toEqual(['few_rounds warning']);
    expect(keys(lintLog(logFromRecords([{ prompt: '', responses: [{ text: '' }] }])))).toEqual([
      'no_propensity warning',
      'blank_response warning',
      'no_feedback warning',
      'few_rounds warning',
    ]);
  });

  test('a signal that the log lacks is refused', () => {
    const signals: Signal[] = [{ name: 'down', transform: 'identity', weight: 1 }];
    expect(() => lintLog(logFromRecords(list), { signals })).toThrow(
      'signal is "down"; expected a signal of the log (up).',
    );
  });
});

describe('lintText', () => {
  const lint = (records: readonly unknown[], more = '') => lintText([jsonlText(records), more], { file: 'log' });
  const first = async (records: readonly unknown[], more = '') => (await lint(records, more)).findings[0];

  test('positive log-probabilities: -log p, or probabilities', async () => {
    const negated = await lint(edit(texts, (r) => ({ log_propensity: -logp(r) })));
    expect(negated).toMatchObject({ log: null, skipped: 200 });
    expect(negated.findings).toHaveLength(1);
    expect(negated.findings[0]).toMatchObject({
      code: 'positive_log_prob',
      severity: 'error',
      rounds: ['t0', 't1', 't2', 't3', 't4'],
    });
    expect(negated.findings[0].message).toMatch(
      /^200 faults of responses\[\]\.log_propensity, from [\d.]+ to [\d.]+; the first: log line 1: /,
    );
    expect(negated.findings[0].hint).toMatch(/change the sign/);
    const plain = await first(edit(list, ({ propensity }) => ({ propensity: undefined, log_propensity: propensity })));
    expect(plain.hint).toMatch(/look like probabilities/);
  });

  test('each kind of fault once, and the rest is linted', async () => {
    const bad = [
      ...list.slice(0, 40),
      { ...list[0], id: 'percent', responses: [{ text: 'y', propensity: 40 }] },
      { ...list[0], id: 'log', responses: [{ text: 'y', propensity: -0.7 }] },
      { ...list[0] },
      { ...list[0], id: 'text', responses: [{ text: 3, propensity: 0.4 }] },
      { ...list[0], id: 'half', responses: [{ text: 'y' }] },
    ];
    const { log, skipped, findings } = await lint(bad, '{"prompt": \n');
    expect(keys(findings)).toEqual([
      'propensity_outside error',
      'duplicate_id error',
      'bad_round error',
      'malformed_line error',
      'incomplete_rounds error',
      'repeated_prompts info',
    ]);
    expect([log?.rounds, log?.skipped, skipped]).toEqual([40, 6, 6]);
    expect(findings[0]).toMatchObject({ rounds: ['percent', 'log'] });
    expect(findings[0].message).toMatch(
      /^2 faults of responses\[\]\.propensity, from -0\.7 to 40; the first: log line 41/,
    );
    expect(findings[3]).toMatchObject({ rounds: ['line 46'] });
    expect(findings[4].message).toMatch(/line 45/);
  });

  test('kinds of fault are told apart up to a number, and none is lost', async () => {
    const bad = range(100).map((i) => ({ prompt: 'p', responses: [{ text: 'y', feedback: { [`name${i}`]: 'x' } }] }));
    const { log, findings } = await lint(bad);
    expect([log, findings.length]).toEqual([null, 21]);
    expect(findings[20].message).toMatch(
      /^80 faults of other keys; the first: log line 21: responses\[0\]\.feedback\.name20/,
    );
  });

  test('NaN and infinity come by CSV', async () => {
    const csv = 'prompt,response,propensity,feedback.up\np,a,nan,1\np,b,0.5,inf\np,c,0.5,1\n';
    const { log, findings } = await lintText(csv.split(/(?<=\n)/), { file: 'log.csv', format: 'csv' });
    expect(log?.rounds).toBe(1);
    expect(findings.filter(({ code }) => code === 'not_finite').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^log\.csv line 2: propensity is NaN; expected a probability/),
      expect.stringMatching(/^log\.csv line 3: feedback\.up is Infinity; expected a finite number/),
    ]);
  });

  test('what holds no round at all is refused', async () => {
    await expect(lint([])).rejects.toThrow('log holds no rounds; expected at least one.');
  });

  test.prop([fc.constantFrom(...range(list.length)), fc.constantFrom('3', '{}', '"x"', '{"prompt":1}', 'null', '{')])(
    'a bad line costs its own round and no other',
    async (at, line) => {
      const lines = jsonlText(list.slice(0, 60)).split('\n');
      lines.splice(at % 60, 0, line);
      const { log, skipped, findings } = await lintText([lines.join('\n')], { format: 'json' });
      expect([log?.rounds, skipped]).toEqual([60, 1]);
      expect(findings[0].severity).toBe('error');
      expect(findings[0].rounds).toEqual([`line ${(at % 60) + 1}`]);
    },
  );
});

test('docs/guide/lint.md has every code with its severities, and no other', () => {
  const text = readFileSync(join(root, 'docs/guide/lint.md'), 'utf8');
  const inTable = [...text.matchAll(/^\| `(\w+)` \| ([a-z, ]+) \| \S/gm)].map((m) => `${m[1]} ${m[2]}`);
  const tested = new Map<string, Set<string>>();
  for (const [code, severity] of cases) tested.set(code, (tested.get(code) ?? new Set()).add(severity));
  for (const code of [
    'malformed_line',
    'bad_round',
    'positive_log_prob',
    'propensity_outside',
    'not_finite',
    'duplicate_id',
    'incomplete_rounds',
  ])
    tested.set(code, new Set(['error']));
  tested.set('propensity_sum_below_one', new Set(['warning']));
  for (const code of ['duplicate_rounds', 'duplicate_responses']) tested.get(code)!.add('info');
  const order = ['error', 'warning', 'info'];
  const expected = [...tested].map(([code, found]) => `${code} ${order.filter((one) => found.has(one)).join(', ')}`);
  expect([...inTable].sort()).toEqual(expected.sort());
  const inSources = sourcesUnder('src/data/lint').flatMap(({ text: source }) =>
    [...source.matchAll(/'([a-z]+(?:_[a-z]+)+)'/g)].map((m) => m[1]),
  );
  expect([...tested.keys()].filter((code) => !inSources.includes(code))).toEqual([]);
});
