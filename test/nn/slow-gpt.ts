import type { GptConfig, GptParams } from '../../src/nn/index.js';
import { namedLeaves } from '../../src/tensor/index.js';

/**
 * The slow twin: GPT-2's forward pass for one sequence in plain float64 loops, written from the papers' formulas
 * (Radford et al. 2019; Vaswani et al. 2017; Hendrycks and Gimpel 2016) and using nothing of the engine but the numbers.
 */
export function slowGptLogits(params: GptParams, config: GptConfig, tokens: readonly number[]): number[][] {
  const numbers = new Map(namedLeaves(params).map(([name, leaf]) => [name, Array.from(leaf.dataSync())]));
  const C = config.nEmbd;
  const D = C / config.nHead;
  const p = (name: string): number[] => {
    const found = numbers.get(name);
    if (found === undefined) throw new Error(`no parameter ${name}`);
    return found;
  };

  const norm = (x: number[], name: string): number[] => {
    const mean = x.reduce((a, b) => a + b, 0) / C;
    const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / C;
    return x.map(
      (v, i) =>
        ((v - mean) / Math.sqrt(variance + config.layerNormEpsilon)) * p(`${name}.weight`)[i]! + p(`${name}.bias`)[i]!,
    );
  };
  const linear = (x: number[], name: string): number[] =>
    p(`${name}.bias`).map((bias, j, { length }) =>
      x.reduce((sum, v, i) => sum + v * p(`${name}.weight`)[i * length + j]!, bias),
    );
  const gelu = (v: number): number => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
  const plus = (x: number[], y: number[]): number[] => x.map((v, i) => v + y[i]!);

  let stream = tokens.map((token, t) =>
    Array.from({ length: C }, (_, c) => p('wte.weight')[token * C + c]! + p('wpe.weight')[t * C + c]!),
  );
  for (let layer = 0; layer < config.nLayer; layer++) {
    const h = `h.${layer}`;
    const qkv = stream.map((x) => linear(norm(x, `${h}.ln_1`), `${h}.attn.c_attn`));
    stream = stream.map((x, t) => {
      const mixed: number[] = [];
      for (let head = 0; head < config.nHead; head++) {
        const at = (s: number, part: number): number[] => qkv[s]!.slice(part * C + head * D, part * C + (head + 1) * D);
        const scores: number[] = [];
        for (let s = 0; s <= t; s++)
          scores.push(at(t, 0).reduce((sum, q, d) => sum + q * at(s, 1)[d]!, 0) / Math.sqrt(D));
        const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
        for (let d = 0; d < D; d++)
          mixed.push(scores.reduce((sum, score, s) => sum + (Math.exp(score) / total) * at(s, 2)[d]!, 0));
      }
      return plus(x, linear(mixed, `${h}.attn.c_proj`));
    });
    stream = stream.map((x) =>
      plus(x, linear(linear(norm(x, `${h}.ln_2`), `${h}.mlp.c_fc`).map(gelu), `${h}.mlp.c_proj`)),
    );
  }
  return stream.map((x) => {
    const last = norm(x, 'ln_f');
    return Array.from({ length: config.vocabSize }, (_, v) =>
      last.reduce((sum, y, c) => sum + y * p('wte.weight')[v * C + c]!, 0),
    );
  });
}
