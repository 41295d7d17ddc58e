import { expect, test } from 'vitest';
import { trace } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { add, mul, sum, tanh } from '../../src/ops/index.js';
import type { Tensor } from '../../src/tensor/index.js';

test('a trace reads as the program and its derivative', () => {
  const w = tensor(
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    { dtype: 'float64' },
  );
  const b = tensor([1, 2, 3], { dtype: 'float64' });
  const data = tensor([[1, 1, 2]], { dtype: 'float64' });
  const f = (p: { w: Tensor; b: Tensor; unused: Tensor }, x: Tensor): Tensor =>
    sum(tanh(add(mul(p.w, x), mul(p.b, 0.5))));
  expect(trace(f)({ w, b, unused: b }, data)).toBe(
    `
x.w: float64 [2, 3]   = input
x.b: float64 [3]      = input
x.unused: float64 [3] = input
c0: float64 [1, 3]    = constant
%1: float64 [2, 3]    = mul x.w [2, 3], c0 [1, 3]
%2: float64 [3]       = mul x.b [3], 0.5
%3: float64 [2, 3]    = add %1 [2, 3], %2 [3]
%4: float64 [2, 3]    = tanh %3 [2, 3]
%5: float64 []        = sum %4 [2, 3]  (axes [0, 1])
return %5 []
-- backward --
%6: float64 [1, 1]    = reshape 1
%7: float64 [2, 3]    = expand %6 [1, 1]
%8: float64 [2, 3]    = square %4 [2, 3]
%9: float64 [2, 3]    = sub 1, %8 [2, 3]
%10: float64 [2, 3]   = mul %7 [2, 3], %9 [2, 3]
%11: float64 [3]      = sum %10 [2, 3]  (axes [0])
%12: float64 [3]      = mul %11 [3], 0.5
%13: float64 [2, 3]   = mul %10 [2, 3], c0 [1, 3]
gradient of x.w = %13 [2, 3]
gradient of x.b = %12 [3]
gradient of x.unused = zeros [3]
`.trim(),
  );
});
