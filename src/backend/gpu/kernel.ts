import { type Shape, sizeOf } from '../../tensor/index.js';
import { PopeError } from '../../util/index.js';
import type { Operand } from '../backend.js';
import { mergeAxes } from '../js/walk.js';
import type { GpuHandle, Launcher } from './handles.js';
import type { KernelSource } from './runner.js';

/** A kernel whose arguments are `buffers`, then `integers`, then `floats`. */
export function kernel(
  name: string,
  buffers: readonly string[],
  integers: readonly string[],
  body: string,
  floats: readonly string[] = [],
): KernelSource {
  return { name, buffers, integers, floats, body };
}

export const handleOf = (x: Operand): GpuHandle => x.handle as GpuHandle;

/** One kernel a name, made when it is first asked for. */
export function kernelsByName<Name extends string>(make: (name: Name) => KernelSource): (name: Name) => KernelSource {
  const made = new Map<Name, KernelSource>();
  return (name) => {
    let found = made.get(name);
    if (found === undefined) made.set(name, (found = make(name)));
    return found;
  };
}

/** Loops over an output that a strided kernel can take. */
const MAX_AXES = 5;

/** The integers by which a strided kernel finds its way: sizes of all axes but the first, then steps of each operand. */
export interface Walk {
  readonly integers: readonly number[];
}

/** The axes merged and padded to `MAX_AXES`; null where too many are left. */
export function walkOf(shape: Shape, strides: readonly (readonly number[])[]): Walk | null {
  const { sizes, steps } = mergeAxes(shape, strides);
  const missing = MAX_AXES - sizes.length;
  if (missing < 0) return null;
  const padded = [...new Array<number>(missing).fill(1), ...sizes];
  return {
    integers: [...padded.slice(1), ...steps.flatMap((s) => [...new Array<number>(missing).fill(0), ...s])],
  };
}

/** Names of the integers of `walkOf`, for operands called `names`. */
export function walkNames(names: readonly string[]): string[] {
  const axes = Array.from({ length: MAX_AXES }, (_, k) => k);
  return [...axes.slice(1).map((k) => `n${k}`), ...names.flatMap((name) => axes.map((k) => `${name}${k}`))];
}

/** Code that declares the index c0 .. of the output along every axis. */
export const WALK_INDEX = `
  let rest = this.thread.x;
  let up = rest;
${Array.from({ length: MAX_AXES - 1 }, (_, k) => MAX_AXES - 1 - k)
  .map((k) => `  up = quotient(rest, n${k});\n  const c${k} = rest - up * n${k};\n  rest = up;`)
  .join('\n')}
  const c0 = rest;`;

/** Code for the position in the operand called `name`. */
export const walkAt = (name: string): string =>
  Array.from({ length: MAX_AXES }, (_, k) => `c${k} * ${name}${k}`).join(' + ');

/** What is outside, at and inside of an axis. */
export function around(shape: Shape, axis: number): { outer: number; n: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), n: shape[axis], inner: sizeOf(shape.slice(axis + 1)) };
}

/** @throws PopeError where the op's new numbers of every call would be frozen into a recording. */
export function assertNotRecording(launcher: Launcher, op: string, what: string): void {
  if (!launcher.isRecording) return;
  throw new PopeError(`${op} is inside of a captured function, which would freeze ${what}; expected it outside.`, {
    argument: 'fn',
  });
}
