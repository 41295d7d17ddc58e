import { PopeError } from '../util/index.js';

/** float32 for speed, float64 for truth, int32 for indices and masks. */
export type DType = 'float32' | 'float64' | 'int32';
export type FloatDType = 'float32' | 'float64';
export type TypedArray = Float32Array | Float64Array | Int32Array;

export const bytesPerElement: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4 };

export function isFloat(dtype: DType): dtype is FloatDType {
  return dtype !== 'int32';
}

export function newArray(dtype: DType, size: number): TypedArray {
  return dtype === 'float32'
    ? new Float32Array(size)
    : dtype === 'float64'
      ? new Float64Array(size)
      : new Int32Array(size);
}

export function dtypeOf(data: TypedArray): DType {
  return data instanceof Float32Array ? 'float32' : data instanceof Float64Array ? 'float64' : 'int32';
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
