import { join } from 'node:path';
import { jsonlText, jsonText } from '../../data/index.js';
import { writeFileAtomic } from '../../data/node.js';
import type { GptParams } from '../../nn/index.js';
import type { EvaluationResult } from '../../pope/index.js';
import { candidateScore, type Language } from '../../study/polis-language.js';
import type { DemoProblem } from '../../study/polis-log.js';
import type { Truth } from '../../study/polis-truth.js';
import { writeCheckpoint } from '../checkpoint-folder.js';
import type { TrainedPolicy } from './train-policies.js';

/** The evaluation's JSON with the exact values beside it. */
export type DemoOutput = EvaluationResult & {
  readonly truth: Readonly<Record<string, ReturnType<typeof truthRecord>>>;
};

export const truthRecord = ({ utility, diversity, value, coverage, worstGroupUtility, opinionShares }: Truth) => ({
  utility,
  diversity,
  value,
  coverage,
  worst_group_utility: worstGroupUtility,
  opinion_shares: Object.fromEntries(opinionShares),
});

export interface DemoFiles {
  readonly problem: DemoProblem;
  readonly records: {
    readonly train: readonly Record<string, unknown>[];
    readonly heldOut: readonly Record<string, unknown>[];
  };
  readonly language: Language;
  readonly policies: readonly TrainedPolicy[];
  readonly output: DemoOutput;
  readonly html: string;
}

/** Everything into one folder: the report, the result, the logs, the candidates, and a checkpoint of each policy. */
export async function writeDemo(
  folder: string,
  { problem, records, language, policies, output, html }: DemoFiles,
): Promise<void> {
  const write = (name: string, text: string): Promise<void> => writeFileAtomic(join(folder, name), text);
  await write('log.jsonl', jsonlText(records.train));
  await write('held-out.jsonl', jsonlText(records.heldOut));
  await write(
    'candidates.jsonl',
    jsonlText([...problem.candidates].map(([prompt, candidates]) => ({ prompt, candidates }))),
  );
  for (const { plan, params, records: steps } of policies) {
    const home = join(folder, 'policies', plan.name);
    await writeCheckpoint(home, {
      config: language.config,
      tokenizer: language.tokenizer,
      params: params as GptParams,
      extra: {
        policy: 'candidates',
        length_exponent: candidateScore.lengthExponent,
        score_scale: candidateScore.scoreScale,
      },
    });
    await writeFileAtomic(join(home, 'train.jsonl'), jsonlText(steps));
  }
  await write('result.json', `${jsonText(output, 2)}\n`);
  await write('report.html', html);
}
