import { join } from 'node:path';
import type { Command } from 'commander';
import { textTable } from '../../report/index.js';
import { studies } from '../../study/index.js';
import { invalid } from '../../util/index.js';
import type { Context } from '../context.js';
import { abortOnInterrupt } from '../interrupt.js';
import { type CommonOptions, choiceOption, common } from '../options.js';
import { assertOutFolder } from '../out-folder.js';
import { note, printResult } from '../output.js';
import { createProgress } from '../progress.js';
import { runStudy, type StudyResult } from '../study/run-study.js';

interface ExperimentOptions extends CommonOptions {
  readonly size: 'full' | 'quick';
  readonly data: string;
  readonly out: string;
  readonly fresh?: true;
  readonly page?: true;
}

/** Adds `pope experiment`. */
export function registerExperiment(program: Command, context: Context): void {
  const command = program
    .command('experiment')
    .summary('rerun a study of docs/experiments from scratch')
    .description(
      'The studies: whether the estimators and the training do what they say, judged by measures that they were not made with. Writes NAME.json, NAME.md and its figures; goes on where it was cut.',
    )
    .argument('<name>', `a study (${studies.map(({ name }) => name).join(', ')}), or list`)
    .option(
      '--size <size>',
      'full, or quick: smaller cells, to see that it runs',
      choiceOption('--size', ['full', 'quick'] as const),
      'full',
    )
    .option('--data <dir>', 'folder of the data sets', '../shared/data')
    .option('--out <dir>', 'folder of JSON, figures and pages', 'docs/experiments')
    .option('--page', 'write page and figures again from NAME.json, and run nothing')
    .option('--fresh', 'begin anew, whatever an earlier run kept')
    .action((name: string, options: ExperimentOptions) => experimentCommand(name, options, context));
  common(command, [
    'pope experiment list',
    'pope experiment replay',
    'pope experiment estimators --size quick --out /tmp/e',
  ]);
}

async function experimentCommand(name: string, options: ExperimentOptions, context: Context): Promise<void> {
  if (name === 'list') {
    const list = studies.map(({ name, question, needs }) => ({ name, question, needs }));
    printResult(context, options, list, () =>
      textTable(
        ['study', 'data', 'question'].map((header) => ({ header, align: 'left' }) as const),
        list.map((study) => [study.name, study.needs.join(', ') || 'none', study.question]),
      ),
    );
    return;
  }
  const study = studies.find((one) => one.name === name);
  if (study === undefined)
    throw invalid('the study', name, `one of ${studies.map((one) => one.name).join(', ')}, or list`);
  await assertOutFolder(options.out);
  const progress = createProgress(context.io.stderr, { quiet: options.quiet === true });
  const interrupt = abortOnInterrupt();
  const say = (text: string): void => note(context, options, text);
  try {
    const result: StudyResult = await runStudy(study, {
      ...options,
      fresh: options.fresh === true,
      pageOnly: options.page === true,
      signal: interrupt.signal,
      progress,
      say,
    });
    printResult(context, options, result, () =>
      [
        result.sentence,
        ...result.findings.map(({ holds, text }) => `  ${{ yes: '+', no: '-', unclear: '?' }[holds]} ${text}`),
      ].join('\n'),
    );
    say(`wrote ${join(options.out, `${name}.md`)}, its JSON and figures`);
  } finally {
    progress.stop();
    interrupt.release();
  }
}
