import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { logFromRecords, parseCsv, parseJsonl, parseLog } from '../../src/data/index.js';
import { PopeError } from '../../src/util/index.js';

const good = { prompt: 'p', responses: [{ text: 'y' }] };
const withResponse = (fields: object) => ({ prompt: 'p', responses: [{ text: 'y', ...fields }] });
const lines = (...records: unknown[]) => records.map((r) => (typeof r === 'string' ? r : JSON.stringify(r))).join('\n');
async function refusalOf(text: string, file = 'log.jsonl'): Promise<PopeError> {
  return parseLog([text], { file }).then(
    () => expect.unreachable('was accepted'),
    (error) => {
      expect(error).toBeInstanceOf(PopeError);
      expect(error).toMatchObject({ code: 'bad_log', file });
      return error;
    },
  );
}

const LOG_PROB = 'a natural logarithm of a probability, at most 0';
const HINT = 'Did you pass a negative log-likelihood or a density?';
const cases: readonly [string, unknown, string][] = [
  [
    'positive log_propensity',
    withResponse({ log_propensity: 0.5 }),
    `responses[0].log_propensity is 0.5; expected ${LOG_PROB}. ${HINT}`,
  ],
  [
    'positive token',
    withResponse({ log_propensity: [-1, 0.5] }),
    `responses[0].log_propensity[1] is 0.5; expected ${LOG_PROB}. ${HINT}`,
  ],
  [
    'no tokens',
    withResponse({ log_propensity: [] }),
    `responses[0].log_propensity is an empty array; expected ${LOG_PROB}, or an array of such, one a token.`,
  ],
  [
    'infinite log_propensity',
    '{"prompt":"p","responses":[{"text":"y","log_propensity":-1e999}]}',
    `responses[0].log_propensity is -Infinity; expected ${LOG_PROB}, and finite. A logged response cannot have had probability 0.`,
  ],
  [
    'number in quotes',
    withResponse({ log_propensity: '-1' }),
    `responses[0].log_propensity is "-1"; expected ${LOG_PROB}. Did you pass a number in quotes?`,
  ],
  [
    'propensity 0',
    withResponse({ propensity: 0 }),
    'responses[0].propensity is 0; expected a probability, more than 0 and at most 1. A logged response cannot have had probability 0.',
  ],
  [
    'propensity above 1',
    withResponse({ propensity: 1.5 }),
    'responses[0].propensity is 1.5; expected a probability, more than 0 and at most 1. Did you pass a percentage, a density or an inverse propensity?',
  ],
  [
    'negative propensity',
    withResponse({ propensity: -2 }),
    'responses[0].propensity is -2; expected a probability, more than 0 and at most 1. Did you pass a log-propensity? Its key is log_propensity.',
  ],
  [
    'both kinds',
    withResponse({ propensity: 0.5, log_propensity: -1 }),
    'responses[0].propensity is 0.5; expected nothing beside log_propensity. Give exactly one of the two.',
  ],
  [
    'positive target',
    withResponse({ target_log_prob: { a: 2 } }),
    `responses[0].target_log_prob.a is 2; expected ${LOG_PROB}, or null where the target never says it. ${HINT}`,
  ],
  [
    'infinite feedback',
    '{"prompt":"p","responses":[{"text":"y","feedback":{"up":1e999}}]}',
    'responses[0].feedback.up is Infinity; expected a finite number, or null where missing.',
  ],
  [
    'boolean feedback',
    withResponse({ feedback: { up: true } }),
    'responses[0].feedback.up is true; expected a finite number, or null where missing. Did you mean 1?',
  ],
  [
    'feedback no object',
    withResponse({ feedback: 3 }),
    'responses[0].feedback is 3; expected an object of numbers by name.',
  ],
  [
    'empty slate',
    { prompt: 'p', responses: [] },
    'responses is an empty array; expected a slate of at least one response. A round with nothing shown says nothing: leave it out.',
  ],
  [
    'no responses',
    { prompt: 'p', response: 'y' },
    'responses is missing; expected an array of at least one response. Did you mean "responses": [{"text": ...}]?',
  ],
  [
    'response a string',
    { prompt: 'p', responses: ['y'] },
    'responses[0] is "y"; expected an object with text. Did you mean {"text": ...}?',
  ],
  ['text missing', { prompt: 'p', responses: [{}] }, 'responses[0].text is missing; expected a string.'],
  ['prompt missing', { responses: [{ text: 'y' }] }, 'prompt is missing; expected a string or an object of features.'],
  ['prompt a number', { ...good, prompt: 4 }, 'prompt is 4; expected a string or an object of features.'],
  [
    'infinite feature',
    '{"prompt":{"age":1e999},"responses":[{"text":"y"}]}',
    'prompt.age is Infinity; expected a finite number.',
  ],
  ['id a number', { ...good, id: 7 }, 'id is 7; expected a string that is not empty. Did you mean "7"?'],
  ['cluster a number', { ...good, cluster: 7 }, 'cluster is 7; expected a string that is not empty. Did you mean "7"?'],
  ['opinion a number', withResponse({ opinion: 7 }), 'responses[0].opinion is 7; expected a string that is not empty.'],
  [
    'position 0',
    withResponse({ position: 0 }),
    'responses[0].position is 0; expected an integer of at least 1. Positions count from 1.',
  ],
  [
    'predicted_reward',
    withResponse({ predicted_reward: 'x' }),
    'responses[0].predicted_reward is "x"; expected a finite number.',
  ],
  [
    'predicted_value',
    { ...good, predicted_value: { t: null } },
    'predicted_value.t is null; expected a finite number.',
  ],
  [
    'group_feedback',
    withResponse({ group_feedback: { g: { up: 'x' } } }),
    'responses[0].group_feedback.g.up is "x"; expected a finite number, or null where missing.',
  ],
  [
    'distribution sum',
    { ...good, opinion_distribution: { a: 0.5 } },
    'the sum of opinion_distribution is 0.5; expected 1 (to 1e-6). Divide the shares by their sum.',
  ],
  [
    'distribution share',
    { ...good, opinion_distribution: { a: -1, b: 2 } },
    'opinion_distribution.a is -1; expected a probability from 0 to 1.',
  ],
  [
    'sampling',
    { ...good, sampling: { top_p: 0 } },
    'sampling.top_p is 0; expected a number, more than 0 and at most 1.',
  ],
  ['no object', '[1]', 'the round is [1]; expected an object with prompt and responses.'],
  [
    'label',
    { prompt: 'p', completion: 'y', label: 'good' },
    'label is "good"; expected true, false or a finite number.',
  ],
  [
    'chosen alone',
    { prompt: 'p', chosen: 'y' },
    'rejected is missing; expected a string or a list of messages {role, content}.',
  ],
  [
    'bad message',
    { prompt: 'p', completion: [{ role: 'a' }] },
    'completion[0] is an object; expected a message with role and content, both strings.',
  ],
];

