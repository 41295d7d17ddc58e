// Does the transformer learn? A 2-layer character model on tiny-shakespeare, on the built package:
//   npm run build:quick && node bench/shakespeare.mjs [steps = 1500] [path of input.txt]
//
// The yardstick: nanoGPT's published CPU recipe for this file (4 layers, width 128, 4 heads, block 64, batch 12, 2000
// steps, learning rate 1e-3, no dropout; about 0.8 million parameters) reaches a validation loss of 1.88 nats a
// character. Ours has 2 layers of width 64, an eighth of its parameters, at the same block and batch. The target is
// to come near 1.88 in fewer steps; a small model stands a larger learning rate and wants a wider initialisation,
// which makes up for its size. Measured (js backend, one loaded core, 504 s): 1500 steps, validation loss 1.854 over
// the whole last tenth in windows of 64 that do not overlap (nanoGPT averages random windows of the same length).
// For scale: counts of single characters give 3.35, counts of pairs 2.48.
import { readFileSync } from 'node:fs';
import { seededRandom } from '../dist/index.js';
import {
  charTokenizer,
  generate,
  gptConfig,
  initGpt,
  languageModelLoss,
  parameterCount,
  trainLanguageModel,
  warmupCosine,
} from '../dist/nn.js';

const steps = Number(process.argv[2] ?? 1500);
const file = process.argv[3] ?? new URL('../../shared/data/tiny-shakespeare/input.txt', import.meta.url);
const text = readFileSync(file, 'utf8');
const tokenizer = charTokenizer(text, { unknown: 'refuse' });
const ids = tokenizer.encode(text);
const cut = Math.floor(0.9 * ids.length);
const [train, held] = [ids.slice(0, cut), ids.slice(cut)];
const config = gptConfig({ vocabSize: tokenizer.vocabSize, blockSize: 64, nLayer: 2, nHead: 4, nEmbd: 64 });
const settings = { seed: 1, steps, batch: 12, peak: 4e-3, warmup: Math.min(100, steps), final: 4e-4, weightDecay: 0.1, deviation: 0.06 };
const random = seededRandom(settings.seed);

const begin = performance.now();
const { params } = await trainLanguageModel({
  params: initGpt(config, random, { deviation: settings.deviation }),
  config,
  data: train,
  steps,
  batch: settings.batch,
  schedule: warmupCosine(settings),
  beta2: 0.99,
  weightDecay: settings.weightDecay,
  random,
  onStep: async ({ step, loss, params: now }) => {
    if (step % 300 !== 0 && step !== steps) return;
    const validation = await languageModelLoss(now, config, held, { maxWindows: 150 });
    const seconds = (performance.now() - begin) / 1000;
    process.stderr.write(`step ${step}: batch ${loss.toFixed(3)}, validation ${validation.toFixed(3)} (150 windows), ${seconds.toFixed(0)} s\n`);
  },
});
const seconds = (performance.now() - begin) / 1000;
const [sample] = await generate(params, config, tokenizer, '\n', { maxTokens: 200, temperature: 0.8, random, form: 'continuation' });
const result = {
  subject: 'tiny-shakespeare, character model',
  parameters: parameterCount(config),
  config,
  settings,
  seconds: Math.round(seconds),
  validationLoss: await languageModelLoss(params, config, held),
  nanoGptFourLayers: 1.88,
  sample: sample.text,
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
