import { describe, expect, test } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { createWasmBackend, type WasmBackend } from '../../src/backend/wasm/index.js';
import type { PolicyFamily, TabularParams } from '../../src/ope/index.js';
import { mul } from '../../src/ops/index.js';
import { crossFit, evaluationRows, type TrainOptions, type TrainResult, trainPope } from '../../src/pope/index.js';
import { dispose } from '../../src/tensor/index.js';
import { enumeratedLog, family, pi0, rowsOf, training } from './enumerated-log.js';

const used = (backend: WasmBackend): number => backend.memory.usedBytes;
const paramsOn = (backend: WasmBackend): TabularParams => ({
  logits: tensor(Float64Array.from(pi0.flat(), Math.log), { shape: [2, 3], backend }),
});
const disposeResult = ({ params, state }: TrainResult<TabularParams>): void =>
  dispose([params, state.optimizer.firstMoment, state.optimizer.secondMoment]);

/** Bytes that a run on a backend of its own leaves behind, when its parameters and its result are given back. */
async function leftBy(over: Partial<TrainOptions<TabularParams>>): Promise<{ bytes: number; reason: string }> {
  const backend = createWasmBackend();
  const options = training({ params: paramsOn(backend), ...over });
  const result = await trainPope(options);
  disposeResult(result);
  if (result.params !== options.params) dispose(options.params);
  return { bytes: used(backend), reason: result.stopped.reason };
}

/** The policy whose log-probabilities are NaN from the n-th binding on. A step binds its anchor, then once an inner step. */
function failingFrom(n: number): PolicyFamily<TabularParams> {
  let bound = 0;
  return {
    bind: (params) => {
      bound++;
      return family.bind(bound >= n ? { logits: mul(params.logits, Number.NaN) } : params);
    },
  };
}

describe('a run gives back the memory of all its steps', () => {
  const heldOut = rowsOf(enumeratedLog());
  const runs: readonly [string, Partial<TrainOptions<TabularParams>>, string][] = [
    ['of one inner step', { innerSteps: 1, steps: 3 }, 'done'],
    ['of several', { innerSteps: 3, steps: 3 }, 'done'],
    ['of one step in all', { innerSteps: 1, steps: 1 }, 'done'],
    ['with held-out looks', { heldOut, logEvery: 1, steps: 3 }, 'done'],
    ['without an anchor', { objective: 'sft', steps: 3 }, 'done'],
    ['ended by its guard', { objective: 'utility', heldOut, learningRate: 0.5, kl: 0.01 }, 'kl_guard'],
    ['stopped by request', { signal: AbortSignal.abort() }, 'aborted'],
    ['diverged at once', { family: failingFrom(2) }, 'diverged'],
    ['diverged after a step', { family: failingFrom(5) }, 'diverged'],
    ['diverged within a step', { family: failingFrom(6) }, 'diverged'],
  ];
  test.each(runs)('%s', async (_, over, reason) => {
    expect(await leftBy(over)).toEqual({ bytes: 0, reason });
  });
});

describe('a step that fails', () => {
  const run = async (n: number) => {
    const steps: number[] = [];
    const { stopped, state, params } = await trainPope(
      training({ family: failingFrom(n), steps: 5, onStep: ({ step }) => void steps.push(step) }),
    );
    return { stopped, state, params, steps };
  };
  test('at once takes the step before it back, whose end it is the first to see', async () => {
    const { stopped, state, params } = await run(5);
    expect(stopped).toMatchObject({ reason: 'diverged', step: 0 });
    expect(stopped.message).toMatch(/^Training diverged at step 2: the objective became NaN\. .* those after step 0\./);
    expect([...params.logits.dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...state.optimizer.firstMoment.logits.dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(state.optimizer.step).toBe(0);
  });
  test('at its second inner step is itself taken back, and no other', async () => {
    const { stopped, state, params, steps } = await run(6);
    expect(stopped).toMatchObject({ reason: 'diverged', step: 1 });
    expect(stopped.message).toMatch(/^Training diverged at step 2: the objective became NaN\. .* those after step 1\./);
    expect(steps).toEqual([1]);
    expect(state.optimizer.step).toBe(2);
    expect([...params.logits.dataSync()].every(Number.isFinite)).toBe(true);
    expect([...state.optimizer.secondMoment.logits.dataSync()].some((v) => v > 0)).toBe(true);
  });
  test('tells its objective with its sign', async () => {
    const never: PolicyFamily<TabularParams> = {
      bind: () => ({
        logProb: (_, texts) => tensor(Float64Array.from(texts, () => -Infinity)),
      }),
    };
    const { stopped } = await trainPope(training({ objective: 'sft', family: never }));
    expect(stopped.message).toMatch(/the objective became -Infinity/);
  });
});

test('a cross-fit keeps scores and no model', async () => {
  const backend = createWasmBackend();
  const rows = evaluationRows(enumeratedLog({ propensities: false }), null, { withoutPropensity: true });
  const starts: TabularParams[] = [];
  const start = (): TabularParams => {
    const params = paramsOn(backend);
    starts.push(params);
    return params;
  };
  const folds = Int32Array.from(rows.roundIndex, (_, i) => i % 2);
  const before = used(backend);
  await crossFit({ family, rows, start, steps: 2, batch: 4, learningRate: 0.1, folds });
  expect(starts).toHaveLength(2);
  dispose(starts);
  expect(used(backend)).toBe(before);
});