describe('refusals', () => {
  for (const [title, bad, sentence] of cases) {
    test(title, async () => {
      // On line 3, after a blank line, beside a good round.
      const error = await refusalOf(lines(good, '', bad, good));
      expect(error.message).toBe(`log.jsonl line 3: ${sentence}`);
      expect(error.line).toBe(3);
    });
  }

  test('malformed JSON names its line', async () => {
    expect((await refusalOf(lines(good, '{"prompt": "p", '))).message).toMatch(
      /^log\.jsonl line 2: is not valid JSON \(.+\); expected one JSON object a line\.$/,
    );
    expect(
      (await refusalOf(lines(good, '{"prompt":"p","responses":[{"text":"y","propensity":NaN}]}'))).message,
    ).toContain('JSON has no NaN');
  });

  test('duplicate ids, also of an id and a default id', async () => {
    const twice = lines({ ...good, id: 'a' }, { ...good, id: 'a' });
    expect((await refusalOf(twice)).message).toBe(
      'log.jsonl line 2: id is "a"; expected an id that no earlier round has.',
    );
    expect((await refusalOf(lines({ ...good, id: '2' }, good))).message).toContain(
      'The default id is the number of the line.',
    );
  });

  test('propensities on some rounds only, or on some responses of a round', async () => {
    const sentence = (line: number, j: number, first: number) =>
      `log.jsonl line ${line}: responses[${j}].log_propensity is missing; expected a propensity (of either kind) on every response or on none, since line ${first} has one.`;
    const having = withResponse({ propensity: 0.5 });
    expect((await refusalOf(lines(good, having, having))).message).toBe(sentence(1, 0, 2));
    const half = { prompt: 'p', responses: [{ text: 'a', log_propensity: -1 }, { text: 'b' }] };
    expect((await refusalOf(lines(half, having))).message).toBe(sentence(1, 1, 1));
  });

  test('a target missing on some responses names the first', async () => {
    const error = await refusalOf(
      lines(withResponse({ target_log_prob: { a: -1, b: null } }), withResponse({ target_log_prob: { b: -1 } })),
    );
    expect(error.message).toBe(
      'log.jsonl line 2: responses[0].target_log_prob.a is missing; expected the log-probability of target "a" on every response or on none, since line 1 has one. Write null (in CSV -Infinity) where the target never says it.',
    );
  });

  test('an empty log', async () => {
    expect((await refusalOf('\n\n')).message).toBe('log.jsonl holds no rounds; expected at least one.');
    expect((await refusalOf('prompt,response\n', 'log.csv')).message).toBe(
      'log.csv holds no rounds; expected at least one.',
    );
  });

  test('all errors are gathered; at most 20 are printed, then their count', async () => {
    const three = (await refusalOf(lines(...Array(3).fill('{')))).message.split('\n');
    expect(three).toHaveLength(4);
    expect(three[3]).toBe('3 errors in log.jsonl.');
    const many = (await refusalOf(lines(...Array(45).fill('{')))).message.split('\n');
    expect(many).toHaveLength(21);
    expect(many[20]).toBe('... 45 errors in log.jsonl; the first 20 are shown.');
  });

  test('CSV: the line of the row, the name of the column', async () => {
    const header = 'id,prompt,response,log_propensity,feedback.up';
    const of = async (...rows: string[]) => (await refusalOf([header, ...rows].join('\n'), 'log.csv')).message;
    expect(await of('a,p,y,-1,1', 'b,p,z,-1,1', 'a,p,"two\nlines",0.5,1')).toBe(
      `log.csv line 4: log_propensity is 0.5; expected ${LOG_PROB}. ${HINT}`,
    );
    expect(await of('a,p,"two\nlines",-1,1', 'b,p,y,abc,1')).toBe(
      `log.csv line 4: log_propensity is "abc"; expected ${LOG_PROB}.`,
    );
    expect(await of('a,p,y,-1,nan')).toContain('line 2: feedback.up is NaN; expected a finite number');
    expect(await of('a,p,y,,1', 'b,p,y,-1,1')).toContain('log.csv line 2: log_propensity is missing');
    expect(await of('a,p,y,-1')).toBe('log.csv line 2: has 4 cells; expected 5, as in the header.');
    expect(await of('a,p,y,-1,1', 'a,q,y,-1,1')).toBe(
      'log.csv line 2: prompt differs on line 3 from an earlier row of the same id; expected one value in a round.',
    );
    expect(await of('a,p,"y,-1,1')).toContain('is not valid CSV (a quotation mark is never closed)');
    expect(await of('a,p,y,-1,1', 'a,p,y" z,-1,1')).toContain(
      'log.csv line 3: is not valid CSV (a quotation mark is out of place)',
    );
    expect((await refusalOf('a,b\n1,2', 'x.csv')).message).toBe(
      'x.csv line 1: the header is "a, b"; expected the columns prompt and response (or prompt and completion; or prompt, chosen and rejected).',
    );
    expect((await refusalOf('prompt,response,prompt\n', 'x.csv')).message).toContain('names "prompt" twice');
  });

  test('skip drops bad rounds, counts them and says so', async () => {
    const having = { ...withResponse({ propensity: 0.5 }), id: 'kept' };
    const log = await parseJsonl(lines('{', having, withResponse({ propensity: 2 }), good, having), {
      file: 'f',
      onError: 'skip',
    });
    expect(log.ids).toEqual(['kept']);
    expect(log.skipped).toBe(4);
    expect(log.warnings[0].code).toBe('skipped_rounds');
    expect(log.warnings[0].message).toMatch(
      /^4 of 5 rounds of f were skipped as bad, the first because f line 1: is not valid JSON/,
    );
    expect([...(log.logPropensity ?? [])]).toEqual([Math.log(0.5)]);
    await expect(parseJsonl('{\n{', { file: 'f', onError: 'skip' })).rejects.toThrow('2 errors in f.');
  });

  test('hostile keys do no harm', async () => {
    const text =
      '{"__proto__":{"polluted":1},"constructor":1,"prompt":"a","prompt":"p","responses":[{"text":"y","feedback":{"__proto__":2,"constructor":3}}],"opinion_distribution":{"__proto__":1}}';
    const log = await parseJsonl(text);
    expect([...log.feedback.keys()]).toEqual(['__proto__', 'constructor']);
    expect(log.prompts).toEqual(['p']);
    expect(log.opinionDistributions?.[0]?.['constructor']).toBeUndefined();
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('nesting of any depth is refused, not a stack overflow', async () => {
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    for (const bad of [
      `{"prompt":{"a":${deep}},"responses":[{"text":"y"}]}`,
      `{"prompt":"p","id":${deep},"responses":[{"text":"y"}]}`,
      deep,
    ]) {
      await refusalOf(`${JSON.stringify(good)}\n${bad}`);
    }
  });

  const seedLine = JSON.stringify({
    id: 'a',
    prompt: { age: 3 },
    responses: [
      {
        text: 'y',
        log_propensity: [-1, -2],
        target_log_prob: { t: null },
        feedback: { up: 1 },
        group_feedback: { g: { up: 1 } },
      },
    ],
    opinion_distribution: { a: 1 },
    sampling: { temperature: 1 },
  });
  const onlyPopeErrors = async (reading: () => Promise<unknown> | unknown) => {
    try {
      await reading();
    } catch (error) {
      expect(error).toBeInstanceOf(PopeError);
    }
  };

  test.prop([
    fc.nat(seedLine.length),
    fc.nat(30),
    fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.constantFrom('null', '-1e999', '"', ',', '\n')),
  ])('mangled JSON text throws nothing but PopeError', async (at, cut, noise) => {
    const mangled = seedLine.slice(0, at) + noise + seedLine.slice(at + cut);
    await onlyPopeErrors(() => parseLog([mangled]));
    await onlyPopeErrors(() => parseJsonl(mangled, { onError: 'skip' }));
  });

  test.prop([
    fc.jsonValue(),
    fc.constantFrom('id', 'prompt', 'responses', 'cluster', 'sampling', 'predicted_value', 'completion', 'chosen'),
  ])('any JSON value at any key throws nothing but PopeError', async (value, key) => {
    await onlyPopeErrors(() => logFromRecords([{ ...good, [key]: value }]));
    await onlyPopeErrors(() => logFromRecords([{ prompt: value, [key]: value, label: value }]));
    await onlyPopeErrors(() =>
      logFromRecords([withResponse({ [key]: value, feedback: value, target_log_prob: value, log_propensity: value })]),
    );
  });

  test.prop([
    fc.string({ unit: 'binary' }),
    fc.constantFrom('prompt,response\n', 'id,prompt,response,feedback.up\na,', ''),
  ])('any text as CSV throws nothing but PopeError', async (text, head) => onlyPopeErrors(() => parseCsv(head + text)));
});
