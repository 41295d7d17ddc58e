import type { Command } from 'commander';
import { invalid } from '../util/index.js';

/** Options that every command has. */
export interface CommonOptions {
  readonly seed: number;
  readonly json?: true;
  readonly quiet?: true;
  readonly debug?: true;
}

/** Adds --seed, --json, --quiet and --debug, and the examples under the help. */
export function common(command: Command, examples: readonly string[]): Command {
  return command
    .option('--seed <n>', 'seed: the same seed, inputs and version give the same bytes', integerOption('--seed', 0), 0)
    .option('--json', 'print the result as JSON, and nothing else, on standard output')
    .option('--quiet', 'no progress and no warnings on standard error')
    .option('--debug', 'print the stack of an error')
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`);
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Reads a finite number in [min, max]; `above` shuts out `min` itself. @throws PopeError naming the option. */
export function numberOption(name: string, min = -Infinity, max = Infinity, { above = false, below = false } = {}) {
  const low = min === -Infinity ? '' : above ? ` above ${min}` : ` of at least ${min}`;
  const high = max === Infinity ? '' : below ? ` below ${max}` : ` at most ${max}`;
  const expected = `a number${low}${low !== '' && high !== '' ? ' and' : ''}${high}`;
  return (text: string): number => {
    const value = NUMBER.test(text.trim()) ? Number(text) : Number.NaN;
    const outside = above ? value <= min : value < min;
    if (!Number.isFinite(value) || outside || (below ? value >= max : value > max)) throw invalid(name, text, expected);
    return value;
  };
}

/** Reads an integer of at least `min`. @throws PopeError naming the option. */
export function integerOption(name: string, min: number, max = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = NUMBER.test(text.trim()) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw invalid(
        name,
        text,
        max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`,
      );
    }
    return value;
  };
}

/** Reads one of a few words. @throws PopeError naming the choices. */
export function choiceOption<T extends string>(name: string, choices: readonly T[]) {
  return (text: string): T => {
    if (!(choices as readonly string[]).includes(text)) throw invalid(name, text, `one of ${choices.join(', ')}`);
    return text as T;
  };
}

/** Reads a list with commas, each of the given words once; `all` stands for undefined. @throws PopeError naming the choices. */
export function listOption<T extends string>(name: string, choices: readonly T[]) {
  const read = choiceOption(name, choices);
  return (text: string): T[] | undefined =>
    text.trim() === 'all' ? undefined : [...new Set(text.split(',').map((part) => read(part.trim())))];
}

/** Reads LO,HI with LO < HI. @throws PopeError naming the option. */
export function rangeOption(name: string) {
  return (text: string): [number, number] => {
    const parts = text.split(',').map((part) => (NUMBER.test(part.trim()) ? Number(part) : Number.NaN));
    const [low, high] = parts;
    if (parts.length !== 2 || !Number.isFinite(low) || !Number.isFinite(high) || low >= high) {
      throw invalid(name, text, 'two numbers LO,HI with LO below HI');
    }
    return [low, high];
  };
}

/** Reads T1,T2,... with each above 0 and at most 1, or the word fit. @throws PopeError. */
export function positionBiasOption(text: string): readonly number[] | 'fit' {
  if (text === 'fit') return 'fit';
  return text.split(',').map(numberOption('--position-bias', 0, 1, { above: true }));
}

/** Splits NAME=VALUE at the first sign. @throws PopeError naming the option. */
export function splitPair(option: string, text: string, form: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0 || at === text.length - 1) throw invalid(option, text, form);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Gathers a repeatable option. */
export function repeat<T>(read: (text: string) => T) {
  return (text: string, before: readonly T[] | undefined): T[] => [...(before ?? []), read(text)];
}
