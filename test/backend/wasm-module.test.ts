import { afterEach, describe, expect, test, vi } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { compileKernels, createWasmBackend, kernelBytes } from '../../src/backend/wasm/index.js';
import { instantiate } from '../../src/backend/wasm/load.js';
import { webAssembly } from '../../src/backend/wasm/web-assembly.js';
import { add, causalAttention, exp } from '../../src/ops/index.js';
import type { PopeError } from '../../src/util/index.js';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** The parts of the interface that the core has no types for. */
interface ModuleDescriptions {
  imports(module: object): readonly { readonly module: string; readonly name: string; readonly kind: string }[];
  exports(module: object): readonly { readonly name: string; readonly kind: string }[];
}
const describeModule = (): ModuleDescriptions => webAssembly()!.Module as unknown as ModuleDescriptions;

/** What is thrown, as the parts of a PopeError. */
function thrownBy(f: () => unknown): PopeError {
  try {
    f();
  } catch (error) {
    return error as PopeError;
  }
  return expect.fail('nothing was thrown');
}

/** A WebAssembly in which modules may not be compiled, as under a content-security policy. */
const forbidden = () => {
  const cause = new Error('Wasm code generation disallowed by embedder');
  const Module = class {
    constructor() {
      throw cause;
    }
  };
  return { cause, api: { ...(webAssembly() as object), validate: (): boolean => true, Module } };
};

describe('the embedded module', () => {
  test('is what its sources compile to, byte for byte', { timeout: 60_000 }, async () => {
    const { compileKernels: compile } = await import(new URL('../../scripts/build-wasm.mjs', import.meta.url).href);
    expect(Buffer.from(kernelBytes()).equals(Buffer.from(await compile()))).toBe(true);
  });

  test('imports one memory and nothing else, and exports functions alone', () => {
    const module = compileKernels();
    expect(describeModule().imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    expect(
      new Set(
        describeModule()
          .exports(module)
          .map(({ kind }) => kind),
      ),
    ).toEqual(new Set(['function']));
  });

  test('says of its memory in one byte whether it is shared, and then takes no other', () => {
    const [own, shared] = [kernelBytes(), kernelBytes(true)];
    const changed = [...own.keys()].filter((i) => own[i] !== shared[i]);
    expect(shared.length).toBe(own.length);
    expect(changed.map((i) => [own[i], shared[i]])).toEqual([[1, 3]]);
    const { Memory } = webAssembly()!;
    const alone = new Memory({ initial: 1, maximum: 16 });
    const common = new Memory({ initial: 1, maximum: 16, shared: true });
    expect(instantiate(compileKernels(true), common).heapBase()).toBeGreaterThan(0);
    expect(() => instantiate(compileKernels(true), alone)).toThrow('module is');
    expect(() => instantiate(compileKernels(), common)).toThrow('module is');
    expect(() => instantiate({}, alone)).toThrow('expected a WebAssembly.Module');
  });

  test('is another copy of the bytes each time: who writes into it harms nobody', () => {
    kernelBytes().fill(0);
    expect(() => compileKernels()).not.toThrow();
  });
});

describe('where it cannot run', () => {
  const expectRefused = (reason: string): PopeError => {
    const error = thrownBy(() => compileKernels());
    expect(error).toMatchObject({ name: 'PopeError', code: 'no_webassembly', argument: 'backend' });
    expect(error.message).toContain(`the wasm backend cannot run here: ${reason}`);
    expect(thrownBy(() => createWasmBackend()).message).toBe(error.message);
    return error;
  };

  test('there is no WebAssembly', () => {
    vi.stubGlobal('WebAssembly', undefined);
    expectRefused('no WebAssembly');
  });

  test('its instructions are unknown', () => {
    const Module = vi.fn();
    vi.stubGlobal('WebAssembly', { validate: (): boolean => false, Module });
    expectRefused('no SIMD');
    expect(Module).not.toHaveBeenCalled();
  });

  test('a policy forbids to compile, and the error says which', () => {
    const { api, cause } = forbidden();
    vi.stubGlobal('WebAssembly', api);
    const error = expectRefused('WebAssembly is not allowed to compile');
    expect(error.message).toContain("'wasm-unsafe-eval'");
    expect(error.cause).toBe(cause);
  });
});

describe('the default backend', () => {
  /** Another copy of the library, which has not chosen yet. */
  const another = async () => {
    vi.resetModules();
    const { defaultBackend } = await import('../../src/backend/default.js');
    const { tensor: make } = await import('../../src/backend/create.js');
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    return { defaultBackend, make, warn };
  };

  test('is wasm, in silence', async () => {
    const { defaultBackend, make, warn } = await another();
    expect(defaultBackend().name).toBe('wasm');
    expect(make([1, 2]).device.name).toBe('wasm');
    expect(defaultBackend()).toBe(defaultBackend());
    expect(warn).not.toHaveBeenCalled();
  });

  test.each([
    ['there is no WebAssembly', undefined, 'no WebAssembly'],
    ['there is no SIMD', { validate: (): boolean => false }, 'no SIMD'],
    ['a policy forbids it', forbidden().api, 'wasm-unsafe-eval'],
  ])('is js where %s, and says so once', async (_, api, reason) => {
    const { defaultBackend, make, warn } = await another();
    vi.stubGlobal('WebAssembly', api);
    expect(defaultBackend().name).toBe('js');
    expect([...make([1, 2]).dataSync()]).toEqual([1, 2]);
    expect(defaultBackend().name).toBe('js');
    vi.unstubAllGlobals();
    expect(defaultBackend().name).toBe('js'); // chosen once and for all
    expect(warn.mock.calls.map(([message]) => message)).toEqual([expect.stringContaining(reason)]);
    expect(warn.mock.calls[0][0]).toMatch(/^pope-ts: .* Tensors are computed in plain JavaScript/);
  });

  test('is js in silence where there is no console either', async () => {
    const { defaultBackend } = await another();
    vi.stubGlobal('WebAssembly', undefined);
    vi.stubGlobal('console', undefined);
    const { name } = defaultBackend();
    vi.unstubAllGlobals();
    expect(name).toBe('js');
  });
});

describe('more than memory can hold', () => {
  test('is counted, not wrapped around, for the scratch of attention', () => {
    const { Memory } = webAssembly()!;
    const { attentionScratch } = instantiate(compileKernels(), new Memory({ initial: 1, maximum: 1 }));
    const T = 2 ** 15;
    expect(attentionScratch(T, T, 8)).toBeGreaterThanOrEqual(8 * T * T);
    expect(attentionScratch(2 ** 14, 2 ** 14, 8)).toBeGreaterThanOrEqual(2 ** 31);
    expect(attentionScratch(5, 9, 3)).toBeGreaterThanOrEqual(2 * 5 * 16 * 4 + 2 * 3 * 32);
  });

  test('is an error, after which the backend goes on', () => {
    const backend = createWasmBackend({ maxBytes: 2 ** 26 });
    const x = tensor(new Float32Array(2 ** 15), { shape: [2 ** 15, 1], backend });
    const error = thrownBy(() => causalAttention(x, x, x));
    expect(error).toMatchObject({ name: 'PopeError', code: 'out_of_memory', argument: 'maxBytes' });
    expect([...exp(add(tensor([0, 1], { backend }), -1)).dataSync()]).toEqual([Math.fround(Math.exp(-1)), 1]);
  });
});
