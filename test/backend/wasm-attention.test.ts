import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import { createJsBackend, tensor } from '../../src/backend/index.js';
import { causalAttention } from '../../src/ops/index.js';
import { normal, seededRandom } from '../../src/random/index.js';
import { scope } from '../../src/tensor/index.js';
import { attentionReference, type Bounded, type Head } from './attention-reference.js';
import { expectSameBits, openRoom, type Room, ranges } from './kernel-room.js';

let room: Room;
beforeAll(async () => {
  room = await openRoom('attention.ts');
}, 60_000);

interface Case {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  /** Keys before the first query. */
  readonly past: number;
  readonly features: number;
  /** Numbers of this size: large ones make probabilities of 0 and 1. */
  readonly spread: number;
  readonly seed: number;
  readonly cuts: readonly number[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  batch: fc.integer({ min: 0, max: 3 }),
  heads: fc.integer({ min: 1, max: 3 }),
  queries: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 14 }) },
    { weight: 1, arbitrary: fc.constant(67) },
  ),
  past: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 11 })),
  features: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 18 }) },
    { weight: 1, arbitrary: fc.constant(32) },
  ),
  spread: fc.constantFrom(1, 4, 30),
  seed: fc.nat(9999),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
});

/** Each tensor as [batch, heads, rows, features]. */
type Name = 'q' | 'k' | 'v' | 'dy';
type Inputs = Readonly<Record<Name, Float32Array>>;
type Outputs = Readonly<Record<'y' | 'dq' | 'dk' | 'dv', Float32Array>>;

const keysOf = ({ queries, past }: Case): number => queries + past;
const headOf = (c: Case): Head => ({ queries: c.queries, keys: keysOf(c), features: c.features });

function inputsOf(c: Case): Inputs {
  const random = seededRandom(c.seed);
  const draw = (rows: number, spread: number): Float32Array =>
    Float32Array.from({ length: c.batch * c.heads * rows * c.features }, () => spread * normal(random));
  const spread = Math.sqrt(c.spread);
  return {
    q: draw(c.queries, spread),
    k: draw(keysOf(c), spread),
    v: draw(keysOf(c), 1),
    dy: draw(c.queries, 1),
  };
}

/** Where a tensor lies: the place of its first number, and numbers from one batch, head and row to the next. */
interface Place {
  readonly first: number;
  readonly steps: readonly [batch: number, head: number, row: number];
}
interface Layout {
  readonly sizes: readonly [q: number, kv: number, y: number];
  readonly q: Place;
  readonly k: Place;
  readonly v: Place;
  readonly y: Place;
  /** Are q, k and v parts of one buffer? */
  readonly together: boolean;
}

/** [batch, heads, rows, features], each in a buffer of its own. */
function apart(c: Case): Layout {
  const place = (rows: number): Place => ({
    first: 0,
    steps: [c.heads * rows * c.features, rows * c.features, c.features],
  });
  const count = (rows: number): number => c.batch * c.heads * rows * c.features;
  const [own, seen] = [place(c.queries), place(keysOf(c))];
  const sizes = [count(c.queries), count(keysOf(c)), count(c.queries)] as const;
  return { sizes, q: own, k: seen, v: seen, y: own, together: false };
}

/** [batch, rows, 3, heads, features] as the projection gives it, y as [batch, rows, heads, features]. */
function projected(c: Case): Layout {
  const width = c.heads * c.features;
  const part = (i: number): Place => ({ first: i * width, steps: [c.queries * 3 * width, c.features, 3 * width] });
  const count = c.batch * c.queries * width;
  return {
    sizes: [3 * count, 3 * count, count],
    q: part(0),
    k: part(1),
    v: part(2),
    y: { first: 0, steps: [c.queries * width, c.features, width] },
    together: true,
  };
}

/** Calls f with the index of each number in [batch, heads, rows, features] and its place in a layout. */
function walk(c: Case, rows: number, { first, steps }: Place, f: (index: number, place: number) => void): void {
  let index = 0;
  for (let b = 0; b < c.batch; b++) {
    for (let h = 0; h < c.heads; h++) {
      for (let t = 0; t < rows; t++) {
        const start = first + b * steps[0] + h * steps[1] + t * steps[2];
        for (let j = 0; j < c.features; j++) f(index++, start + j);
      }
    }
  }
}

