import { CommanderError } from 'commander';
import { PopeError } from '../util/index.js';

/** Exit codes of every command (interface.md section 2). */
export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3 } as const;

/** System errors that say the machine failed, not that the user asked for something wrong. */
const MACHINE = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG', 'EMFILE', 'ENFILE', 'ENOMEM', 'EROFS']);
/** Codes of our errors that mean a run went wrong on the way. */
const ON_THE_WAY = new Set(['failed', 'diverged', 'aborted']);

/** The exit code of what a command threw: 2 for bad usage or input, 1 for what failed on the way, 0 for --help. */
export function exitCodeOf(error: unknown): number {
  // Help and version that were asked for come as an error with exit code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (!(error instanceof PopeError)) return exitCodes.failed;
  if (ON_THE_WAY.has(error.code ?? '')) return exitCodes.failed;
  const system = (error.cause as { code?: unknown } | undefined)?.code;
  return typeof system === 'string' && MACHINE.has(system) ? exitCodes.failed : exitCodes.usage;
}

/** What standard error is told about it: one sentence (a list where the log has many faults); the stack on request. */
export function errorText(error: unknown, debug: boolean): string {
  const known = error instanceof PopeError;
  const message = error instanceof Error ? error.message : String(error);
  const sentence = known
    ? message
    : `an unexpected error: ${message || 'unknown'}. Run again with --debug for the stack.`;
  const stack = debug && error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : '';
  return `pope: ${sentence}${stack}\n`;
}
