import { dispose, leavesOf, mapTree, ownedScope, sameShape, showShape, Tensor, type Tree } from '../../tensor/index.js';
import { invalid, PopeError } from '../../util/index.js';
import type { Backend } from '../backend.js';
import type { GpuHandle, Launcher } from './handles.js';
import { kernel } from './kernel.js';
import type { GpuRunner, Recording } from './runner.js';

/** A function of tensors as a list of submissions. */
export interface Captured<T> {
  /** The result for other numbers in the same shapes; its tensors are new. */
  (...inputs: readonly Tensor[]): T;
  /** Gives the device memory of the recording back. */
  free(): void;
}

const copy = kernel('copy', ['x'], [], 'return x[this.thread.x];');

/**
 * See `GpuBackend.capture`. The function runs twice: once so that all kernels are compiled, once to be noted.
 */
export async function capture<T extends Tree>(
  backend: Backend,
  runner: GpuRunner,
  launcher: Launcher,
  fn: (...inputs: Tensor[]) => T,
  examples: readonly Tensor[],
): Promise<Captured<T>> {
  const { record } = runner;
  if (record === undefined) return Object.assign((...inputs: readonly Tensor[]) => fn(...inputs), { free: () => {} });
  // copies are not known on this side, so that nothing of the examples is frozen into the recording
  const inputs = examples.map((x) =>
    Tensor.fromHandle(
      backend,
      launcher.launch('capture', copy, [x.handle as GpuHandle], [], [], x.size),
      x.shape,
      x.dtype,
    ),
  );
  const warm = ownedScope(() => fn(...inputs));
  await Promise.all(leavesOf(warm).map((leaf) => leaf.data()));
  dispose(warm);
  let made: T | undefined;
  let recording: Recording;
  launcher.isRecording = true;
  try {
    recording = record(() => {
      made = ownedScope(() => fn(...inputs));
    });
  } finally {
    launcher.isRecording = false;
  }
  const result = made!;
  const targets = inputs.map((x) => (x.handle as GpuHandle).slot.buffer);
  const leaves = leavesOf(result);
  const sources = leaves.map((leaf) => (leaf.handle as GpuHandle).slot.buffer);
  let freed = false;

  const replay = (...given: readonly Tensor[]): T => {
    if (freed) throw new PopeError('a captured function was called after free(); expected it before.');
    if (given.length !== inputs.length) throw invalid('inputs', given.length, `${inputs.length} tensors`);
    given.forEach((x, i) => {
      if (!sameShape(x.shape, inputs[i].shape) || x.dtype !== inputs[i].dtype || x.device !== backend)
        throw invalid(
          `inputs[${i}]`,
          `${x.dtype} ${showShape(x.shape)} on ${x.device.name}`,
          `${inputs[i].dtype} ${showShape(inputs[i].shape)} on this backend, as it was captured`,
        );
    });
    const handles = given.map((x) => x.handle as GpuHandle);
    const sizes = leaves.map(({ size }) => size);
    const outs = launcher.submitMany('a captured function', handles, sizes, (buffers) =>
      recording.replay(
        buffers.map((from, i) => ({ from, to: targets[i] })),
        sources,
      ),
    );
    return mapTree(result, (leaf, i) => Tensor.fromHandle(backend, outs[i], leaf.shape, leaf.dtype));
  };
  return Object.assign(replay, {
    free() {
      if (freed) return;
      freed = true;
      dispose([result, inputs]);
      recording.free();
    },
  });
}
