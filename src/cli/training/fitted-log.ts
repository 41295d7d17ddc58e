import { attachPropensity, foldsOf, type ResponseRecord } from '../../data/index.js';
import { rewriteLog } from '../../data/node.js';
import type { GptParams } from '../../nn/index.js';
import type { Log, PolicyFamily } from '../../ope/index.js';
import { type CrossFitOptions, evaluationRows } from '../../pope/index.js';
import { seededRandom } from '../../random/index.js';

/** What a fit of pi0 on all responses of a log needs; `steps` are those of each fold. */
export function fitOptions(
  log: Log,
  model: { readonly params: GptParams },
  family: PolicyFamily<GptParams>,
  options: {
    readonly steps: number;
    readonly batch: number;
    readonly promptsPerBatch?: number | undefined;
    readonly learningRate: number;
    readonly folds: number;
    readonly seed: number;
    readonly signal: AbortSignal;
    readonly onStep: (done: number) => void;
  },
): CrossFitOptions<GptParams> {
  const { steps, batch, promptsPerBatch, learningRate, folds, seed, signal, onStep } = options;
  return {
    family,
    rows: evaluationRows(log, null, { withoutPropensity: true }),
    start: () => model.params,
    folds: foldsOf(log, folds, seededRandom(seed)),
    steps,
    batch,
    ...(promptsPerBatch !== undefined && { promptsPerBatch }),
    learningRate,
    seed,
    signal,
    onStep: (fold, step) => onStep(fold * steps + step),
  };
}

/** Writes the log with fitted log-propensities, labelled so that every reader of it knows; all else stays. */
export async function writeFittedLog(path: string, out: string, log: Log, logPropensity: Float64Array): Promise<Log> {
  const fitted = attachPropensity(log, logPropensity);
  await rewriteLog(
    path,
    out,
    (record, round) => ({
      ...record,
      propensity_source: 'fitted',
      responses: record.responses.map((response, k) => withPropensity(response, logPropensity[log.offsets[round] + k])),
    }),
    log,
  );
  return fitted;
}

function withPropensity(response: ResponseRecord, value: number): ResponseRecord {
  const { propensity: _before, ...rest } = response;
  return { ...rest, log_propensity: value };
}
