import { grad } from '../../src/autograd/index.js';
import { type Backend, tensor } from '../../src/backend/index.js';
import { add, mul, sum } from '../../src/ops/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';

type Fn = (xs: readonly Tensor[]) => Tensor;

/** Fixed numbers of no pattern, with the shape and dtype of `like`. */
function weights(like: Tensor, phase: number): Tensor {
  const data = Float64Array.from({ length: like.size }, (_, i) => Math.sin(1.7 * i + phase) + 0.3);
  return tensor(data, { shape: like.shape, dtype: like.dtype, backend: like.device as Backend });
}

/** All numbers of f(xs), of d(w . f)/dxs and of d(u . d(w . f)/dxs)/dxs for fixed w and u. */
export function derivatives(f: Fn, xs: readonly Tensor[]): { value: number[]; gradient: number[]; second: number[] } {
  const numbers = (tensors: readonly Tensor[]): number[] => tensors.flatMap((x) => [...x.dataSync()]);
  const first = grad((ys: readonly Tensor[]) => {
    const z = f(ys);
    return sum(mul(z, weights(z, 0.5)));
  });
  const second = grad((ys: readonly Tensor[]) =>
    first(ys)
      .map((d, i) => sum(mul(d, weights(d, i))))
      .reduce(add),
  );
  return scope(() => ({ value: numbers([f(xs)]), gradient: numbers(first(xs)), second: numbers(second(xs)) }));
}

/** Largest |a - b| / max(1, |b|); NaN agrees with NaN only. Infinity where the lengths differ. */
export function gap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i])) continue;
    const error = Math.abs(a[i] - b[i]) / Math.max(1, Math.abs(b[i]));
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}
