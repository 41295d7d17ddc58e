import { invalid, PopeError } from '../util/index.js';

/** float32 for speed, float64 for truth, int32 for indices and masks. */
export type DType = 'float32' | 'float64' | 'int32';
export type FloatDType = 'float32' | 'float64';
export type TypedArray = Float32Array | Float64Array | Int32Array;

export const bytesPerElement: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4 };

export function isFloat(dtype: DType): dtype is FloatDType {
  return dtype !== 'int32';
}

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;

export const newArray = (dtype: DType, size: number): TypedArray => new arrays[dtype](size);

/** `size` numbers of a buffer in place, from byte `address` on. */
export const viewArray = (dtype: DType, buffer: ArrayBufferLike, address: number, size: number): TypedArray =>
  new arrays[dtype](buffer as ArrayBuffer, address, size);

export function dtypeOf(data: TypedArray): DType {
  return data instanceof Float32Array ? 'float32' : data instanceof Float64Array ? 'float64' : 'int32';
}

/** Whether an int32 tensor can hold the number: NaN, fractions and what is beyond 32 bits it cannot. */
export function isInt32(value: number): boolean {
  return value === (value | 0);
}

/**
 * Refuses a number that an int32 tensor would silently truncate, wrap or turn into 0; floats hold any number.
 * @throws PopeError unless `value` is an integer of 32 bits, where `dtype` is int32.
 */
export function assertHolds(dtype: DType, argument: string, value: number): void {
  if (dtype === 'int32' && !isInt32(value)) {
    throw invalid(
      argument,
      value,
      'a 32-bit integer beside an int32 tensor',
      'Take a float dtype, or convert with cast().',
    );
  }
}

/**
 * The one dtype that all operands share: there is no implicit promotion.
 * @throws PopeError naming both dtypes where they differ.
 */
export function commonDType(name: string, operands: readonly { readonly dtype: DType }[]): DType {
  const first = operands[0].dtype;
  for (const { dtype } of operands) {
    if (dtype !== first) {
      throw new PopeError(
        `${name} got dtypes ${first} and ${dtype}; expected one dtype. Convert one side with cast().`,
        {
          argument: 'dtype',
          got: dtype,
          expected: first,
        },
      );
    }
  }
  return first;
}
