import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { checkGradient } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import {
  type CandidatesOf,
  distinctPrompts,
  finitePolicy,
  type Prompt,
  promptKey,
  recordedPolicy,
  roundOfResponse,
  softmaxLinearPolicy,
  tabularPolicy,
} from '../../src/ope/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import { logitsOf } from '../theorems/enumerate.js';

const texts = ['a', 'b', 'c'];
const prompts: Prompt[] = ['x', { age: 3, city: 'y' }];
const table = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 6, maxLength: 6 });
const pairs = prompts.flatMap((prompt) => texts.map((text) => ({ prompt, text })));

test.prop([table])('tabular: probabilities are the softmax of the rows, and sum to 1', (logits) => {
  const policy = tabularPolicy(prompts, texts).bind({ logits: tensor(Float64Array.from(logits), { shape: [2, 3] }) });
  const logProb = [
    ...policy
      .logProb(
        pairs.map((p) => p.prompt),
        pairs.map((p) => p.text),
      )
      .dataSync(),
  ];
  for (const x of [0, 1]) {
    const row = logits.slice(3 * x, 3 * x + 3);
    const top = Math.max(...row);
    const logTotal = top + Math.log(row.reduce((s, l) => s + Math.exp(l - top), 0));
    expectAllClose(
      logProb.slice(3 * x, 3 * x + 3),
      row.map((l) => l - logTotal),
    );
    expectClose(
      logProb.slice(3 * x, 3 * x + 3).reduce((s, l) => s + Math.exp(l), 0),
      1,
    );
    expect(Math.max(...logProb)).toBeLessThanOrEqual(0);
    expectAllClose(policy.distribution!([prompts[x]])[0].dataSync(), logProb.slice(3 * x, 3 * x + 3));
  }
});

test('tabular: log-probabilities as logits give their probabilities back, in any order of the pairs', () => {
  const probabilities = [
    [0.2, 0.3, 0.5],
    [0.1, 0.6, 0.3],
  ];
  const policy = tabularPolicy(prompts, texts).bind({ logits: logitsOf(probabilities) });
  // a record is the same prompt whatever the order of its keys
  const found = policy
    .logProb([{ city: 'y', age: 3 }, 'x', 'x', { age: 3, city: 'y' }], ['b', 'c', 'a', 'a'])
    .dataSync();
  expectAllClose([...found].map(Math.exp), [0.6, 0.5, 0.2, 0.1]);
});

const candidatesOf: CandidatesOf = (prompt) => (prompt === 'x' ? texts : ['a', 'd']).map((text) => ({ text }));
const features = (prompt: Prompt, text: string): number[] => [
  text.charCodeAt(0) - 98,
  prompt === 'x' ? 1 : -0.5,
  text === 'a' ? 1 : 0,
];
const linear = softmaxLinearPolicy(candidatesOf, features);

test.prop([fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 3, maxLength: 3 })])(
  'softmax-linear: exp(weight . features) over the candidates of each prompt',
  (weight) => {
    const policy = linear.bind({ weight: tensor(Float64Array.from(weight)) });
    for (const prompt of ['x', 'z']) {
      const scores = candidatesOf(prompt).map(({ text }) =>
        Math.exp(features(prompt, text).reduce((s, f, i) => s + f * weight[i], 0)),
      );
      const total = scores.reduce((a, b) => a + b, 0);
      const expected = scores.map((s) => s / total);
      expectAllClose([...policy.distribution!([prompt])[0].dataSync()].map(Math.exp), expected);
      const same = candidatesOf(prompt).map(() => prompt);
      expectAllClose(
        [
          ...policy
            .logProb(
              same,
              candidatesOf(prompt).map((c) => c.text),
            )
            .dataSync(),
        ].map(Math.exp),
        expected,
      );
    }
  },
);

test('gradients of log-probabilities against central differences', () => {
  const logits = tensor(Float64Array.of(0.3, -1, 0.5, 2, 0, -0.7), { shape: [2, 3] });
  const [p, t] = [
    [prompts[1], 'x', prompts[1]],
    ['c', 'a', 'c'],
  ];
  checkGradient((x) => tabularPolicy(prompts, texts).bind({ logits: x }).logProb(p, t), logits);
  checkGradient(
    (weight) => linear.bind({ weight }).logProb(['x', 'z', 'x'], ['b', 'd', 'a']),
    tensor(Float64Array.of(0.4, -0.2, 1)),
  );
});

