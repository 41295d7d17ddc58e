export { type CheckGradientOptions, checkGradient, compareGradient, type GradientReport } from './check-gradient.js';
export { grad, valueAndGrad, vjp } from './grad.js';
export { identity, stopGradient } from './identity.js';
export {
  type Cotangents,
  defineMultiOp,
  defineOp,
  type MultiOp,
  type Node,
  type Op,
  run,
  runMany,
  type VjpContext,
} from './op.js';
export { listen, record } from './tape.js';
export { trace } from './trace.js';
