import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonlText, jsonText } from '../../data/index.js';
import { readText, writeFileAtomic } from '../../data/node.js';
import { fileOf, type Json, renderPage, type Study, type StudyPage } from '../../study/index.js';
import { PopeError } from '../../util/index.js';
import { version } from '../../version.js';
import { packagedData } from '../packaged-data.js';
import type { Progress } from '../progress.js';
import { dataFolder } from './data-folder.js';
import { storedStudy, writeStudyIndex } from './study-index.js';

export interface RunStudyOptions {
  readonly seed: number;
  readonly size: 'full' | 'quick';
  readonly data: string;
  readonly out: string;
  /** Forgets what an earlier run kept. */
  readonly fresh: boolean;
  /** Writes page and figures again from NAME.json, and runs nothing. */
  readonly pageOnly?: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly say: (text: string) => void;
}

/** What NAME.json holds. */
export interface StudyResult {
  readonly study: string;
  readonly question: string;
  readonly version: string;
  readonly settings: { readonly seed: number; readonly size: 'full' | 'quick'; readonly study_version: number };
  readonly sentence: string;
  readonly findings: StudyPage['findings'];
  readonly records: readonly Json[];
}

/**
 * Runs the cells of a study that no earlier run has kept, then writes NAME.json, its figures and its page. Each cell is
 * kept as it is done, in OUT/.cache, so that a study that was cut goes on where it was.
 * @throws PopeError (code `aborted`) where it was stopped; for data that is not there, naming the folder.
 */
export async function runStudy(study: Study, options: RunStudyOptions): Promise<StudyResult> {
  const { seed, size, out, signal, progress, say } = options;
  if (options.pageOnly) return writeAgain(study, out, size);
  if (size === 'quick') await assertNoFullRun(study.name, out);
  const folder = await dataFolder(options.data, study.needs);
  const settings = { seed, size, study_version: study.version };
  const cells = await study.cells({ seed, size, read: (path) => readData(folder, path), signal });
  // runs of other settings keep theirs
  const cache = join(out, '.cache', `${study.name}-${size}-seed${seed}.jsonl`);
  const kept = options.fresh ? new Map<string, Json>() : await keptRecords(cache, settings);
  const known = cells.filter(({ key }) => kept.has(key)).length;
  if (known > 0) say(`${known} of ${cells.length} cells were kept by an earlier run`);
  progress.start(study.name, cells.length);
  try {
    for (const [i, cell] of cells.entries()) {
      progress.at(i);
      if (!kept.has(cell.key)) {
        const record = await cell.run();
        // what was cut short is no record
        if (signal.aborted) throw stopped(study.name, cells.length, kept.size);
        kept.set(cell.key, record);
        await writeFileAtomic(cache, jsonlText([settings, ...[...kept].map(([key, record]) => ({ key, record }))]));
      }
      // lets Ctrl-C and the bar in
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (signal.aborted) throw stopped(study.name, cells.length, kept.size);
    }
  } finally {
    progress.stop();
  }
  const records = cells.map(({ key }) => kept.get(key)!);
  const page = pageOf(study, records, `${cache}, or what its cells gave,`, 'Begin anew with --fresh.');
  const result: StudyResult = {
    study: study.name,
    question: study.question,
    version,
    settings,
    sentence: page.sentence,
    findings: page.findings,
    records,
  };
  await writePages(study, result, page, out);
  await rm(cache, { force: true });
  return result;
}

/** A quick run is to see that it runs: it never takes the place of what took hours. @throws PopeError where it would. */
async function assertNoFullRun(name: string, out: string): Promise<void> {
  if ((await storedStudy(out, name))?.settings.size !== 'full') return;
  throw new PopeError(
    `--out is ${JSON.stringify(out)}, where ${name}.json is of a full run, which --size quick would overwrite; expected another --out.`,
    { argument: '--out', got: out },
  );
}

/** The page of some records. @throws PopeError where they are not what the study's cells give. */
function pageOf(study: Study, records: readonly Json[], from: string, advice: string): StudyPage {
  try {
    return study.page(records);
  } catch (cause) {
    throw new PopeError(
      `${from} has records that are not those of ${study.name}; expected what \`pope experiment ${study.name}\` writes. ${advice}`,
      { code: 'bad_file', cause },
    );
  }
}

/** The page of a JSON that is there. @throws PopeError where there is none, or it is of another version of the study. */
async function writeAgain(study: Study, out: string, size: 'full' | 'quick'): Promise<StudyResult> {
  const path = join(out, `${study.name}.json`);
  const stored = await storedStudy(out, study.name);
  if (stored === null)
    throw new PopeError(`${path} is not there; expected the JSON of a run.`, { code: 'bad_file', file: path });
  if (size === 'quick' && stored.settings.size === 'full')
    throw new PopeError(`--size is quick, but ${path} is of a full run; expected --page without --size.`, {
      argument: '--size',
      got: size,
    });
  if (stored.settings.study_version !== study.version) {
    throw new PopeError(
      `${path} is of version ${stored.settings.study_version} of the study; expected ${study.version}. Run it anew.`,
      {
        code: 'bad_file',
        file: path,
      },
    );
  }
  const page = pageOf(study, stored.records, path, 'Run it anew.');
  const result = { ...stored, question: study.question, sentence: page.sentence, findings: page.findings };
  await writePages(study, result, page, out);
  return result;
}

async function writePages(study: Study, result: StudyResult, page: StudyPage, out: string): Promise<void> {
  const { seed, size } = result.settings;
  const how = `\`pope experiment ${study.name} --seed ${seed}${size === 'quick' ? ' --size quick' : ''}\`${study.needs.length === 0 ? '' : ` with the data of ${study.needs.join(', ')} below \`--data\``}. ${result.records.length} cells, version ${result.version}.${size === 'quick' ? ' **A quick run: too small to learn from.**' : ''}`;
  await writeFileAtomic(join(out, `${study.name}.json`), `${jsonText(result, 1)}\n`);
  for (const { suffix, svg } of page.figures) await writeFileAtomic(join(out, fileOf(study.name, suffix)), `${svg}\n`);
  await writeFileAtomic(join(out, `${study.name}.md`), renderPage(study, page, how));
  await writeStudyIndex(out);
}

const stopped = (name: string, all: number, done: number): PopeError =>
  new PopeError(`${name} was stopped after ${done} of ${all} cells, which are kept. Run it again to go on.`, {
    code: 'aborted',
  });

/** The records of an earlier run with the same settings. */
async function keptRecords(path: string, settings: unknown): Promise<Map<string, Json>> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  if (lines.length === 0 || lines[0] !== JSON.stringify(settings)) return new Map();
  return new Map(
    lines.slice(1).map((line, i) => {
      try {
        const { key, record } = JSON.parse(line) as { key?: unknown; record?: Json };
        if (typeof key !== 'string' || record === undefined || record === null) throw new Error('no key or no record');
        return [key, record];
      } catch (error) {
        throw new PopeError(
          `${path}, line ${i + 2}, is no cell of an earlier run (${(error as Error).message}); expected {"key", "record"}. Delete the file, or begin anew with --fresh.`,
          { code: 'bad_file', file: path },
        );
      }
    }),
  );
}

/** A file of the data folder, or `package:NAME` of the package's own data. */
async function readData(folder: string, path: string): Promise<string> {
  const name = /^package:(.*)$/.exec(path)?.[1];
  if (name === undefined) return wholeText(join(folder, path));
  return new TextDecoder().decode(await packagedData(name));
}

async function wholeText(path: string): Promise<string> {
  let text = '';
  for await (const chunk of readText(path)) text += chunk;
  return text;
}
