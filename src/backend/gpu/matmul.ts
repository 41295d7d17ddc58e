import { broadcastStrides, sizeOf, stridesOf } from '../../tensor/index.js';
import type { Backend, Operand } from '../backend.js';
import { mergeAxes } from '../js/walk.js';
import type { GpuHandle, Launcher } from './handles.js';
import { handleOf, kernel } from './kernel.js';
import { stretch } from './movement.js';
import type { KernelSource } from './runner.js';

/** z[b, i, j] = sum_p x[b xb + i xi + p xp] y[b yb + p yp + j yj]; sums in blocks of 16. */
const product = kernel(
  'matmul',
  ['x', 'y'],
  ['m', 'k', 'n', 'xb', 'xi', 'xp', 'yb', 'yp', 'yj'],
  `const row = quotient(this.thread.x, n);
  const j = this.thread.x - row * n;
  const b = quotient(row, m);
  const i = row - b * m;
  let at = b * xb + i * xi;
  let by = b * yb + j * yj;
  let s = 0;
  for (let c = 0; c < k; c += 16) {
    let p = 0;
    for (let d = 0; d < 16; d++) {
      if (c + d < k) {
        p = p + x[at] * y[by];
        at = at + xp;
        by = by + yp;
      }
    }
    s = s + p;
  }
  return s;`,
);

/** The same with four neighbours of a row a thread, for n that four divides: each number of x serves four products. */
const product4: KernelSource = {
  ...product,
  name: 'matmul 4',
  lanes: 4,
  body: `const many = n / 4;
  const row = quotient(this.thread.x, many);
  const j = (this.thread.x - row * many) * 4;
  const b = quotient(row, m);
  const i = row - b * m;
  let at = b * xb + i * xi;
  let by = b * yb + j * yj;
  let s0 = 0; let s1 = 0; let s2 = 0; let s3 = 0;
  for (let c = 0; c < k; c += 16) {
    let p0 = 0; let p1 = 0; let p2 = 0; let p3 = 0;
    for (let d = 0; d < 16; d++) {
      if (c + d < k) {
        const v = x[at];
        p0 = p0 + v * y[by];
        p1 = p1 + v * y[by + yj];
        p2 = p2 + v * y[by + 2 * yj];
        p3 = p3 + v * y[by + 3 * yj];
        at = at + xp;
        by = by + yp;
      }
    }
    s0 = s0 + p0; s1 = s1 + p1; s2 = s2 + p2; s3 = s3 + p3;
  }
  return [s0, s1, s2, s3];`,
};

/**
 * The same by workgroups of 16 x 16 threads, each of which computes 4 x 4 numbers of a 64 x 64 tile out of shared memory.
 * `entry` stands in the place of gpu.js's entry point; everything before it (arguments, buffers) is gpu.js's own.
 */
const TILE = 64;
const DEPTH = 16;
const tiled: KernelSource = {
  ...product,
  name: 'matmul tiled',
  entry: {
    groups: ([m, , n, , , , , , , batch]) => [Math.ceil(n / TILE), Math.ceil(m / TILE), batch],
    code: `
var<workgroup> tileX : array<f32, ${DEPTH * (TILE + 1)}>;
var<workgroup> tileY : array<f32, ${DEPTH * (TILE + 1)}>;
@compute @workgroup_size(16, 16, 1)
fn main(@builtin(workgroup_id) group : vec3<u32>, @builtin(local_invocation_id) local : vec3<u32>) {
  let m = params.user_m;
  let k = params.user_k;
  let n = params.user_n;
  let row0 = i32(group.y) * ${TILE};
  let col0 = i32(group.x) * ${TILE};
  let xBase = i32(group.z) * params.user_xb;
  let yBase = i32(group.z) * params.user_yb;
  let thread = i32(local.y) * 16 + i32(local.x);
  var sums : array<vec4<f32>, 4>;
  for (var p0 = 0; p0 < k; p0 += ${DEPTH}) {
    for (var e = thread; e < ${DEPTH * TILE}; e += 256) {
      // neighbouring threads read neighbouring numbers, whichever way the operand is stored
      var p = e / ${TILE};
      var i = e % ${TILE};
      if (params.user_xp == 1) {
        p = e % ${DEPTH};
        i = e / ${DEPTH};
      }
      var v = 0.0;
      if (row0 + i < m && p0 + p < k) {
        v = user_x[u32(xBase + (row0 + i) * params.user_xi + (p0 + p) * params.user_xp)];
      }
      tileX[p * ${TILE + 1} + i] = v;
      var q = e / ${TILE};
      var j = e % ${TILE};
      if (params.user_yp == 1) {
        q = e % ${DEPTH};
        j = e / ${DEPTH};
      }
      var w = 0.0;
      if (col0 + j < n && p0 + q < k) {
        w = user_y[u32(yBase + (p0 + q) * params.user_yp + (col0 + j) * params.user_yj)];
      }
      tileY[q * ${TILE + 1} + j] = w;
    }
    workgroupBarrier();
    for (var p = 0; p < ${DEPTH}; p++) {
      let y0 = p * ${TILE + 1} + i32(local.x) * 4;
      let ys = vec4<f32>(tileY[y0], tileY[y0 + 1], tileY[y0 + 2], tileY[y0 + 3]);
      let x0 = p * ${TILE + 1} + i32(local.y) * 4;
      for (var r = 0; r < 4; r++) {
        sums[r] = sums[r] + tileX[x0 + r] * ys;
      }
    }
    workgroupBarrier();
  }
  for (var r = 0; r < 4; r++) {
    let i = row0 + i32(local.y) * 4 + r;
    if (i >= m) { break; }
    for (var c = 0; c < 4; c++) {
      let j = col0 + i32(local.x) * 4 + c;
      if (j < n) { result[(i32(group.z) * m + i) * n + j] = sums[r][c]; }
    }
  }
}`,
  },
  integers: [...product.integers, 'batch'],
};

