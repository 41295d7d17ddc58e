import { stat } from 'node:fs/promises';
import { attachTarget, type Candidates } from '../data/index.js';
import { readTargetLogProbs } from '../data/node.js';
import type { Log } from '../ope/index.js';
import type { ScoredPolicy } from '../pope/index.js';
import { invalid, PopeError } from '../util/index.js';
import { splitPair } from './options.js';
import { isFolder, loadPolicy, scorePolicy } from './policy-folder.js';
import { noProgress, type Progress } from './progress.js';

/** One --target NAME=PATH. */
export interface TargetOption {
  readonly name: string;
  readonly path: string;
}

/** @throws PopeError unless it is NAME=PATH. */
export function targetOption(text: string): TargetOption {
  const [name, path] = splitPair(
    '--target',
    text,
    'NAME=PATH, with a checkpoint folder or a JSONL file of {"id", "log_probs"}',
  );
  return { name, path };
}

/**
 * The log with the recorded targets attached, and the checkpoints' scores of its responses.
 * @throws PopeError for a name given twice or already in the log, a path that is not there, a file or checkpoint that does not fit.
 */
export async function readTargets(
  log: Log,
  given: readonly TargetOption[],
  { candidates, progress }: { readonly candidates: Candidates | undefined; readonly progress: Progress },
): Promise<{ log: Log; scored: Record<string, ScoredPolicy> }> {
  const names = new Set(log.targetLogProb.keys());
  for (const { name } of given) {
    if (names.has(name)) throw invalid('--target', name, 'a name that no other target has, in the log or given');
    names.add(name);
  }
  // All are found before the first is scored, which may take long.
  for (const { name, path } of given) {
    if ((await stat(path).catch(() => null)) === null) {
      throw new PopeError(
        `--target ${name}=${path}: ${path} does not exist; expected a checkpoint folder or a JSONL file.`,
        { argument: '--target' },
      );
    }
  }
  let whole = log;
  const scored: Record<string, ScoredPolicy> = {};
  for (const { name, path } of given) {
    if (await isFolder(path))
      scored[name] = await scorePolicy(await loadPolicy(path, candidates), log, { label: `scoring ${name}`, progress });
    else whole = attachTarget(whole, name, await readTargetLogProbs(path));
  }
  return { log: whole, scored };
}

/**
 * A function that scores one part of a log by every checkpoint given; the checkpoints are read once.
 * @throws PopeError for a name given twice, and for a file of log-probabilities, which is read whole.
 */
export async function partScorer(
  given: readonly TargetOption[],
  candidates: Candidates | undefined,
): Promise<(part: Log) => Promise<Record<string, ScoredPolicy>>> {
  const policies = new Map<string, Awaited<ReturnType<typeof loadPolicy>>>();
  for (const { name, path } of given) {
    if (policies.has(name)) throw invalid('--target', name, 'a name that no other target has');
    if (!(await isFolder(path))) {
      throw new PopeError(
        `--target ${name}=${path}: ${path} is no checkpoint folder; expected one with --stream, or the target's log-probabilities inside the log.`,
        { argument: '--target' },
      );
    }
    policies.set(name, await loadPolicy(path, candidates));
  }
  return async (part) => {
    const own = [...policies.keys()].find((name) => part.targetLogProb.has(name));
    if (own !== undefined) throw invalid('--target', own, 'a name that no target of the log has');
    const scored: Record<string, ScoredPolicy> = {};
    for (const [name, policy] of policies)
      scored[name] = await scorePolicy(policy, part, { label: '', progress: noProgress });
    return scored;
  };
}
