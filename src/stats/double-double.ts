/** An unevaluated sum high + low, |low| far below |high|: about 106 bits, enough that sums of squares may cancel. */
export type DoubleDouble = readonly [high: number, low: number];

/** x + y exactly (Knuth). */
export function twoSum(x: number, y: number): DoubleDouble {
  const sum = x + y;
  const part = sum - x;
  return [sum, x - (sum - part) + (y - part)];
}

const SPLITTER = 134217729; // 2^27 + 1, Veltkamp

/** The rounding error of the float64 product x * y (Dekker), exact while nothing over- or underflows. */
export function productError(x: number, y: number, product: number): number {
  const xs = SPLITTER * x;
  const xHigh = xs - (xs - x);
  const xLow = x - xHigh;
  const ys = SPLITTER * y;
  const yHigh = ys - (ys - y);
  const yLow = y - yHigh;
  return xLow * yLow - (product - xHigh * yHigh - xLow * yHigh - xHigh * yLow);
}

export function add(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const [sum, error] = twoSum(x[0], y[0]);
  return twoSum(sum, error + x[1] + y[1]);
}

export function multiply(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const product = x[0] * y[0];
  return twoSum(product, productError(x[0], y[0], product) + x[0] * y[1] + x[1] * y[0]);
}

export function divide(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const first = x[0] / y[0];
  const rest = add(x, negate(multiply([first, 0], y)));
  return twoSum(first, rest[0] / y[0]);
}

export function negate(x: DoubleDouble): DoubleDouble {
  return [-x[0], -x[1]];
}

/** The sum of `values` to about twice the working precision (Neumaier), in any order the same to rounding. */
export function compensatedSum(values: ArrayLike<number>): DoubleDouble {
  let high = 0;
  let low = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const sum = high + value;
    const part = sum - high;
    low += high - (sum - part) + (value - part);
    high = sum;
  }
  return twoSum(high, low);
}