/** From this many multiplications on, and no side below half a tile, the tiled kernel is taken where there is one. */
const LARGE = 2 ** 18;

/** The forms of a product that a device has. */
export type MatmulForm = 'plain' | 'four' | 'tiled';

/** How products are computed: by the best of the `forms` that fits. */
export function matmulVerb({ launch, release }: Launcher, forms: ReadonlySet<MatmulForm>): Backend['matmul'] {
  return (x, y, transposeX, transposeY, shape) => {
    const rank = shape.length;
    const [m, n] = [shape[rank - 2], shape[rank - 1]];
    const k = x.shape[x.shape.length - (transposeX ? 2 : 1)];
    const lead = shape.slice(0, -2);
    const batch = sizeOf(lead);
    if (k === 0) return launch('matmul', zero, [], [], [], batch * m * n);
    const [xs, ys] = [x, y].map((operand) => onOneAxis(operand, lead));
    const integers = [
      m,
      k,
      n,
      xs.step,
      transposeX ? 1 : k,
      transposeX ? m : 1,
      ys.step,
      transposeY ? 1 : n,
      transposeY ? k : 1,
    ];
    // without the plain form, which a self-test leaves out, the other is taken whatever the size
    const large = !forms.has('plain') || (Math.min(m, n) >= TILE / 2 && m * n * k >= LARGE && batch < 2 ** 16);
    const isTiled = forms.has('tiled') && large;
    const chosen = isTiled ? tiled : forms.has('four') && n % 4 === 0 ? product4 : product;
    const inputs = [xs.handle, ys.handle];
    const out = launch('matmul', chosen, inputs, isTiled ? [...integers, batch] : integers, [], batch * m * n);
    for (const { handle, made } of [xs, ys]) if (made) release(handle);
    return out;
  };

  /** The operand with one leading axis, and its step: stretched first where its axes broadcast in no single step. */
  function onOneAxis(operand: Operand, lead: readonly number[]): { handle: GpuHandle; step: number; made: boolean } {
    const own = operand.shape.slice(0, -2);
    const matrix = operand.shape.slice(-2);
    const size = sizeOf(matrix);
    const strides = broadcastStrides(own, lead).map((s) => s * size);
    const { sizes, steps } = mergeAxes(lead, [strides]);
    if (sizes.slice(0, -1).every((s) => s === 1)) {
      return { handle: handleOf(operand), step: steps[0][sizes.length - 1], made: false };
    }
    const full = [...lead, ...matrix];
    return { handle: stretch({ launch, release }, operand, full), step: stridesOf([1, size])[0], made: true };
  }
}

const zero = kernel('zero', [], [], 'return 0;');

/**
 * Whether each form of a product computes what the plain one does on this device, on sides that no tile divides; those
 * that do not are left out.
 */
export async function soundForms(launcher: Launcher): Promise<ReadonlySet<MatmulForm>> {
  const [m, k, n] = [70, 37, 68];
  const operand = (rows: number, cols: number): Operand => ({
    handle: launcher.upload(
      'self-test',
      Float32Array.from({ length: rows * cols }, (_, i) => ((i * 7) % 13) - 6),
    ),
    shape: [rows, cols],
    size: rows * cols,
    dtype: 'float32',
  });
  const [x, y] = [operand(m, k), operand(n, k)];
  const productOf = async (...forms: MatmulForm[]): Promise<Float32Array | null> => {
    const out = matmulVerb(launcher, new Set(forms))(x, y, false, true, [m, n]) as GpuHandle;
    try {
      return await launcher.read(out);
    } catch {
      return null;
    } finally {
      launcher.release(out);
    }
  };
  const expected = await productOf('plain');
  const forms = new Set<MatmulForm>(['plain']);
  for (const form of ['four', 'tiled'] as const) {
    const found = await productOf(form);
    // whole numbers: every sum is exact
    if (found !== null && expected !== null && found.every((z, i) => z === expected[i])) forms.add(form);
  }
  for (const one of [x, y]) launcher.release(handleOf(one));
  return forms;
}