test('policies refuse what they cannot answer', () => {
  const policy = tabularPolicy(prompts, texts).bind({ logits: tensor(new Float64Array(6), { shape: [2, 3] }) });
  expect(() => policy.logProb(['x'], ['q'])).toThrow(/responses\[0\] is "q"; expected one of the candidates/);
  expect(() => policy.logProb(['unknown'], ['a'])).toThrow(/prompt is "unknown"/);
  expect(() => policy.logProb(['x', 'x'], ['a'])).toThrow(/responses.length/);
  expect(() => policy.logProb([], [])).toThrow(/at least one/);
  // a table of another width than its responses would shift every number after the first prompt
  const wide = tabularPolicy(prompts, texts).bind({ logits: tensor(new Float64Array(8), { shape: [2, 4] }) });
  expect(() => wide.logProb(['x'], ['a'])).toThrow(/scores of prompt 0.*shape \[3\]/);
  const twice = finitePolicy(
    () => [{ text: 'a' }, { text: 'a' }],
    (p) => p.map(() => tensor(Float64Array.of(0, 0))),
  );
  expect(() => twice.logProb(['x'], ['a'])).toThrow(/differ from each other/);
  expect(() => linear.bind({ weight: tensor(Float64Array.of(1)) }).logProb(['x'], ['a'])).toThrow(
    /features.*1 finite numbers/,
  );
  const holes = softmaxLinearPolicy(candidatesOf, () => [Number.NaN]);
  expect(() => holes.bind({ weight: tensor(Float64Array.of(1)) }).logProb(['x'], ['a'])).toThrow(/features/);
});

const record = (id: string, prompt: Prompt, rows: readonly (readonly [string, number, number | null])[]) => ({
  id,
  prompt,
  responses: rows.map(([text, log_propensity, pi]) => ({
    text,
    log_propensity,
    target_log_prob: { pi },
    feedback: { up: 1 },
  })),
});

test('recorded: gives back what the log carries, -Infinity included, and nothing else', () => {
  const log = logFromRecords([
    record('1', 'x', [
      ['a', -1, -0.5],
      ['b', -2, null],
    ]),
    record('2', 'x', [['a', -1, -0.5]]),
  ]);
  expect([...recordedPolicy(log, 'pi').logProb(['x', 'x'], ['b', 'a']).dataSync()]).toEqual([-Infinity, -0.5]);
  expect([...recordedPolicy(log).logProb(['x'], ['b']).dataSync()]).toEqual([-2]);
  expect(() => recordedPolicy(log, 'rho')).toThrow(/target of the log \(pi\)/);
  expect(() => recordedPolicy(log, 'pi').logProb(['x'], ['c'])).toThrow(/was recorded/);
  expect(() => recordedPolicy(log, 'pi').logProb(['y'], ['a'])).toThrow(/was recorded/);
  const torn = logFromRecords([record('1', 'x', [['a', -1, -0.5]]), record('2', 'x', [['a', -1, -0.6]])]);
  expect(() => recordedPolicy(torn, 'pi')).toThrow(/round 2 is -0.6; expected -0.5/);
});

test('keys of prompts and rounds of responses', () => {
  expect(promptKey({ b: { d: 1, c: [2, { f: 1, e: 2 }] }, a: 1 })).toBe('{"a":1,"b":{"c":[2,{"e":2,"f":1}],"d":1}}');
  const { distinct, positionOf } = distinctPrompts(['x', { a: 1, b: 2 }, 'x', { b: 2, a: 1 }]);
  expect(distinct).toEqual(['x', { a: 1, b: 2 }]);
  expect([...positionOf]).toEqual([0, 1, 0, 1]);
  expect([...roundOfResponse({ rounds: 3, responseCount: 5, offsets: Int32Array.of(0, 2, 3, 5) })]).toEqual([
    0, 0, 1, 2, 2,
  ]);
});
