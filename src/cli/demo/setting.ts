import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { logFromRecords, parseDemo } from '../../data/index.js';
import type { Log } from '../../ope/index.js';
import { type EvaluationRows, evaluationRows, type Signal } from '../../pope/index.js';
import { seededRandom } from '../../random/index.js';
import { type DemoProblem, demoRecords, polisProblem } from '../../study/polis-log.js';
import { PopeError } from '../../util/index.js';

/** The demo's settings, all in one place. */
export const problemSettings = { slate: 5, skew: 3, heldOutShare: 0.3, namedGroup: 100 };
export const languageSettings = { vocabSize: 384, nLayer: 2, nHead: 4, nEmbd: 64, steps: 300, holdOutEvery: 8 };
export const budget = { sftSteps: 80, steps: 40, batch: 320, promptsPerBatch: 4, learningRate: 4e-3 };
export const signals: readonly Signal[] = [{ name: 'agree', transform: 'identity', weight: 1 }];

/** From src/cli/demo and from dist/cli alike: the package's data folder. */
const dataFiles = ['../../data/polis-demo.json', '../../../data/polis-demo.json'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** One half of the participants' rounds: as records to write, as columns, and as rows to evaluate. */
export interface DemoPart {
  readonly records: readonly Record<string, unknown>[];
  readonly log: Log;
  readonly rows: EvaluationRows;
}

export interface DemoSetting {
  readonly bytes: Uint8Array;
  readonly problem: DemoProblem;
  readonly train: DemoPart;
  readonly heldOut: DemoPart;
}

/** Reads the votes and draws the log: the same for the same seed, in whatever thread. */
export async function demoSetting(seed: number): Promise<DemoSetting> {
  const bytes = await readFirst(dataFiles);
  const problem = polisProblem(
    parseDemo(JSON.parse(new TextDecoder().decode(bytes))),
    problemSettings,
    seededRandom(seed),
  );
  const part = (heldOut: boolean): DemoPart => {
    const records = demoRecords(problem.rounds.filter((round) => round.heldOut === heldOut));
    const log = logFromRecords(records, { candidates: problem.candidates });
    return { records, log, rows: evaluationRows(log, signals) };
  };
  return { bytes, problem, train: part(false), heldOut: part(true) };
}

async function readFirst(paths: readonly string[]): Promise<Uint8Array> {
  for (const path of paths) {
    const bytes = await readFile(path).catch(() => null);
    if (bytes !== null) return bytes;
  }
  throw new PopeError(`${paths[0]} cannot be read; expected the demo's data beside the installed package.`, {
    code: 'bad_file',
  });
}
