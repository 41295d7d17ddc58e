import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { registerDemo } from './commands/demo.js';
import { registerDoctor } from './commands/doctor.js';
import { registerEvaluate } from './commands/evaluate.js';
import { registerExperiment } from './commands/experiment.js';
import { registerFit } from './commands/fit.js';
import { registerGenerate } from './commands/generate.js';
import { registerLint } from './commands/lint.js';
import { registerScore } from './commands/score.js';
import { registerSimulate } from './commands/simulate.js';
import { registerTrain } from './commands/train.js';
import type { Context, Io } from './context.js';
import { errorText, exitCodeOf } from './exit-code.js';

/** Every command, in the order of the help. Each adds itself to the program. */
const commands: readonly ((program: Command, context: Context) => void)[] = [
  registerDemo,
  registerEvaluate,
  registerFit,
  registerTrain,
  registerScore,
  registerGenerate,
  registerLint,
  registerSimulate,
  registerExperiment,
  registerDoctor,
];

/**
 * Runs one command line (without `node` and the script) and returns its exit code: 0 done, 1 failed on the way,
 * 2 bad usage or input, 3 an estimate was refused under --strict. Never throws, never exits.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const context: Context = { io, exitCode: 0 };
  const program = new Command('pope')
    .description('Pluralistic off-policy evaluation and alignment: what would another policy have earned on this log?')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
      outputError: (text, write) => write(text.replace(/^error: /, 'pope: ')),
    });
  for (const register of commands) register(program, context);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) io.stderr.write(errorText(error, argv.includes('--debug')));
    return exitCodeOf(error);
  }
}
