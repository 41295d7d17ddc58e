/** A kernel works on the rows (elements, panels ...) from `begin` up to `end`; addresses are bytes, steps elements. */
type Kernel = (begin: number, end: number, ...args: number[]) => void;

type Both<Name extends string> = `${Name}_f32` | `${Name}_f64`;
type Product =
  | 'sumRows'
  | 'scatterRows'
  | 'pack'
  | 'packRows'
  | 'multiply'
  | 'multiplyPanels'
  | 'multiplyRow'
  | 'batch';

/** One operand, element by element. */
export const mapKernels = ['exp', 'log', 'tanh', 'sigmoid', 'gelu', 'square'] as const;

/** Two operands, in both float dtypes. */
export const zipKernels = ['add', 'sub', 'mul', 'div'] as const;

type Rows =
  | 'softmax'
  | 'softmaxGrad'
  | 'logSoftmax'
  | 'logSoftmaxGrad'
  | 'gatherLogProb'
  | 'gatherLogProbGrad'
  | 'layerNorm'
  | 'layerNormGrad'
  | 'attention'
  | 'attentionGrad'
  | 'sumRuns'
  | 'sumPartials'
  | 'adamw'
  | 'geluGrad'
  | 'dropout';

/** Names of the kernels that assembly/*.ts exports: their arguments stand there. */
export type KernelName =
  | Both<Product | (typeof zipKernels)[number]>
  | `${(typeof mapKernels)[number] | Rows}_f32`
  | 'gatherRows';

/** What the compiled module exports. */
export type Kernels = Readonly<Record<KernelName, Kernel>> & {
  heapBase(): number;
  firstOutside(indices: number, n: number, low: number, size: number): number;
  attentionScratch(queries: number, keys: number, features: number): number;
};
