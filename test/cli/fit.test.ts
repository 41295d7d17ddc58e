import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { pope, workFolder } from './harness.js';
import { candidatesText, logText, rawText, rounds, tiny } from './training-log.js';

const { path, write } = workFolder();
const log = write('log.jsonl', logText);
const raw = write('raw.jsonl', rawText);
const candidates = write('candidates.jsonl', candidatesText);
const out = path('pi0');
const argv = ['fit', raw, '--out', out, ...tiny, '--steps', '8', '--folds', '3'];
const files = [
  'config.json',
  'log.jsonl',
  'model.safetensors',
  'result.json',
  'tokenizer.json',
  'train.jsonl',
  'trainer_state.json',
];
const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');
const records = (folder: string) =>
  read(folder, 'log.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('pope fit', () => {
  let ran: Awaited<ReturnType<typeof pope>>;
  beforeAll(async () => {
    ran = await pope(...argv, '--json');
  });

  it('writes the checkpoint, the log with log_propensity, and prints its result', () => {
    expect(ran.code).toBe(0);
    expect(readdirSync(out).toSorted()).toEqual(files);
    expect(ran.stdout).toBe(read(out, 'result.json'));
    expect(JSON.parse(ran.stdout)).toMatchObject({
      log: { rounds: 30, responses: 60, propensity: 'fitted' },
      settings: { folds: 3, steps: 8, seed: 0 },
    });
    expect(read(out, 'train.jsonl').trim().split('\n')).toHaveLength(8);
  });

  it('leaves all else of the log, and labels it fitted', () => {
    const fitted = records(out);
    let total = 0;
    fitted.forEach((round, i) => {
      for (const response of round.responses) {
        expect(response.log_propensity).toBeLessThanOrEqual(0);
        total += response.log_propensity;
      }
      const { propensity_source, ...rest } = round;
      expect(propensity_source).toBe('fitted');
      const strip = (responses: readonly Record<string, unknown>[]) =>
        responses.map(({ log_propensity: _, propensity: __, ...kept }) => kept);
      expect({ ...rest, responses: strip(rest.responses) }).toEqual({
        ...rounds[i],
        responses: strip(rounds[i].responses),
      });
    });
    expect(total / 60).toBeCloseTo(JSON.parse(ran.stdout).mean_log_propensity, 12);
  });

  it('evaluation of that log is labelled fitted, and score, generate and train work on the folder', async () => {
    const fitted = join(out, 'log.jsonl');
    const evaluated = await pope('evaluate', fitted, '--target', `own=${out}`, '--json');
    expect(evaluated.code).toBe(0);
    expect(JSON.parse(evaluated.stdout).log.propensity).toBe('fitted');
    expect(evaluated.stderr).toMatch(/estimated_propensity/);
    expect((await pope('generate', out, '--prompt', 'hot', '--max-tokens', '3')).code).toBe(0);
    const trained = await pope('train', fitted, '--init', out, '--out', path('trained'), '--steps', '2', '--json');
    expect(trained.code).toBe(0);
    expect(JSON.parse(trained.stdout).log.propensity).toBe('fitted');
  });

  it('no round is scored by a model that saw it: the own model of all rounds scores otherwise', async () => {
    const scored = path('scored.jsonl');
    expect((await pope('score', out, join(out, 'log.jsonl'), '--out', scored, '--name', 'own')).code).toBe(0);
    const own = readFileSync(scored, 'utf8')
      .trim()
      .split('\n')
      .flatMap((line) => JSON.parse(line).responses);
    for (const { log_propensity, target_log_prob } of own) expect(log_propensity).not.toBe(target_log_prob.own);
    // one prompt and response has one score for each fold that it falls into, and clusters are never torn
    const scores = new Map<string, Set<number>>();
    const byCluster = new Map<string, Set<number>>();
    for (const { cluster, prompt, responses } of records(out)) {
      for (const { text, log_propensity } of responses) {
        const pair = `${JSON.stringify(prompt)} ${text}`;
        scores.set(pair, (scores.get(pair) ?? new Set()).add(log_propensity));
        byCluster.set(`${cluster} ${pair}`, (byCluster.get(`${cluster} ${pair}`) ?? new Set()).add(log_propensity));
      }
    }
    for (const set of byCluster.values()) expect(set.size).toBe(1);
    for (const set of scores.values()) expect(set.size).toBeLessThanOrEqual(3);
    expect(Math.max(...[...scores.values()].map((set) => set.size))).toBe(3);
  });

  it('the same seed gives the same bytes, and a fitted log may be fitted again', async () => {
    const again = path('again');
    expect((await pope('fit', raw, '--out', again, ...argv.slice(4))).code).toBe(0);
    for (const file of files) expect(read(again, file)).toBe(read(out, file));
    const refit = await pope('fit', join(out, 'log.jsonl'), '--out', path('refit'), ...argv.slice(4), '--quiet');
    expect(refit).toMatchObject({ code: 0, stderr: '' });
    expect(records(path('refit'))).toEqual(records(out));
  });

  it('over candidates each prompt has probabilities that sum to 1', async () => {
    const folder = path('finite');
    const done = await pope(
      'fit',
      raw,
      '--out',
      folder,
      ...tiny,
      '--steps',
      '4',
      '--folds',
      '2',
      '--candidates',
      candidates,
    );
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/60 responses of 30 rounds: mean log-propensity .* cross-fitted in 2 folds/);
    // within one fold the three responses of a prompt come from one model
    const scores = records(folder).flatMap(({ prompt, responses }) =>
      responses.map((r: { text: string; log_propensity: number }) => ({ prompt, ...r })),
    );
    const of = (text: string) => [
      ...new Set(scores.filter((s) => s.prompt === 'hot' && s.text === text).map((s) => Math.exp(s.log_propensity))),
    ];
    const sums = of('tea').flatMap((a) => of('milk').flatMap((b) => of('cola').map((c) => a + b + c)));
    expect(Math.min(...sums.map((s) => Math.abs(s - 1)))).toBeLessThan(1e-6);
  });

  it('--on-error skip leaves bad rounds out of the fitted log', async () => {
    const bad = write('bad.jsonl', `${rawText}{"id":"bad","prompt":"hot","responses":[]}\n`);
    const skipped = await pope(
      'fit',
      bad,
      '--out',
      path('skipped'),
      ...argv.slice(4),
      '--on-error',
      'skip',
      '--json',
      '--quiet',
    );
    expect(skipped).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(skipped.stdout).log).toMatchObject({ rounds: 30, skipped: 1 });
    expect(records(path('skipped'))).toHaveLength(30);
    expect((await pope('fit', bad, '--out', path('stopped'))).code).toBe(2);
  });
});

describe('what pope fit refuses', () => {
  const refused = async (message: RegExp, ...line: string[]) => {
    const ran = await pope('fit', ...line, '--out', path('refused'));
    expect(ran.stderr).toMatch(message);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(existsSync(path('refused'))).toBe(false);
  };
  it('each kind of wrong input, with a sentence', async () => {
    await refused(/has propensities already/, log);
    await refused(/expected a file, since it is read twice/, '-');
    await refused(/missing\.jsonl/, path('missing.jsonl'));
    await refused(/--folds.*at least 2/s, raw, '--folds', '1');
    await refused(/has 10 clusters; expected at least 20/, raw, ...tiny, '--folds', '20');
    await refused(/--steps/, raw, '--steps', '1.5');
    await refused(/--dropout/, raw, '--dropout', '1');
    await refused(/is no folder/, raw, '--init', path('nothing'));
    await refused(/--length-exponent belongs to a policy over candidates/, raw, '--length-exponent', '1');
    await refused(
      /a prompt of the candidates file|one of the \d candidates/,
      raw,
      '--candidates',
      write('few.jsonl', candidatesText.split('\n')[0]),
    );
    const missing = await pope('fit', raw);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/--out/);
  });
});
