/** What the compiled module exports: see assembly/*.ts. Addresses are bytes. */
export interface Kernels {
  heapBase(): number;
}
