import { jsonText } from '../data/index.js';
import { warningList } from '../report/index.js';
import type { Context } from './context.js';
import type { CommonOptions } from './options.js';

/** Prints a command's result: JSON alone with --json, else its text. */
export function printResult({ io }: Context, { json }: CommonOptions, result: unknown, text: () => string): void {
  io.stdout.write(json ? `${jsonText(result, 2)}\n` : `${text()}\n`);
}

/** Warnings on standard error, one a line. */
export function printWarnings(
  { io }: Context,
  { quiet }: CommonOptions,
  warnings: readonly { code: string; message: string }[],
): void {
  if (quiet) return;
  for (const line of warningList(warnings)) io.stderr.write(`warning: ${line}\n`);
}

/** A word on standard error about what was done, for people. */
export function note({ io }: Context, { quiet }: CommonOptions, text: string): void {
  if (!quiet) io.stderr.write(`${text}\n`);
}
