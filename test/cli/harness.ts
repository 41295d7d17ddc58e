import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { run } from '../../src/cli/run.js';

/** A folder for the tests of one file, gone when they end. */
export function workFolder(): { path: (name: string) => string; write: (name: string, text: string) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'pope-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    write(name, text) {
      writeFileSync(path(name), text);
      return path(name);
    },
  };
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process. */
export async function pope(...argv: string[]): Promise<Ran> {
  let [stdout, stderr] = ['', ''];
  const code = await run(argv, {
    stdout: { write: (text) => void (stdout += text) },
    stderr: { write: (text) => void (stderr += text) },
  });
  return { code, stdout, stderr };
}

export const jsonl = (records: readonly unknown[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** Weights 2, 0.5, 1, 0 and rewards 1, 0, 1, 1: small enough for pen and paper. */
export const smallLog = [
  {
    id: 'a',
    prompt: 'p',
    responses: [{ text: 'x', propensity: 0.5, target_log_prob: { new: 0 }, feedback: { votes: 1 } }],
  },
  {
    id: 'b',
    prompt: 'p',
    responses: [{ text: 'y', propensity: 1, target_log_prob: { new: Math.log(0.5) }, feedback: { votes: 0 } }],
  },
  {
    id: 'c',
    prompt: 'p',
    responses: [{ text: 'z', propensity: 0.25, target_log_prob: { new: Math.log(0.25) }, feedback: { votes: 1 } }],
  },
  {
    id: 'd',
    prompt: 'p',
    responses: [{ text: 'w', propensity: 0.1, target_log_prob: { new: null }, feedback: { votes: 1 } }],
  },
];