/** Both kernels over ranges of heads. Fails where they write outside of their results and their scratch. */
function attend(c: Case, layout: Layout, x: Inputs, heads: readonly [number, number][]): Outputs {
  const { queries, features } = c;
  const keys = keysOf(c);
  const rowsOf = { q: queries, k: keys, v: keys, y: queries };
  const { kernels } = room;
  room.clear();
  const spread = (size: number, parts: readonly [Float32Array, 'q' | 'k' | 'v' | 'y'][]): number => {
    const buffer = new Float32Array(size).fill(Number.NaN);
    for (const [from, name] of parts) walk(c, rowsOf[name], layout[name], (i, place) => void (buffer[place] = from[i]));
    return room.put(buffer);
  };
  const [nq, nkv, ny] = layout.sizes;
  let [q, k, v] = [0, 0, 0];
  let [dq, dk, dv] = [0, 0, 0];
  if (layout.together) {
    q =
      k =
      v =
        spread(nq, [
          [x.q, 'q'],
          [x.k, 'k'],
          [x.v, 'v'],
        ]);
    dq = dk = dv = room.take(nq * 4);
  } else {
    [q, k, v] = [spread(nq, [[x.q, 'q']]), spread(nkv, [[x.k, 'k']]), spread(nkv, [[x.v, 'v']])];
    [dq, dk, dv] = [nq, nkv, nkv].map((n) => room.take(n * 4));
  }
  const dy = spread(ny, [[x.dy, 'y']]);
  const y = room.take(ny * 4);
  const scratch = room.take(kernels.attentionScratch(queries, keys, features));
  const at = (start: number, { first }: Place): number => start + 4 * first;
  const inputs = [
    ...[c.heads, queries, keys, features, at(q, layout.q), ...layout.q.steps],
    ...[at(k, layout.k), at(v, layout.v), ...layout.k.steps],
  ];
  const cotangents = [at(dq, layout.q), at(dk, layout.k), at(dv, layout.v)];
  for (const [begin, end] of heads) {
    kernels.attention_f32(begin, end, ...inputs, y, ...layout.y.steps, scratch);
    kernels.attentionGrad_f32(begin, end, ...inputs, dy, ...layout.y.steps, ...cotangents, scratch);
  }
  room.expectUntouched();
  const gathered = (start: number, size: number, name: 'q' | 'k' | 'v' | 'y'): Float32Array => {
    const buffer = room.read(start, size, 'float32');
    const out = new Float32Array(c.batch * c.heads * rowsOf[name] * features);
    walk(c, rowsOf[name], layout[name], (i, place) => void (out[i] = buffer[place]));
    return out;
  };
  return {
    y: gathered(y, ny, 'y'),
    dq: gathered(dq, nq, 'q'),
    dk: gathered(dk, nkv, 'k'),
    dv: gathered(dv, nkv, 'v'),
  };
}

const whole = (c: Case): [number, number][] => [[0, c.batch * c.heads]];
const results = ['y', 'dq', 'dk', 'dv'] as const;

/** The numbers of one head. */
const ofHead = (x: Float32Array, h: number, c: Case): Float32Array => {
  const size = x.length / (c.batch * c.heads);
  return x.subarray(h * size, (h + 1) * size);
};

function expectBounded(name: string, got: Float32Array, { value, bound }: Bounded): void {
  expect(got.length).toBe(value.length);
  got.forEach((z, i) => {
    if (!(Math.abs(z - value[i]) <= bound[i]))
      expect.fail(`${name}: element ${i} is ${z}; expected ${value[i]} within ${bound[i]}`);
  });
}

