import type { EvaluationResult, StepRecord } from '../../pope/index.js';
import { binWeights, type CurvePanel, evaluationReport, mainEstimates } from '../../report/index.js';
import type { Truth } from '../../study/polis-truth.js';
import { problemSettings } from './setting.js';
import type { TrainedPolicy } from './train-policies.js';

export interface DemoReportInput {
  readonly result: EvaluationResult;
  readonly truth: Readonly<Record<string, Truth>>;
  readonly policies: readonly TrainedPolicy[];
  /** Weights of the held-out responses by policy. */
  readonly weights: Readonly<Record<string, Float64Array>>;
  readonly inputHash: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** The demo's report: one HTML file, estimates beside the truth. */
export function demoReport({ result, truth, policies, weights, inputHash, settings }: DemoReportInput): string {
  return evaluationReport(mainEstimates(result), {
    title: 'POPE on real votes: the Polis demo',
    subtitle: `Each round is one participant: ${problemSettings.slate} statements of a topic, drawn from a skewed logging policy, with the real votes. The estimates use held-out participants only; the truth is every vote that they cast.`,
    truth: Object.fromEntries(
      Object.entries(truth).map(([name, { utility, diversity, value }]) => [name, { utility, diversity, value }]),
    ),
    weights: Object.fromEntries(Object.entries(weights).map(([name, list]) => [name, binWeights(list)])),
    coverage: {
      caption: `Exact, mean over held-out rounds. An opinion is the group of voters that agrees most with a statement. Coverage, the entropy of opinions in nats: ${Object.entries(
        truth,
      )
        .map(([policy, { coverage }]) => `${policy} ${coverage.toFixed(2)}`)
        .join(', ')}.`,
      series: Object.entries(truth).map(([policy, { opinionShares }]) => ({
        policy,
        shares: Object.fromEntries(opinionShares),
      })),
    },
    curves: curvePanels(policies),
    inputHash: `sha256:${inputHash}`,
    settings,
    footer:
      'Data: Polis conversations (compdemocracy.org/polis), CC BY 4.0, The Computational Democracy Project; cut as data/README.md says.',
  });
}

/** Held-out figures of every policy over its training. */
function curvePanels(policies: readonly TrainedPolicy[]): CurvePanel[] {
  const panel = (
    title: string,
    axis: string,
    of: (record: NonNullable<StepRecord['held_out']>) => number | null,
  ): CurvePanel => ({
    title,
    axis,
    curves: policies.map(({ plan, records }) => ({
      name: plan.name,
      points: records.flatMap(({ step, held_out }) => (held_out === undefined ? [] : [[step, of(held_out)] as const])),
    })),
  });
  return [
    panel('Utility (snips, held out)', 'agree share', (r) => r.utility),
    panel('KL to the log', 'nats', (r) => r.kl),
    panel('Effective sample size', 'responses', (r) => r.effective_sample_size),
    panel('Loss of held-out text', 'nats a token', (r) => r.text_loss),
  ];
}
