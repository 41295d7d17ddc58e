import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { checkGradient } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { candidateClassLogProb, exactClassLogProb, finitePolicy, tabularPolicy } from '../../src/ope/index.js';
import { logSoftmax } from '../../src/ops/index.js';
import { expectAllClose } from '../theorems/close.js';

const floats = (values: readonly number[]) => tensor(Float64Array.from(values));
const candidates = fc.array(
  fc.record({
    score: fc.oneof(fc.integer({ min: -8, max: 0 }), fc.constant(-Infinity)),
    opinion: fc.constantFrom('p', 'q', 'r'),
  }),
  { minLength: 1, maxLength: 6 },
);

test.prop([candidates])('the class of a candidate has the sum of the probabilities of those who share it', (list) => {
  const found = candidateClassLogProb(
    floats(list.map(({ score }) => score - 3)),
    list.map(({ opinion }) => opinion),
  ).dataSync();
  list.forEach(({ opinion }, k) => {
    const mass = list.reduce((sum, c) => (c.opinion === opinion ? sum + Math.exp(c.score - 3) : sum), 0);
    if (mass === 0) expect(found[k]).toBe(-Infinity);
    else expectAllClose([found[k]], [Math.min(0, Math.log(mass))]);
  });
});

test('tiny probabilities are not 0, and no class is likelier than certain', () => {
  expectAllClose(candidateClassLogProb(floats([-2000, -2000, 0]), ['p', 'p', 'q']).dataSync(), [
    -2000 + Math.log(2),
    -2000 + Math.log(2),
    0,
  ]);
  const whole = candidateClassLogProb(floats([0.1, 0.2, 0.7].map(Math.log)), ['p', 'p', 'p']).dataSync();
  expect(Math.max(...whole)).toBeLessThanOrEqual(0);
});

test('its gradient is that of central differences', () => {
  checkGradient(
    (scores) => candidateClassLogProb(logSoftmax(scores), ['p', 'q', 'p', 'r']),
    floats([0.5, -1, 0.25, 2]),
  );
});

test('pairs of prompt and class, by any policy that is finite', () => {
  const logits = tensor(Float64Array.from([0.5, 0.25, 0.25, 0.125, 0.125, 0.75].map(Math.log)), { shape: [2, 3] });
  const policy = tabularPolicy(['x', 'z'], ['a', 'b', 'c']).bind({ logits });
  const classes: Readonly<Record<string, readonly string[]>> = { x: ['p', 'q', 'q'], z: ['p', 'p', 'q'] };
  const candidatesOf = (prompt: unknown) =>
    ['a', 'b', 'c'].map((text, k) => ({ text, opinion: classes[prompt as string][k] }));
  const finite = { distribution: policy.distribution! };
  expectAllClose(
    exactClassLogProb(finite, candidatesOf, ['z', 'x', 'z', 'x'], ['p', 'q', 'q', 'p']).dataSync(),
    [0.25, 0.5, 0.75, 0.5].map(Math.log),
  );
  expect(() => exactClassLogProb(finite, candidatesOf, ['z'], ['r'])).toThrow(
    /opinions\[0\] is "r"; expected one of the classes of the candidates of prompt "z"/,
  );
  expect(() => exactClassLogProb(finite, candidatesOf, ['z'], [])).toThrow(/opinions.length is 0; expected 1/);
  expect(() => exactClassLogProb(finite, candidatesOf, [], [])).toThrow(/at least one/);
  const unclassed = finitePolicy(
    () => [{ text: 'a' }],
    (prompts) => prompts.map(() => floats([0])),
  );
  expect(() => exactClassLogProb(unclassed, () => [{ text: 'a' }], ['x'], ['p'])).toThrow(
    /candidates\[0\].opinion is undefined; expected an opinion class on every candidate/,
  );
  expect(() => candidateClassLogProb(floats([0, Number.NaN]), ['p', 'p'])).toThrow(/logProb\[1\] is NaN/);
  expect(() => candidateClassLogProb(floats([0]), ['p', 'p'])).toThrow(/logProb.shape is \[1\]; expected \[2\]/);
});
