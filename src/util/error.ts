/** What an error of ours knows beside its sentence: which argument was wrong, what it was, what it should have been. */
export interface ErrorDetails {
  readonly argument?: string;
  readonly got?: unknown;
  readonly expected?: string;
  /** Where in a file, for errors about files. */
  readonly file?: string;
  readonly line?: number;
  /** A stable name for programs that react to one kind of error. */
  readonly code?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of the library. Its message is one clear sentence;
 * the parts of the sentence are also there as fields, for programs.
 */
export class PopeError extends Error {
  readonly argument: string | undefined;
  readonly got: unknown;
  readonly expected: string | undefined;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly code: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PopeError';
    this.argument = details.argument;
    this.got = details.got;
    this.expected = details.expected;
    this.file = details.file;
    this.line = details.line;
    this.code = details.code;
  }
}

/** Shows a value inside an error sentence: short, and unambiguous about its type. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 60 ? `${JSON.stringify(value.slice(0, 57))}...` : JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined)
    return String(value);
  if (Array.isArray(value)) {
    return value.length > 8 ? `[${value.slice(0, 8).map(show).join(', ')}, ...]` : `[${value.map(show).join(', ')}]`;
  }
  if (typeof value === 'function') return 'a function';
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  return 'an object';
}

/** Builds the usual sentence: "argument is X; expected Y". */
export function invalid(argument: string, got: unknown, expected: string, hint = ''): PopeError {
  return new PopeError(`${argument} is ${show(got)}; expected ${expected}.${hint === '' ? '' : ` ${hint}`}`, {
    argument,
    got,
    expected,
  });
}
