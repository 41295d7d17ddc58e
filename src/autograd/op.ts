import { type Backend, backendOf } from '../backend/index.js';
import { commonDType, type DType, type Handle, type Shape, Tensor } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import { isHeard, notify } from './tape.js';

/** What a vjp may read beside inputs and cotangents. */
export interface VjpContext<A> {
  readonly out: Tensor;
  readonly outs: readonly Tensor[];
  readonly attrs: A;
  /** Which inputs need a gradient: a vjp may return null for the others. */
  readonly needs: readonly boolean[];
}

/** A cotangent an input, null where an input has no derivative (indices, masks). */
export type Cotangents = readonly (Tensor | null)[];

interface OpBase<A> {
  readonly name: string;
  /** Default: the common dtype of all inputs; throws where they differ. */
  readonly dtype?: (inputs: readonly Tensor[], attrs: A) => DType;
  /** What `trace` prints behind the name. */
  readonly show?: (attrs: A) => string;
}

/** An op with one output. `forward: null` is a view: it moves nothing and shares the buffer of its first input. */
export interface Op<A> extends OpBase<A> {
  readonly shape: (shapes: readonly Shape[], attrs: A) => Shape;
  readonly forward: ((backend: Backend, inputs: readonly Tensor[], attrs: A, shape: Shape) => Handle) | null;
  /** The cotangents of the inputs, written in ops; null for an op without derivative. */
  readonly vjp: ((inputs: readonly Tensor[], dz: Tensor, context: VjpContext<A>) => Cotangents) | null;
}

/** An op with several outputs; the cotangent of an output that nothing used is null. */
export interface MultiOp<A> extends OpBase<A> {
  readonly shapes: (shapes: readonly Shape[], attrs: A) => readonly Shape[];
  readonly forward: (
    backend: Backend,
    inputs: readonly Tensor[],
    attrs: A,
    shapes: readonly Shape[],
  ) => readonly Handle[];
  readonly vjp:
    | ((inputs: readonly Tensor[], dz: readonly (Tensor | null)[], context: VjpContext<A>) => Cotangents)
    | null;
}

/** One executed op, as tapes and traces keep it. */
export interface Node {
  readonly name: string;
  readonly detail: string;
  readonly inputs: readonly Tensor[];
  readonly outs: readonly Tensor[];
  /** The op's vjp with its attributes bound; null where there is no derivative. */
  readonly pullback: ((dz: readonly (Tensor | null)[], needs: readonly boolean[]) => Cotangents) | null;
}

/** Names an op. Identity at run time: it is there for the types. */
export const defineOp = <A = void>(op: Op<A>): Op<A> => op;
export const defineMultiOp = <A = void>(op: MultiOp<A>): MultiOp<A> => op;

/**
 * Executes an op and tells every open tape.
 * @throws PopeError where shapes, dtypes or backends of the inputs do not agree.
 */
export function run(op: Op<void>, inputs: readonly Tensor[]): Tensor;
export function run<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor;
export function run<A>(op: Op<A>, inputs: readonly Tensor[], attrs?: A): Tensor {
  const a = attrs as A;
  const dtype = outputDType(op, inputs, a);
  const backend = commonBackend(op.name, inputs);
  const shape = op.shape(
    inputs.map((x) => x.shape),
    a,
  );
  const out =
    op.forward === null
      ? inputs[0].view(shape)
      : Tensor.fromHandle(backend, op.forward(backend, inputs, a, shape), shape, dtype);
  if (!isHeard()) return out;
  const { vjp } = op;
  notify({
    name: op.name,
    detail: op.show?.(a) ?? '',
    inputs,
    outs: [out],
    pullback: vjp && (([dz], needs) => vjp(inputs, dz as Tensor, { out, outs: [out], attrs: a, needs })),
  });
  return out;
}

/** As `run`, for an op with several outputs. */
export function runMany<A>(op: MultiOp<A>, inputs: readonly Tensor[], attrs: A): readonly Tensor[] {
  const dtype = outputDType(op, inputs, attrs);
  const backend = commonBackend(op.name, inputs);
  const shapes = op.shapes(
    inputs.map((x) => x.shape),
    attrs,
  );
  const outs = op
    .forward(backend, inputs, attrs, shapes)
    .map((h, i) => Tensor.fromHandle(backend, h, shapes[i], dtype));
  if (!isHeard()) return outs;
  const { vjp } = op;
  notify({
    name: op.name,
    detail: op.show?.(attrs) ?? '',
    inputs,
    outs,
    pullback: vjp && ((dz, needs) => vjp(inputs, dz, { out: outs[0], outs, attrs, needs })),
  });
  return outs;
}

function outputDType<A>(op: OpBase<A>, inputs: readonly Tensor[], attrs: A): DType {
  return op.dtype === undefined ? commonDType(op.name, inputs) : op.dtype(inputs, attrs);
}

function commonBackend(name: string, inputs: readonly Tensor[]): Backend {
  const first = inputs[0].device;
  for (const { device } of inputs) {
    if (device !== first) {
      throw new PopeError(
        `${name} got tensors of the backends ${first.name} and ${device.name}; expected one backend.`,
        {
          argument: 'backend',
          got: device.name,
          expected: first.name,
        },
      );
    }
  }
  return backendOf(inputs[0]);
}
