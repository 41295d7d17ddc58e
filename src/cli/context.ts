/** Where a command writes text: a terminal, a pipe, or a test's buffer. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Results go to `stdout`; progress, notes and warnings to `stderr`. */
export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** What commands share with the program: where to write, and the exit code of a run that did not fail. */
export interface Context {
  readonly io: Io;
  /** 0 done; 3 where --strict met a refused estimate. Failures are thrown. */
  exitCode: number;
}
