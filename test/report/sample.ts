import type { EvaluationResult, TargetResult } from '../../src/report/index.js';

/** An estimate with a symmetric interval of two standard errors. */
export const estimate = (value: number, error: number) => ({
  estimate: value,
  std_error: error,
  lower: value - 2 * error,
  upper: value + 2 * error,
});

const target = (
  shift: number,
  error: number,
  level: 'supported' | 'weak' | 'refused',
  reasons: string[],
): TargetResult => {
  const by = (center: number, scale = 1) => ({
    ips: estimate(center, error * scale),
    snips: estimate(center + 0.004, error * 0.8 * scale),
    clipped_ips: estimate(center - 0.01, error * 0.6 * scale),
  });
  return {
    utility: by(0.55 + shift),
    diversity: by(0.31 - shift / 2),
    value: { ...by(0.86 + shift / 2), joint_ips: estimate(0.87 + shift / 2, error * 3) },
    versus_logging: { utility: by(shift), diversity: by(-shift / 2), value: by(shift / 2) },
    diagnostics: {
      mean_weight: 1.013,
      effective_sample_size: 812.4,
      max_weight_share: 0.0123,
      pareto_k: level === 'refused' ? null : 0.41,
      zero_weight_share: 0.082,
    },
    verdict: { level, reasons },
    sensitivity: {
      eta: [0.1, 0.25, 0.5],
      utility: [0.1, 0.25, 0.5].map((e) => ({ lower: 0.55 - e, upper: 0.55 + e })),
      ips: [0.1, 0.25, 0.5].map((e) => ({ lower: 0.55 * Math.exp(-e), upper: 0.55 * Math.exp(e) })),
      tipping_point: null,
    },
    variance: {
      utility: { estimate: 1.23, lower_bound: 0.4, z: 0.3, kl: 0.7, chi2: 2.4 },
      value: { estimate: 2.23, lower_bound: 0.5, z: 0.3, kl: 0.7, chi2: 2.4 },
    },
    value_variance: { snips: { utility: 1e-4, diversity: 4e-5, covariance: -1e-5, value: 1.2e-4 } },
  };
};

/** A result as `pope evaluate --json` prints it, with one target of each verdict. */
export const sampleResult: EvaluationResult = {
  version: '0.1.0',
  log: { rounds: 1689, responses: 6756, skipped: 3, mean_slate: 4, propensity: 'logged' },
  settings: {
    tau: 1,
    diversity: 'anchored',
    signals: [{ name: 'agree', transform: 'identity', weight: 1 }],
    level: 0.95,
    interval: 't',
    seed: 0,
  },
  logging: { utility: estimate(0.52, 0.006), diversity: estimate(0.33, 0.004), value: estimate(0.85, 0.007) },
  targets: {
    pope: target(0.08, 0.011, 'supported', ['effective sample size 812 is above 100']),
    dpo: target(0.12, 0.024, 'weak', ['effective sample size 84 is below 100 (rows 12, 55)']),
    'utility only': target(0.15, 0.4, 'refused', [
      'Pareto k 0.93 is above 0.7 (rows 7, 1204, 88)',
      'the largest weight is 31% of the sum',
    ]),
  },
  warnings: [
    { code: 'heavy_tail', message: 'the weights of utility only have a tail index of 0.93' },
    { code: 'low_effective_sample_size', message: 'dpo: effective sample size 84 of 6756' },
  ],
};
