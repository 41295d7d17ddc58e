import { describe, expect, test } from 'vitest';
import { createJsBackend, tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import { tabularPolicy } from '../../src/ope/index.js';
import {
  chainRuleEntropy,
  evaluationRows,
  objectives,
  objectiveValue,
  trainableDiversities,
  wholeBatch,
} from '../../src/pope/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import { up } from './enumerated-log.js';

/** Not the default one: two backends do not mix, so that a tensor made on the default one would be refused. */
const backend = createJsBackend();
const moved = (x: Tensor): Tensor => tensor(x.dataSync(), { backend, shape: x.shape });

test('T20: tokens may live on another backend than the default one', () => {
  const [l, h] = [tensor(Float64Array.of(1, -1, 0.5, 0)), tensor(Float64Array.of(1, 2, 3, 4))];
  const of = tensor(Int32Array.of(0, 0, 0, 1));
  const found = chainRuleEntropy(moved(l), moved(h), moved(of), 2);
  expect(found.device).toBe(backend);
  expectAllClose(found.dataSync(), chainRuleEntropy(l, h, of, 2).dataSync());
});

describe('so may the policy that an objective judges', () => {
  const texts = ['a', 'b', 'c'];
  const candidates = texts.map((text, y) => ({ text, opinion: 'pqq'[y] }));
  const log = logFromRecords(
    ['x', 'z', 'x'].map((prompt, i) => ({
      prompt,
      responses: [0, 1].map((j) => ({
        text: texts[(i + j) % 3],
        propensity: 0.25 + i / 8,
        feedback: { up: i + 2 * j },
      })),
    })),
  );
  const batch = wholeBatch(evaluationRows(log, up));
  const logits = tensor(Float64Array.of(0.5, 0, -1, 0, 1, 0.25), { shape: [2, 3] });
  const family = tabularPolicy(['x', 'z'], texts);
  const cases = objectives.flatMap((objective) =>
    trainableDiversities.map((diversity) => [objective, diversity] as const),
  );
  test.each(cases)('%s with %s', (objective, diversity) => {
    const valueAt = (params: Tensor): Tensor =>
      objectiveValue(family.bind({ logits: params }), batch, null, {
        objective,
        diversity,
        tau: 0.5,
        candidatesOf: () => candidates,
      });
    const found = valueAt(moved(logits));
    expect(found.device).toBe(backend);
    expectClose(found.item(), valueAt(logits).item());
  });
});
