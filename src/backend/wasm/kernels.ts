/** A kernel works on the rows (elements, panels ...) from `begin` up to `end`; addresses are bytes, steps elements. */
type Kernel = (begin: number, end: number, ...args: number[]) => void;

type Both<Name extends string> = `${Name}_f32` | `${Name}_f64`;

/** Names of the kernels that assembly/*.ts exports: their arguments stand there. */
export type KernelName = Both<'pack' | 'packRows' | 'multiply' | 'multiplyPanels' | 'multiplyRow' | 'batch'>;

/** What the compiled module exports. */
export type Kernels = Readonly<Record<KernelName, Kernel>> & { heapBase(): number };
