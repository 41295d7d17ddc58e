// The part of the WebAssembly interface that is used here: TypeScript has its types in the DOM library alone, and the
// core compiles without that.

/** A linear memory; `buffer` is another object after each growth. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export interface MemoryLimits {
  /** Pages of 64 KiB. */
  readonly initial: number;
  readonly maximum: number;
  readonly shared?: boolean;
}

/** A compiled module, as `WebAssembly.compile` gives it. */
export type WebAssemblyModule = object;

interface WebAssemblyInterface {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => WebAssemblyModule;
  readonly Instance: new (
    module: WebAssemblyModule,
    imports: { readonly env: { readonly memory: LinearMemory } },
  ) => { readonly exports: object };
  readonly Memory: new (limits: MemoryLimits) => LinearMemory;
}

/** `WebAssembly` of the place that runs this; undefined where there is none. */
export const webAssembly = (): WebAssemblyInterface | undefined =>
  (globalThis as { readonly WebAssembly?: WebAssemblyInterface }).WebAssembly;
