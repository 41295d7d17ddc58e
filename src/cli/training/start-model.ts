import type { Command } from 'commander';
import type { Candidates } from '../../data/index.js';
import type { Log } from '../../ope/index.js';
import { PopeError } from '../../util/index.js';
import { type LanguageModel, type ModelOptions, modelOptionNames, newModel } from '../language-model.js';
import { isOverCandidates, readCheckpoint, scoreOptions } from '../policy-folder.js';
import type { StepOptions } from './step-options.js';

export interface StartModel extends LanguageModel {
  readonly isNew: boolean;
  readonly score: { readonly lengthExponent: number; readonly scoreScale: number };
}

/**
 * The model that a fit or a training starts from: that of --init, or a new one.
 * @throws PopeError for options that do not go together, and a checkpoint that cannot be read.
 */
export async function startModel(
  log: Log,
  candidates: Candidates | undefined,
  options: StepOptions & ModelOptions & { readonly seed: number },
  command: Command,
): Promise<StartModel> {
  if (candidates === undefined) {
    for (const name of ['lengthExponent', 'scoreScale'] as const) {
      if (options[name] !== undefined)
        throw alone(command, name, 'belongs to a policy over candidates; expected --candidates FILE beside it');
    }
  }
  const given = {
    ...(options.lengthExponent !== undefined && { lengthExponent: options.lengthExponent }),
    ...(options.scoreScale !== undefined && { scoreScale: options.scoreScale }),
  };
  if (options.init === undefined) {
    return {
      ...newModel(log, candidates, options, options.seed),
      isNew: true,
      score: { lengthExponent: 0, scoreScale: 1, ...given },
    };
  }
  refuseModelOptions(command, '--init');
  const checkpoint = await readCheckpoint(options.init);
  if (candidates === undefined && isOverCandidates(checkpoint)) {
    throw new PopeError(
      `the policy of ${options.init} was trained over candidates; expected --candidates FILE with those of every prompt of the log.`,
      {
        argument: '--candidates',
      },
    );
  }
  const { config, params, tokenizer } = checkpoint;
  return { config, params, tokenizer, isNew: false, score: { ...scoreOptions(checkpoint), ...given } };
}

/** @throws PopeError where an option of a new model was given beside one that is there already. */
export function refuseModelOptions(command: Command, beside: string): void {
  for (const name of modelOptionNames) {
    if (wasGiven(command, name))
      throw alone(command, name, `makes a new model; expected it without ${beside}, whose model is there already`);
  }
}

export const wasGiven = (command: Command, name: string): boolean => command.getOptionValueSource(name) === 'cli';

function alone(command: Command, attribute: string, why: string): PopeError {
  const flag = flagOf(command, attribute);
  return new PopeError(`${flag} ${why}.`, { argument: flag });
}

/** The option as it is typed. */
export const flagOf = (command: Command, attribute: string): string =>
  command.options.find((option) => option.attributeName() === attribute)?.long ?? attribute;

/** What a checkpoint says of its policy, so that `score` and `evaluate` make the same one of it. */
export const policyExtra = (candidates: Candidates | undefined, score: StartModel['score']): Record<string, unknown> =>
  candidates === undefined
    ? {}
    : { policy: 'candidates', length_exponent: score.lengthExponent, score_scale: score.scoreScale };
