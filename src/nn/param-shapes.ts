import type { Shape } from '../tensor/index.js';
import type { GptConfig } from './gpt-config.js';

/** Every parameter of the model by GPT-2's name, with its shape, in the order of `namedLeaves`. */
export function paramShapes({ vocabSize, blockSize, nLayer, nEmbd }: GptConfig): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  const pair = (name: string, weight: Shape, bias: number): void => {
    shapes.set(`${name}.weight`, weight).set(`${name}.bias`, [bias]);
  };
  shapes.set('wte.weight', [vocabSize, nEmbd]).set('wpe.weight', [blockSize, nEmbd]);
  for (let layer = 0; layer < nLayer; layer++) {
    const h = `h.${layer}`;
    pair(`${h}.ln_1`, [nEmbd], nEmbd);
    pair(`${h}.attn.c_attn`, [nEmbd, 3 * nEmbd], 3 * nEmbd);
    pair(`${h}.attn.c_proj`, [nEmbd, nEmbd], nEmbd);
    pair(`${h}.ln_2`, [nEmbd], nEmbd);
    pair(`${h}.mlp.c_fc`, [nEmbd, 4 * nEmbd], 4 * nEmbd);
    pair(`${h}.mlp.c_proj`, [4 * nEmbd, nEmbd], nEmbd);
  }
  pair('ln_f', [nEmbd], nEmbd);
  return shapes;
}

/** Numbers of the model's parameters. */
export function parameterCount(config: GptConfig): number {
  let count = 0;
  for (const shape of paramShapes(config).values()) count += shape.reduce((size, n) => size * n, 1);
  return count;
}
