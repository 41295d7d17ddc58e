import { describe, expect, test } from 'vitest';
import { cascadeDoublyRobust, decomposedIps, type Estimator, estimate, jointIps, jointSnips, prefixIps, prefixSnips, slotSnips } from '../../src/ope/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import { numbers, own, slateCases, slateInput, termsOf } from './obp-cases.js';

const perSlate = (values: ArrayLike<number>, slateOf: readonly number[], slates: number) => {
  const sums = new Float64Array(slates);
  for (let i = 0; i < values.length; i++) sums[slateOf[i]] += values[i];
  return sums;
};

describe.each(slateCases)('Open Bandit Pipeline: $id', ({ inputs, outputs, shape }) => {
  const { slate_length: length, n_slates: slates } = shape;
  const ratio = (kind: '' | '_item_position' | '_cascade') => own(inputs[`evaluation_policy_pscore${kind}`], (p, i) => Math.log(p) - Math.log(inputs[`pscore${kind}`][i]));
  const [marginal, prefix] = [ratio('_item_position'), ratio('_cascade')];
  // the ratio of a slot given the slots before it: their product is the joint ratio
  const conditional = prefix.map((l, i) => (inputs.position[i] === 0 ? l : l - prefix[i - 1]));
  const model = {
    predictedReward: numbers(inputs.reward.map((_, i) => inputs.q_hat[inputs.slate_id[i]][inputs.position[i]][inputs.action[i]])),
  };
  const expected = numbers(
    inputs.reward.map((_, i) => {
      const [s, slot] = [inputs.slate_id[i], inputs.position[i]];
      return inputs.q_hat[s][slot].reduce((sum, q, a) => sum + q * inputs.evaluation_policy_action_dist[s][slot][a], 0);
    }),
  );

  /** Ours, with the log-ratios that it takes; `own terms`: are the terms those of theirs summed over the slate? */
  const ours: Record<string, readonly [Estimator, Float64Array, 'same terms' | 'same value']> = {
    SIPS: [jointIps, conditional, 'same terms'],
    IIPS: [decomposedIps, marginal, 'same terms'],
    RIPS: [prefixIps, conditional, 'same terms'],
    SNSIPS: [jointSnips, conditional, 'same terms'],
    SNIIPS: [slotSnips, marginal, 'same value'], // ours are linearised, for the standard error
    SNRIPS: [prefixSnips, conditional, 'same value'],
    CascadeDR: [cascadeDoublyRobust(expected), conditional, 'same terms'],
  };

  test.each(outputs)('$estimator', ({ estimator: name, value, slot_values }) => {
    const [use, logRatio, kind] = ours[name];
    const input = { ...slateInput(inputs, length, slates, logRatio), ...model };
    expectClose(length * estimate(use, input).item(), Number(value), 1e-3);
    if (kind === 'same value') return;
    const { numerator, denominator, baseline } = termsOf(use, input);
    const meanWeight = denominator === null ? 1 : denominator.reduce((a, b) => a + b, 0) / slates;
    const terms = numerator.map((a, i) => length * (a / meanWeight + (baseline?.[i] ?? 0)));
    expectAllClose(terms, perSlate(slot_values!.map(Number), inputs.slate_id, slates), 1e-3);
  });

  test('every output is compared', () => {
    expect(outputs.map((o) => o.estimator).sort()).toEqual(Object.keys(ours).sort());
  });
});

test('in cases with independent slots marginal ratios serve the joint and the prefix estimator', () => {
  const independent = slateCases.filter(({ id }) => /three-slates|independent/.test(id));
  expect(independent.length).toBe(3);
  for (const { inputs, outputs, shape } of independent) {
    const marginal = own(inputs.evaluation_policy_pscore_item_position, (p, i) => Math.log(p) - Math.log(inputs.pscore_item_position[i]));
    const input = slateInput(inputs, shape.slate_length, shape.n_slates, marginal);
    for (const [name, use] of [['SIPS', jointIps], ['RIPS', prefixIps], ['SNRIPS', prefixSnips]] as const) {
      expectClose(shape.slate_length * estimate(use, input).item(), Number(outputs.find((o) => o.estimator === name)!.value), 1e-3);
    }
  }
});
