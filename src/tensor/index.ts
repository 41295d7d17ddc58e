export {
  assertHolds,
  bytesPerElement,
  commonDType,
  type DType,
  dtypeOf,
  type FloatDType,
  isFloat,
  isInt32,
  newArray,
  type TypedArray,
  viewArray,
} from './dtype.js';
export { dispose, giveToScope, onScopeEnd, ownedScope, scope } from './scope.js';
export {
  assertShape,
  broadcastShapes,
  broadcastStrides,
  normalizeAxes,
  normalizeAxis,
  reducedShape,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
  stridesOf,
} from './shape.js';
export { type Device, type Handle, Tensor } from './tensor.js';
export { leavesOf, mapTree, namedLeaves, type Tree, zipTree } from './tree.js';
