import { PopeError } from '../../util/index.js';
import type { KernelSource } from './runner.js';

/** The one release of gpu.js that the kernels and the code around them were tried with. */
export const GPU_JS_VERSION = '2.24.1';

// The parts of gpu.js that are used here, internal ones among them: hence the exact version.

interface KernelSettings {
  readonly output: readonly number[];
  readonly argumentTypes: Readonly<Record<string, string>>;
  readonly loopMaxIterations: number;
  readonly pipeline: true;
  readonly immutable: true;
  readonly dynamicOutput: true;
  readonly dynamicArguments: true;
  readonly precision: 'single';
  readonly strictIntegers: true;
  readonly tactic: 'precision';
  readonly optimizeFloatMemory?: boolean;
}

/** A kernel of gpu.js: a function with settings. */
export interface GpuKernel {
  (...args: readonly unknown[]): unknown;
  /** The object behind the function. */
  readonly kernel: unknown;
  setOutput(output: readonly number[]): void;
}

export interface GpuInstance {
  createKernel(source: string, settings: KernelSettings): GpuKernel;
  addFunction(source: string, settings: { argumentTypes: Readonly<Record<string, string>>; returnType: string }): void;
  destroy(): Promise<void>;
}

export interface GpuJs {
  new (settings: { readonly mode: 'webgpu' | 'webgl2' }): GpuInstance;
  readonly isWebGL2Supported: boolean;
}

/**
 * gpu.js, which is an optional peer dependency.
 * @throws PopeError (code `no_gpu`) where it is not installed, or in another version than the kernels were tried with.
 */
export async function loadGpuJs(): Promise<GpuJs> {
  let loaded: unknown;
  try {
    loaded = await import('gpu.js');
  } catch (cause) {
    throw new PopeError(`gpu.js cannot be loaded; expected "npm install gpu.js@${GPU_JS_VERSION}".`, {
      code: 'no_gpu',
      cause,
    });
  }
  const found = await versionOf();
  if (found !== null && found !== GPU_JS_VERSION) {
    throw new PopeError(`gpu.js is version ${found}; expected exactly ${GPU_JS_VERSION}, whose inner parts are used.`, {
      code: 'no_gpu',
    });
  }
  const { GPU, default: fallback } = loaded as { GPU?: GpuJs; default?: { GPU?: GpuJs } };
  const exported = GPU ?? fallback?.GPU;
  if (exported === undefined) throw new PopeError('gpu.js has no GPU in it.', { code: 'no_gpu' });
  return exported;
}

/** The installed version; null in a browser without a bundler, which cannot import JSON: there the self-test must do. */
async function versionOf(): Promise<string | null> {
  try {
    const found = (await import('gpu.js/package.json', { with: { type: 'json' } })) as { default: { version: string } };
    return found.default.version;
  } catch {
    return null;
  }
}

/** A kernel for outputs of any size. `bufferType`: what gpu.js calls a buffer of the mode. */
export function createKernel(
  gpu: GpuInstance,
  { buffers, integers, floats, body }: KernelSource,
  bufferType: string,
  more: { readonly optimizeFloatMemory?: boolean } = {},
): GpuKernel {
  const types = [
    ...buffers.map((name) => [name, bufferType]),
    ...integers.map((name) => [name, 'Integer']),
    ...floats.map((name) => [name, 'Float']),
  ];
  return gpu.createKernel(`function (${types.map(([name]) => name).join(', ')}) {\n${body}\n}`, {
    output: [1],
    argumentTypes: Object.fromEntries(types) as Readonly<Record<string, string>>,
    // gpu.js otherwise cuts loops after 1,000 turns, in silence
    loopMaxIterations: 2 ** 24,
    pipeline: true,
    // otherwise a kernel's next result overwrites its last
    immutable: true,
    dynamicOutput: true,
    dynamicArguments: true,
    precision: 'single',
    strictIntegers: true,
    tactic: 'precision',
    ...more,
  });
}

/** Functions that kernels may call. */
const FUNCTIONS: readonly string[] = [
  // floor(a / b) of integers below 2^24: the quotient of a GPU may be off by a unit
  `function quotient(a, b) {
    let q = Math.floor(a / b);
    if (q * b > a) { q = q - 1; }
    if (a - q * b >= b) { q = q + 1; }
    return q;
  }`,
  // a GPU's log knows no infinity at either end, and loses digits near 1
  `function naturalLog(x) {
    if (x > 0.6 && x < 1.7) { return logNearOne(x - 1); }
    if (x > 3.4028234e38) { return x; }
    if (x === 0) { return -1 / Math.abs(x); }
    return Math.log(x);
  }`,
  // log(1 + x) = 2 artanh(x / (2 + x)) near 0, where a GPU's log(1 + x) keeps no digit
  `function logNearOne(x) {
    const s = x / (2 + x);
    const t = s * s;
    return 2 * s * (1 + t * (0.3333333333 + t * (0.2 + t * (0.1428571429 + t * (0.1111111111 + t * (0.0909090909 + t * (0.0769230769 + t * 0.0666666667)))))));
  }`,
  `function logOnePlus(x) {
    if (x < -0.4 || x > 0.7) { return naturalLog(1 + x); }
    return logNearOne(x);
  }`,
  // e^x - 1 by its series near 0
  `function expMinusOne(x) {
    if (x < -0.6 || x > 0.6) { return Math.exp(x) - 1; }
    return x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7 * (1 + x / 8 * (1 + x / 9))))))));
  }`,
];

export function addFunctions(gpu: GpuInstance): void {
  for (const source of FUNCTIONS) {
    const names = source.slice(source.indexOf('(') + 1, source.indexOf(')')).split(', ');
    gpu.addFunction(source, {
      argumentTypes: Object.fromEntries(names.map((name) => [name, 'Number'])),
      returnType: 'Number',
    });
  }
}
