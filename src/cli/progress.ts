import type { Sink } from './context.js';

/** A bar on a terminal for work that takes over a second; silent elsewhere. */
export interface Progress {
  /** Begins a piece of work of `total` steps; Infinity where nobody knows how many. */
  start(label: string, total: number): void;
  /** `done` steps of it are done. */
  at(done: number): void;
  /** Takes the bar off the screen. */
  stop(): void;
}

/** Shows nothing. */
export const noProgress: Progress = { start: () => {}, at: () => {}, stop: () => {} };

const WIDTH = 24;
const PATIENCE = 1000;
const PAUSE = 100;

/** @param now milliseconds; a test's own clock. */
export function createProgress(
  stream: Sink,
  { quiet = false, now = Date.now }: { quiet?: boolean; now?: () => number } = {},
): Progress {
  const silent = quiet || stream.isTTY !== true;
  let label = '';
  let total = 0;
  let began = 0;
  let drawn = Number.NEGATIVE_INFINITY;
  const clear = (): void => {
    if (drawn > Number.NEGATIVE_INFINITY) stream.write('\r\u001b[2K');
    drawn = Number.NEGATIVE_INFINITY;
  };
  return {
    start(what, steps) {
      clear();
      [label, total, began] = [what, Math.max(1, steps), now()];
    },
    at(done) {
      const time = now();
      if (silent || time - began < PATIENCE || time - drawn < PAUSE) return;
      drawn = time;
      if (total === Number.POSITIVE_INFINITY) {
        stream.write(`\r\u001b[2K${label} ${done}`);
        return;
      }
      const share = Math.min(1, Math.max(0, done / total));
      const full = Math.round(share * WIDTH);
      const left = share > 0.02 ? `, ${Math.ceil(((time - began) * (1 - share)) / share / 1000)} s left` : '';
      const line = `${label} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${Math.floor(share * 100)}%${left}`;
      stream.write(`\r\u001b[2K${line.slice(0, (stream.columns ?? 80) - 1)}`);
    },
    stop: clear,
  };
}
