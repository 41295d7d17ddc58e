import { backendOf, tensor } from '../backend/index.js';
import { gatherLogProb, sum } from '../ops/index.js';
import { dispose, scope } from '../tensor/index.js';
import { assertInteger, invalid, PopeError } from '../util/index.js';
import { type GptParams, gptLogits } from './gpt.js';
import type { GptConfig } from './gpt-config.js';
import { lengthChunks } from './length-chunks.js';

/**
 * Mean negative log-probability a token of a text, in nats: every token but the first is predicted once, in windows
 * that do not overlap, so that early tokens of a window see little context.
 * @param options.length tokens a window, default `blockSize`; `maxWindows` evenly spread over the text, default all.
 */
export async function languageModelLoss(
  params: GptParams,
  config: GptConfig,
  data: Int32Array,
  options: { readonly length?: number; readonly maxWindows?: number; readonly tokensPerBatch?: number } = {},
): Promise<number> {
  const { length = config.blockSize, maxWindows = Number.MAX_SAFE_INTEGER, tokensPerBatch = 4096 } = options;
  assertInteger('length', length, 1, config.blockSize);
  assertInteger('maxWindows', maxWindows, 1);
  if (data.length < 2) throw invalid('data', `${data.length} tokens`, 'at least 2 tokens');
  const all = Math.ceil((data.length - 1) / length);
  const count = Math.min(all, maxWindows);
  const starts = Array.from({ length: count }, (_, i) => Math.floor((i * all) / count) * length);
  const sizes = starts.map((start) => Math.min(length, data.length - 1 - start));
  const backend = backendOf(params.wte.weight);
  let total = 0;
  for (const chunk of lengthChunks(sizes, tokensPerBatch)) {
    const columns = Math.max(...chunk.map((i) => sizes[i]!));
    const tokens = new Int32Array(chunk.length * columns);
    const targets = new Int32Array(chunk.length * columns).fill(-1);
    chunk.forEach((i, row) => {
      const [start, size] = [starts[i]!, sizes[i]!];
      tokens.set(data.subarray(start, start + size), row * columns);
      targets.set(data.subarray(start + 1, start + 1 + size), row * columns);
    });
    const shape = [chunk.length, columns];
    const part = scope(() =>
      sum(
        gatherLogProb(
          gptLogits(params, config, tensor(tokens, { shape, backend })),
          tensor(targets, { shape, backend }),
        ),
      ),
    );
    total -= (await part.data())[0]!;
    dispose(part);
  }
  const loss = total / sizes.reduce((sum, size) => sum + size, 0);
  if (!Number.isFinite(loss)) {
    throw new PopeError(`the model's loss is ${loss}; expected a finite number. Its parameters have diverged.`, {
      argument: 'params',
      got: loss,
      code: 'diverged',
    });
  }
  return loss;
}
