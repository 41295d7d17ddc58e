import { broadcastStrides, type DType, type Shape, sameShape, sizeOf } from '../../tensor/index.js';
import type { Backend, MapName, Operand, ZipName } from '../backend.js';
import { GELU_CUBIC, GELU_LIMIT, GELU_SCALE } from '../js/map.js';
import type { GpuHandle, Launcher } from './handles.js';
import { handleOf, kernel, kernelsByName, WALK_INDEX, walkAt, walkNames, walkOf } from './kernel.js';
import { stretch } from './movement.js';

/** e^-2u of gelu's (1 + tanh u)/2 = 1/(1 + e^-2u), at x = t. */
const GELU_TAIL = `Math.exp(${-2 * GELU_SCALE} * t * (1 + ${GELU_CUBIC} * t * t))`;

/** What is returned for v; statements may stand before. */
const maps: Readonly<Record<MapName, string>> = {
  neg: 'return -v;',
  exp: 'return Math.exp(v);',
  log: 'return naturalLog(v);',
  log1p: 'return logOnePlus(v);',
  expm1: 'return expMinusOne(v);',
  sqrt: 'return Math.sqrt(v);',
  rsqrt: 'return 1 / Math.sqrt(v);',
  // by e^-2|v|, which never overflows
  tanh: `const e = expMinusOne(-2 * Math.abs(v));
  const t = -e / (2 + e);
  if (v < 0) { return -t; }
  return t;`,
  sigmoid: `const e = Math.exp(-Math.abs(v));
  if (v < 0) { return e / (1 + e); }
  return 1 / (1 + e);`,
  softplus: 'return Math.max(v, 0) + logOnePlus(Math.exp(-Math.abs(v)));',
  relu: 'if (v < 0) { return 0; }\n  return v;',
  gelu: `const t = Math.max(v, ${-GELU_LIMIT});
  if (t > ${GELU_LIMIT}) { return v; }
  return t / (1 + ${GELU_TAIL});`,
  abs: 'return Math.abs(v);',
  sign: 'if (v > 0) { return 1; }\n  if (v < 0) { return -1; }\n  return v;',
  floor: 'return Math.floor(v);',
  square: 'return v * v;',
  reciprocal: 'return 1 / v;',
  isFinite: 'if (Math.abs(v) <= 3.4028234e38) { return 1; }\n  return 0;',
};

const mapKernel = kernelsByName<MapName>((name) =>
  kernel(`map ${name}`, ['x'], [], `const v = x[this.thread.x];\n  ${maps[name]}`),
);

const mask = (condition: string): string => `if (${condition}) { return 1; }\n  return 0;`;

/** What is returned for v and w. */
const zips: Readonly<Record<ZipName, string>> = {
  add: 'return v + w;',
  sub: 'return v - w;',
  mul: 'return v * w;',
  div: 'return v / w;',
  // whole powers by squaring, which also knows the sign; a GPU's pow of a negative number is NaN
  pow: `let e = Math.abs(w);
  if (e === Math.floor(e) && e <= 64) {
    let p = 1;
    let b = v;
    for (let k = 0; k < 7; k++) {
      const half = Math.floor(e / 2);
      if (e - 2 * half > 0.5) { p = p * b; }
      b = b * b;
      e = half;
    }
    if (w < 0) { return 1 / p; }
    return p;
  }
  return Math.pow(v, w);`,
  // a NaN of either wins
  maximum: 'if (v >= w) { return v; }\n  if (v < w) { return w; }\n  return v + w;',
  minimum: 'if (v <= w) { return v; }\n  if (v > w) { return w; }\n  return v + w;',
  // gelu'(x) y = (s + 2 x s (1 - s) u') y with s = 1/(1 + e^-2u)
  geluGrad: `const t = Math.min(Math.max(v, ${-GELU_LIMIT / 4}), ${GELU_LIMIT / 4});
  const s = 1 / (1 + ${GELU_TAIL});
  return (s + ${2 * GELU_SCALE} * t * s * (1 - s) * (1 + ${3 * GELU_CUBIC} * t * t)) * w;`,
  equal: mask('v === w'),
  notEqual: mask('v !== w'),
  less: mask('v < w'),
  lessEqual: mask('v <= w'),
  greater: mask('v > w'),
  greaterEqual: mask('v >= w'),
};

const zipFlat = kernelsByName<ZipName>((name) =>
  kernel(`zip ${name}`, ['x', 'y'], [], `const v = x[this.thread.x];\n  const w = y[this.thread.x];\n  ${zips[name]}`),
);
const zipStrided = kernelsByName<ZipName>((name) =>
  kernel(
    `zip strided ${name}`,
    ['x', 'y'],
    walkNames(['a', 'b']),
    `${WALK_INDEX}\n  const v = x[${walkAt('a')}];\n  const w = y[${walkAt('b')}];\n  ${zips[name]}`,
  ),
);

const whereFlat = kernel(
  'where',
  ['c', 'x', 'y'],
  [],
  'if (c[this.thread.x] !== 0) { return x[this.thread.x]; }\n  return y[this.thread.x];',
);
const fill = kernel('fill', [], [], 'return value;', ['value']);
const copy = kernel('copy', ['x'], [], 'return x[this.thread.x];');
/** NaN where there is no such int32: told at the read. */
const truncate = kernel(
  'truncate',
  ['x'],
  [],
  `const v = x[this.thread.x];
  if (v < 0) { return -Math.floor(-v); }
  return Math.floor(v);`,
);

export function elementwiseVerbs({
  launch,
  release,
}: Launcher): Pick<Backend, 'map' | 'zip' | 'where' | 'fill' | 'cast'> {
  /** The operand in the full shape; `free` where it was made for that. */
  const full = (x: Operand, shape: Shape): { handle: GpuHandle; free: boolean } =>
    sameShape(x.shape, shape)
      ? { handle: handleOf(x), free: false }
      : { handle: stretch({ launch, release }, x, shape), free: true };
  const onFull = (shape: Shape, xs: readonly Operand[], use: (handles: GpuHandle[]) => GpuHandle): GpuHandle => {
    const stretched = xs.map((x) => full(x, shape));
    const out = use(stretched.map(({ handle }) => handle));
    for (const { handle, free } of stretched) if (free) release(handle);
    return out;
  };

  return {
    map: (name, x) => launch(name, mapKernel(name), [handleOf(x)], [], [], x.size),
    zip(name, x, y, shape) {
      const size = sizeOf(shape);
      if (sameShape(x.shape, shape) && sameShape(y.shape, shape))
        return launch(name, zipFlat(name), [handleOf(x), handleOf(y)], [], [], size);
      const walk = walkOf(shape, [broadcastStrides(x.shape, shape), broadcastStrides(y.shape, shape)]);
      if (walk === null) return onFull(shape, [x, y], (both) => launch(name, zipFlat(name), both, [], [], size));
      return launch(name, zipStrided(name), [handleOf(x), handleOf(y)], walk.integers, [], size);
    },
    where: (c, x, y, shape) =>
      onFull(shape, [c, x, y], (all) => launch('where', whereFlat, all, [], [], sizeOf(shape))),
    fill: (_dtype: DType, size, value) => launch('fill', fill, [], [], [value], size),
    cast: (x, dtype) =>
      launch('cast', dtype === 'int32' && x.dtype !== 'int32' ? truncate : copy, [handleOf(x)], [], [], x.size),
  };
}
