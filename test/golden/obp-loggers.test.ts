import { describe, expect, test } from 'vitest';
import { inverseVarianceTerms, mixtureLogPropensity, stratumShares } from '../../src/ope/index.js';
import { estimateOf, type RoundTermArrays } from '../../src/stats/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import { columnsOf, counterpart, inputOf, loggerCases, own, roundValues, termsOf, titled } from './obp-cases.js';

describe.each(loggerCases)('Open Bandit Pipeline: $id', ({ inputs, outputs, shape }) => {
  const stratumOf = Int32Array.from(inputs.stratum);

  test.each(titled(outputs))('$title', ({ estimator: name, hyperparameters, value, round_values }) => {
    const [, form, base] = /^Multi(Naive|Balanced|Weighted)(IPW|DR)$/.exec(name)!;
    const input = inputOf(columnsOf(inputs, form === 'Balanced' ? inputs.pscore_avg : inputs.pscore));
    const plain = termsOf(counterpart[base](Number(hyperparameters.lambda_)), input);
    // their weighted DR weighs the correction alone, with the variances of the whole terms
    const part = base === 'DR' ? 'correction' : 'all';
    const terms: RoundTermArrays = form === 'Weighted' ? inverseVarianceTerms(plain, stratumOf, shape.n_loggers, part) : plain;
    expectClose(estimateOf(terms), Number(value), 1e-3);
    expectAllClose(roundValues(terms), round_values!.map(Number), 1e-3);
  });

  test('twelve outputs are compared', () => {
    expect(outputs.length).toBe(12);
  });

  test('their mixture propensity is ours of shares and propensities, where the other logger is solved for', () => {
    const shares = stratumShares(stratumOf, 2);
    const other = own(inputs.pscore, (p, i) => (inputs.pscore_avg[i] - shares[stratumOf[i]] * p) / (1 - shares[stratumOf[i]]));
    expect(other.every((p) => p > 0 && p < 1)).toBe(true);
    const logs = [0, 1].map((k) => own(inputs.pscore, (p, i) => Math.log(stratumOf[i] === k ? p : other[i])));
    expectAllClose(mixtureLogPropensity(logs, shares).map(Math.exp), inputs.pscore_avg);
  });
});
