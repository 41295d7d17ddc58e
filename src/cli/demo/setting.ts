import { logFromRecords, parseDemo } from '../../data/index.js';
import type { Log } from '../../ope/index.js';
import { type EvaluationRows, evaluationRows, type Signal } from '../../pope/index.js';
import { seededRandom } from '../../random/index.js';
import { type DemoProblem, demoRecords, polisProblem } from '../../study/polis-log.js';
import { packagedData } from '../packaged-data.js';

/** The demo's settings, all in one place. */
export const problemSettings = { slate: 5, skew: 3, heldOutShare: 0.3, namedGroup: 100 };
export const languageSettings = { vocabSize: 384, nLayer: 2, nHead: 4, nEmbd: 64, steps: 300, holdOutEvery: 8 };
export const budget = { sftSteps: 80, steps: 40, batch: 320, promptsPerBatch: 4, learningRate: 4e-3 };
export const signals: readonly Signal[] = [{ name: 'agree', transform: 'identity', weight: 1 }];

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
  const bytes = await packagedData('polis-demo.json');
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
