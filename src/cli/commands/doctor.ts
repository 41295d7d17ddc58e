import type { Command } from 'commander';
import { type Backend, defaultBackend, jsBackend } from '../../backend/index.js';
import { createWasmBackend } from '../../backend/wasm/index.js';
import { formatBytes, formatNumber, textTable } from '../../report/index.js';
import { version } from '../../version.js';
import { layerTime, openGpu, PRODUCTS } from '../backend-option.js';
import type { Context } from '../context.js';
import { describeMachine, type Machine } from '../doctor/machine.js';
import { matmulSpeed } from '../doctor/matmul-speed.js';
import { runSelfChecks, type SelfCheck, type SelfCheckResult, selfChecks } from '../doctor/self-checks.js';
import { exitCodes } from '../exit-code.js';
import { type CommonOptions, common } from '../options.js';
import { printResult } from '../output.js';

interface BackendResult {
  readonly name: string;
  readonly available: boolean;
  readonly default: boolean;
  /** Measured just now, 256 x 256 x 256; null where there is nothing to measure. */
  readonly matmul_gflops: { readonly float32: number; readonly float64: number | null } | null;
  /** Why it is not available. */
  readonly reason?: string;
  /** What a GPU calls itself. */
  readonly adapter?: string;
}

interface DoctorResult {
  readonly version: string;
  readonly ok: boolean;
  readonly machine: Machine;
  readonly backends: readonly BackendResult[];
  readonly self_checks: readonly SelfCheckResult[];
}

/** Adds `pope doctor`. @param checks a test's own. */
export function registerDoctor(program: Command, context: Context, checks: readonly SelfCheck[] = selfChecks): void {
  const command = program
    .command('doctor')
    .summary('check this installation and measure what it reaches')
    .description(
      'Prints versions, the backends found and what each reaches here (measured for about a second), what the machine offers, and runs self-checks. Exit code 1 where a self-check fails.',
    )
    .action((options: CommonOptions) => doctorCommand(options, context, checks));
  common(command, ['pope doctor', 'pope doctor --json']);
}

async function doctorCommand(options: CommonOptions, context: Context, checks: readonly SelfCheck[]): Promise<void> {
  const results = runSelfChecks(checks);
  const ok = results.every((check) => check.ok);
  const result = {
    version,
    ok,
    machine: await describeMachine(),
    backends: [...backends(), await gpu()],
    self_checks: results,
  };
  printResult(context, options, result, () => doctorText(result));
  if (!ok) context.exitCode = exitCodes.failed;
}

const missing = (name: string, reason: string): BackendResult => ({
  name,
  available: false,
  default: false,
  matmul_gflops: null,
  reason,
});

function backends(): BackendResult[] {
  const measured = (backend: Backend): BackendResult => ({
    name: backend.name,
    available: true,
    default: backend.name === defaultBackend().name,
    matmul_gflops: {
      float32: matmulSpeed('float32', { backend, milliseconds: 300 }).gflops,
      float64: matmulSpeed('float64', { backend, milliseconds: 200 }).gflops,
    },
  });
  const wasm = (): BackendResult => {
    try {
      return measured(createWasmBackend());
    } catch (error) {
      return missing('wasm', error instanceof Error ? error.message : String(error));
    }
  };
  return [wasm(), measured(jsBackend)];
}

/** The gpu backend as it is found: a software renderer is called by its name. */
async function gpu(): Promise<BackendResult> {
  const size = 256;
  try {
    const backend = await openGpu();
    const milliseconds = await layerTime(backend, { rows: size, width: size });
    await backend.destroy();
    return {
      name: 'gpu',
      available: true,
      default: false,
      matmul_gflops: { float32: (PRODUCTS * 2 * size ** 3) / milliseconds / 1e6, float64: null },
      adapter: `${backend.api}, ${backend.adapter}`,
    };
  } catch (error) {
    return missing('gpu', error instanceof Error ? error.message : String(error));
  }
}

function doctorText({ version: own, ok, machine, backends: found, self_checks: checks }: DoctorResult): string {
  const { memory, working_folder: folder } = machine;
  const yes = (there: boolean): string => (there ? 'yes' : 'no');
  const facts: [string, string][] = [
    ['pope-ts', own],
    ['node', `${machine.node} (v8 ${machine.v8}), ${machine.platform}`],
    ['processor', `${machine.cpu}, ${machine.threads} threads`],
    [
      'memory',
      `${formatBytes(memory.total)}, ${formatBytes(memory.free)} free; heap limit ${formatBytes(memory.heap_limit)}`,
    ],
    ['workers', yes(machine.workers)],
    ['SharedArrayBuffer', yes(machine.shared_array_buffer)],
    ['WebAssembly', `${yes(machine.webassembly)}, SIMD ${yes(machine.webassembly_simd)}`],
    [
      'working folder',
      `${folder.writable ? 'writable' : 'not writable'}, ${folder.free === null ? 'free space unknown' : `${formatBytes(folder.free)} free`}`,
    ],
    ['data of the demo', yes(machine.demo_data)],
  ];
  const right = (header: string) => ({ header, align: 'right' as const });
  const speeds = found.map(({ name, default: first, matmul_gflops: speed, reason, adapter }) => [
    name,
    first ? 'default' : (adapter ?? (reason === undefined ? '' : 'not available')),
    speed?.float32,
    speed?.float64 ?? undefined,
  ]);
  const tests = checks.map(({ name, ok: passed, error, limit, failure }) => [
    name,
    passed ? 'ok' : 'FAILED',
    failure ?? (error === null ? 'not finite' : error.toExponential(1)),
    limit.toExponential(0),
  ]);
  const failed = checks.filter((check) => !check.ok).length;
  return [
    textTable(['here', ''], facts),
    textTable(['backend', '', right('float32'), right('float64')], speeds) +
      '\n(GFLOP/s of a 256 x 256 x 256 product, measured now)' +
      found.map(({ name, reason }) => (reason === undefined ? '' : `\n${name}: ${reason}`)).join(''),
    textTable(['self-check', '', right('error'), right('limit')], tests),
    ok
      ? 'All self-checks passed.'
      : `${formatNumber(failed)} of ${checks.length} self-checks FAILED: do not trust a number of this installation.`,
  ].join('\n\n');
}
