import type { Handle } from '../../tensor/index.js';
import type { Backend, Operand } from '../backend.js';
import type { Engine } from './engine.js';
import type { Kernels } from './kernels.js';
import { addressOf } from './memory.js';

type AttentionVerbs = Required<
  Pick<Backend, 'causalAttention' | 'causalAttentionGrad' | 'selfAttention' | 'selfAttentionGrad'>
>;

/** How heads lie in a buffer: numbers from one batch, head and position to the next. */
type Steps = readonly [batch: number, head: number, row: number];

/** Causal attention in float32; other dtypes go to `other`. */
export function attentionVerbs(
  { memory, dispatch, threads }: Engine,
  kernels: Kernels,
  other: Pick<AttentionVerbs, 'causalAttention' | 'causalAttentionGrad'>,
): AttentionVerbs {
  /** Runs a kernel with scratch of its own for each thread. */
  const overHeads = (
    name: 'attention_f32' | 'attentionGrad_f32',
    count: number,
    [queries, keys, features]: readonly [number, number, number],
    args: readonly number[],
  ): void => {
    if (count * queries === 0) return;
    const bytes = kernels.attentionScratch(queries, keys, features);
    const scratch = memory.allocate(threads * bytes);
    dispatch(name, count, 1, [...args, scratch.address], { argument: args.length, bytes });
    memory.free(scratch);
  };
  const apart = (q: Operand, k: Operand, v: Operand) => {
    const [queries, features] = q.shape.slice(-2);
    const keys = k.shape[k.shape.length - 2];
    const own: Steps = [queries * features, 0, features];
    const seen: Steps = [keys * features, 0, features];
    return {
      count: queries === 0 ? 0 : q.size / queries / features,
      sizes: [queries, keys, features] as const,
      own,
      inputs: [1, queries, keys, features, addressOf(q), ...own, addressOf(k), addressOf(v), ...seen],
    };
  };
  const packed = (qkv: Operand, heads: number) => {
    const [batch, time, width] = qkv.shape;
    const [all, features] = [width / 3, width / 3 / heads];
    const [wide, joined]: Steps[] = [
      [time * width, features, width],
      [time * all, features, all],
    ];
    const at = addressOf(qkv);
    const inputs = [heads, time, time, features, at, ...wide, at + all * 4, at + 2 * all * 4, ...wide];
    return { count: batch * heads, sizes: [time, time, features] as const, all, inputs, joined };
  };
  return {
    causalAttention(q, k, v) {
      if (q.dtype !== 'float32') return other.causalAttention(q, k, v);
      const { count, sizes, own, inputs } = apart(q, k, v);
      const out = memory.allocate(q.size * 4);
      overHeads('attention_f32', count, sizes, [...inputs, out.address, ...own]);
      return out;
    },
    causalAttentionGrad(q, k, v, dy) {
      if (q.dtype !== 'float32') return other.causalAttentionGrad(q, k, v, dy);
      const { count, sizes, own, inputs } = apart(q, k, v);
      const outs = [q, k, v].map(({ size }) => memory.allocate(size * 4));
      if (sizes[0] === 0) for (const out of outs) memory.view(out.address, 'float32', out.bytes / 4).fill(0);
      overHeads('attentionGrad_f32', count, sizes, [
        ...inputs,
        addressOf(dy),
        ...own,
        ...outs.map(({ address }) => address),
      ]);
      return outs as [Handle, Handle, Handle];
    },
    selfAttention(qkv, heads) {
      const { count, sizes, inputs, joined } = packed(qkv, heads);
      const out = memory.allocate((qkv.size / 3) * 4);
      overHeads('attention_f32', count, sizes, [...inputs, out.address, ...joined]);
      return out;
    },
    selfAttentionGrad(qkv, dy, heads) {
      const { count, sizes, all, inputs, joined } = packed(qkv, heads);
      const out = memory.allocate(qkv.size * 4);
      const outs = [0, 1, 2].map((part) => out.address + part * all * 4);
      overHeads('attentionGrad_f32', count, sizes, [...inputs, addressOf(dy), ...joined, ...outs]);
      return out;
    },
  };
}
