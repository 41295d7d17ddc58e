import { PopeError } from '../util/index.js';
import type { DType, TypedArray } from './dtype.js';
import { registerInScope } from './scope.js';
import { type Shape, showShape, sizeOf } from './shape.js';

/** What a tensor must know of the place that holds its numbers; a Backend is a Device that also computes. */
export interface Device {
  readonly name: string;
  /** Copies the numbers out. The only asynchronous verb. */
  read(handle: Handle, dtype: DType, size: number): Promise<TypedArray>;
  /** The same at once; absent where the device cannot. */
  readSync?(handle: Handle, dtype: DType, size: number): TypedArray;
  /** Gives the buffer back. */
  free(handle: Handle, dtype: DType, size: number): void;
  /** No scope owns the buffer: the garbage collector must find its end. For devices whose memory it does not see. */
  watch?(handle: Handle): void;
}

/** A buffer as its device names it; nobody else looks inside. */
export type Handle = unknown;

/** A buffer that one or more tensors (reshape, identity) share. */
interface Storage {
  readonly device: Device;
  readonly handle: Handle;
  readonly dtype: DType;
  readonly size: number;
  sharers: number;
}

/**
 * An immutable array of numbers: shape, dtype, and a buffer on a device, contiguous in row-major order.
 * Ownership is counted: a scope owns what was made in it, a tape owns what its backward walk will read.
 */
export class Tensor {
  /**
   * Sizes by axis. Read only: inputs and outputs of an op share the array, so a write to it would change them all.
   * Not frozen, since Object.freeze makes an op on a tiny tensor half as slow again; copy it to change it.
   */
  readonly shape: Shape;
  readonly dtype: DType;
  readonly size: number;
  readonly #storage: Storage;
  #owners = 1;

  private constructor(shape: Shape, storage: Storage) {
    this.shape = shape;
    this.dtype = storage.dtype;
    this.size = storage.size;
    this.#storage = storage;
    storage.sharers++;
    registerInScope(this);
  }

  /** A tensor over a fresh buffer. For backends and the op runner. */
  static fromHandle(device: Device, handle: Handle, shape: Shape, dtype: DType): Tensor {
    return new Tensor(shape, { device, handle, dtype, size: sizeOf(shape), sharers: 0 });
  }

  /** The same buffer under another shape of equal size. For the ops that move nothing. */
  view(shape: Shape): Tensor {
    this.assertAlive();
    return new Tensor(shape, this.#storage);
  }

  get rank(): number {
    return this.shape.length;
  }

  get device(): Device {
    return this.#storage.device;
  }

  get isFreed(): boolean {
    return this.#owners === 0;
  }

  /** The device's buffer. @throws PopeError where the tensor was freed. */
  get handle(): Handle {
    this.assertAlive();
    return this.#storage.handle;
  }

  /** A copy of the numbers, row-major. */
  async data(): Promise<TypedArray> {
    return this.device.read(this.handle, this.dtype, this.size);
  }

  /** The same at once. @throws PopeError where the device can only read asynchronously. */
  dataSync(): TypedArray {
    const { device } = this;
    if (device.readSync === undefined) {
      throw new PopeError(`the ${device.name} backend cannot read synchronously; expected await tensor.data().`, {
        argument: 'tensor',
      });
    }
    return device.readSync(this.handle, this.dtype, this.size);
  }

  /** The only number of a tensor of size 1, at once. */
  item(): number {
    if (this.size !== 1) {
      throw new PopeError(
        `item() was called on a tensor of shape ${showShape(this.shape)}; expected exactly one element.`,
        {
          argument: 'tensor',
          got: this.shape,
        },
      );
    }
    return this.dataSync()[0];
  }

  toString(): string {
    return `Tensor(${this.dtype} ${showShape(this.shape)}${this.isFreed ? ', freed' : ''})`;
  }

  /** Leaves the buffer to the garbage collector. For what is made, or returned, outside of all scopes. */
  watch(): void {
    const { device, handle } = this.#storage;
    device.watch?.(handle);
  }

  /** One more owner. For scopes and tapes. */
  retain(): this {
    this.assertAlive();
    this.#owners++;
    return this;
  }

  /** One owner less; the last one frees the buffer. */
  release(): void {
    if (this.#owners === 0) return;
    this.#owners--;
    if (this.#owners > 0) return;
    const s = this.#storage;
    s.sharers--;
    if (s.sharers === 0) s.device.free(s.handle, s.dtype, s.size);
  }

  private assertAlive(): void {
    if (this.#owners === 0) {
      throw new PopeError(
        `a tensor of shape ${showShape(this.shape)} was used after it was freed; expected a live tensor. Return it from the scope (or gradient) in which it was made.`,
        { argument: 'tensor', code: 'freed_tensor' },
      );
    }
  }
}