describe('causal attention and its cotangents', () => {
  test.prop([cases], { numRuns: 80 })('are within the bounds of a running error analysis', (c) => {
    const x = inputsOf(c);
    const got = attend(c, apart(c), x, whole(c));
    for (let h = 0; h < c.batch * c.heads; h++) {
      const [q, k, v, dy] = [x.q, x.k, x.v, x.dy].map((part) => ofHead(part, h, c));
      const expected = attentionReference(q, k, v, dy, headOf(c));
      for (const name of results) expectBounded(`${name} of head ${h}`, ofHead(got[name], h, c), expected[name]);
    }
  });

  test.prop([cases], { numRuns: 50 })('have the same bits however the heads are cut', (c) => {
    const x = inputsOf(c);
    const expected = attend(c, apart(c), x, whole(c));
    const cut = attend(c, apart(c), x, ranges(c.batch * c.heads, c.cuts));
    for (const name of results) expectSameBits(cut[name], expected[name]);
  });

  test.prop([cases], { numRuns: 50 })('have the same bits where q, k and v are parts of one projection', (drawn) => {
    const c = { ...drawn, past: 0 };
    const x = inputsOf(c);
    const expected = attend(c, apart(c), x, whole(c));
    const inside = attend(c, projected(c), x, whole(c));
    for (const name of results) expectSameBits(inside[name], expected[name]);
  });

  test.prop([cases, fc.nat()], { numRuns: 50 })('of a range of heads leave the other heads alone', (c, at) => {
    fc.pre(c.batch * c.queries > 0);
    const h = at % (c.batch * c.heads);
    const x = inputsOf(c);
    const expected = attend(c, apart(c), x, whole(c));
    const one = attend(c, apart(c), x, [[h, h + 1]]);
    for (const name of results) {
      for (let other = 0; other < c.batch * c.heads; other++) {
        if (other === h) expectSameBits(ofHead(one[name], h, c).slice(), ofHead(expected[name], h, c).slice());
        else expect(ofHead(one[name], other, c).every(Number.isNaN)).toBe(true);
      }
    }
  });

  test.prop([cases, fc.nat()], { numRuns: 50 })(
    'of the last queries alone, over the keys of all, have the bits of all',
    (drawn, at) => {
      const c = { ...drawn, batch: 1, heads: 1 };
      const x = inputsOf(c);
      const last = c.queries === 0 ? 0 : at % c.queries;
      const from = (c.queries - last) * c.features;
      const fewer = { ...c, queries: last, past: keysOf(c) - last };
      const all = attend(c, apart(c), x, whole(c));
      const few = attend(fewer, apart(fewer), { ...x, q: x.q.slice(from), dy: x.dy.slice(from) }, whole(fewer));
      for (const name of ['y', 'dq'] as const) expectSameBits(few[name], all[name].slice(from));
    },
  );

  test.prop([cases, fc.nat(), fc.nat()], { numRuns: 50 })(
    'do not see later keys and values, to the last bit',
    (c, at, seed) => {
      fc.pre(c.queries > 0);
      const x = inputsOf(c);
      const other = inputsOf({ ...c, seed: seed % 9999 });
      const t = at % c.queries;
      // everything after position past + t is exchanged
      const exchanged = (name: 'k' | 'v'): Float32Array =>
        x[name].map((z, i) => (Math.floor(i / c.features) % keysOf(c) > c.past + t ? other[name][i] : z));
      const before = attend(c, apart(c), x, whole(c));
      const after = attend(c, apart(c), { ...x, k: exchanged('k'), v: exchanged('v') }, whole(c));
      const until = (z: Float32Array): Float32Array => z.filter((_, i) => Math.floor(i / c.features) % c.queries <= t);
      for (const name of ['y', 'dq'] as const) expectSameBits(until(after[name]), until(before[name]));
    },
  );
});

describe('what is not finite', () => {
  const js = createJsBackend();
  const special = fc.constantFrom(Number.NaN, Infinity, -Infinity);
  const one = { batch: 1, heads: 1 };

  test.prop([cases, fc.constantFrom('q' as const, 'k' as const), fc.nat(), special], { numRuns: 60 })(
    'in queries and keys gives NaN where the js backend has it',
    (drawn, name, at, value) => {
      const c = { ...drawn, ...one };
      const x = inputsOf(c);
      fc.pre(c.queries > 0);
      const changed = x[name].slice();
      changed[at % changed.length] = value;
      const got = attend(c, apart(c), { ...x, [name]: changed }, whole(c)).y;
      const shape = (rows: number) => ({ shape: [1, rows, c.features], backend: js });
      const expected = scope(() => {
        const [q, k] = [name === 'q' ? changed : x.q, name === 'k' ? changed : x.k];
        const y = causalAttention(
          tensor(q, shape(c.queries)),
          tensor(k, shape(keysOf(c))),
          tensor(x.v, shape(keysOf(c))),
        );
        return [...y.dataSync()];
      });
      expect([...got].map(Number.isNaN)).toEqual(expected.map(Number.isNaN));
    },
  );

  // a hidden probability of 0 is multiplied as well, in the tile of four queries that the key's query is in
  test.prop([cases, fc.nat(), special], { numRuns: 60 })(
    'in a value reaches its own feature alone, and no query more than three positions before it',
    (drawn, at, value) => {
      const c = { ...drawn, ...one };
      fc.pre(c.queries > 0);
      const x = inputsOf(c);
      const v = x.v.slice();
      const place = at % v.length;
      v[place] = value;
      const before = attend(c, apart(c), x, whole(c)).y;
      const after = attend(c, apart(c), { ...x, v }, whole(c)).y;
      const [s, feature] = [Math.floor(place / c.features), place % c.features];
      after.forEach((z, i) => {
        const position = c.past + Math.floor(i / c.features);
        if (i % c.features !== feature || position < s - 3) expect(z).toBe(before[i]);
        // a probability that underflowed to 0 gives NaN as well
        else if (position >= s) expect(Number.isFinite(z)).toBe(false);
      });
    },
  );
});
