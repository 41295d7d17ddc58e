import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.js';
import { pope, workFolder } from './harness.js';
import { candidatesText, logText, rawText, rounds, tiny } from './training-log.js';

const { path, write } = workFolder();
const log = write('log.jsonl', logText);
const raw = write('raw.jsonl', rawText);
const candidates = write('candidates.jsonl', candidatesText);
const files = [
  'config.json',
  'model.safetensors',
  'optimizer.safetensors',
  'result.json',
  'tokenizer.json',
  'train.jsonl',
  'trainer_state.json',
];
const bytes = (folder: string, file: string) => readFileSync(join(folder, file));
const json = (folder: string, file = 'result.json') => JSON.parse(bytes(folder, file).toString());
const lines = (folder: string) =>
  bytes(folder, 'train.jsonl')
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const train = (out: string, ...argv: string[]) =>
  pope('train', log, '--out', path(out), '--val-fraction', '0.3', '--batch', '8', ...argv);
const fresh = [...tiny, '--steps', '12', '--log-every', '5'];

/** Presses Ctrl-C some turns of the event loop after the model is there. */
async function interrupted(
  turns: number,
  ...argv: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  const press = (left: number): void => void (left === 0 ? process.emit('SIGINT') : setTimeout(press, 0, left - 1));
  const code = await run(argv, {
    stdout: { write: (text) => void (stdout += text) },
    stderr: {
      write: (text) => {
        stderr += text;
        if (text.startsWith('a new model') || text.startsWith('going on')) press(turns);
      },
    },
  });
  return { code, stdout, stderr };
}

describe('pope train', () => {
  const out = path('whole');
  let ran: Awaited<ReturnType<typeof pope>>;
  beforeAll(async () => {
    ran = await train('whole', ...fresh, '--json');
  });

  it('writes the whole folder and prints its result', () => {
    expect(ran.code).toBe(0);
    expect(readdirSync(out).toSorted()).toEqual(files);
    expect(ran.stdout).toBe(bytes(out, 'result.json').toString());
    expect(json(out)).toMatchObject({
      objective: 'pope',
      log: { train: 21, held_out: 9, skipped: 0, propensity: 'logged' },
      settings: {
        objective: 'pope',
        diversity: 'anchored',
        tau: 1,
        imitate: 12,
        steps: 12,
        seed: 0,
        signals: [{ name: 'up' }],
      },
      stopped: { reason: 'done', phase: 'train', step: 12 },
      held_out: { step: 12 },
    });
    expect(ran.stderr).toMatch(/diversity: anchored.*the default for text/);
    expect(ran.stderr).toMatch(
      /a new model: .* parameters, \d+ char tokens, .* it imitates the log for 12 steps first/,
    );
  });

  it('train.jsonl has a line for every step, held-out figures where they were looked at', () => {
    const records = lines(out);
    expect(records.map(({ phase, step }) => `${phase} ${step}`)).toEqual(
      ['imitate', 'train'].flatMap((phase) => Array.from({ length: 13 }, (_, i) => `${phase} ${i}`)),
    );
    for (const { step, held_out, alarms, objective } of records) {
      expect(held_out !== undefined).toBe([0, 5, 10, 12].includes(step));
      expect(alarms !== undefined).toBe(held_out !== undefined);
      expect(objective === null).toBe(step === 0);
    }
    expect(records[12].held_out).toEqual(records[13].held_out);
    expect(records[12].objective).toBeGreaterThan(records[1].objective);
  });

  it('the evaluation is of held-out rounds alone: that of pope evaluate on them', async () => {
    const { evaluation, held_out } = json(out);
    expect(evaluation.log).toMatchObject({ rounds: 9, propensity: 'logged' });
    expect(evaluation.targets.trained.utility.snips.estimate).toBeCloseTo(held_out.utility, 10);
    expect(evaluation.targets.trained.diagnostics.effective_sample_size).toBeCloseTo(held_out.effective_sample_size, 6);
    // clusters stay whole, and 9 of 30 rounds are three of ten clusters
    const scored = path('scored-by-whole.jsonl');
    expect((await pope('score', out, log, '--out', scored, '--name', 'trained')).code).toBe(0);
    const all = readFileSync(scored, 'utf8').trim().split('\n');
    const clusters = [...new Set(rounds.map(({ cluster }) => cluster))];
    let found = 0;
    for (let a = 0; a < 10; a++) {
      for (let b = a + 1; b < 10; b++) {
        for (let c = b + 1; c < 10; c++) {
          const held = new Set([clusters[a], clusters[b], clusters[c]]);
          let [weight, total] = [0, 0];
          for (const [i, line] of all.entries()) {
            if (!held.has(rounds[i].cluster)) continue;
            for (const r of JSON.parse(line).responses) {
              const rho = Math.exp(r.target_log_prob.trained) / r.propensity;
              weight += rho;
              total += rho * r.feedback.up;
            }
          }
          if (Math.abs(total / weight - held_out.utility) < 1e-9) found++;
        }
      }
    }
    expect(found).toBeGreaterThan(0);
  });

  it('evaluate and generate work on what it wrote', async () => {
    const evaluated = await pope('evaluate', log, '--target', `new=${out}`, '--json', '--quiet');
    expect(evaluated.code).toBe(0);
    expect(JSON.parse(evaluated.stdout).targets.new.verdict.level).toMatch(/supported|weak|refused/);
    const generated = await pope('generate', out, '--prompt', 'hot', '--max-tokens', '4', '--json');
    expect(generated.code).toBe(0);
    expect(JSON.parse(generated.stdout).responses).toHaveLength(1);
  });

  it('the same seed gives the same bytes, another seed others', async () => {
    await train('again', ...fresh);
    for (const file of files) expect(bytes(path('again'), file).equals(bytes(out, file))).toBe(true);
    await train('seeded', ...fresh, '--seed', '5');
    expect(bytes(path('seeded'), 'model.safetensors').equals(bytes(out, 'model.safetensors'))).toBe(false);
  });

  it('--quiet says nothing on standard error', async () => {
    const quiet = await train('quiet', ...fresh, '--objective', 'utility', '--imitate', '1', '--steps', '1', '--quiet');
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
    expect(quiet.stdout).toMatch(/^Training ended after 1 steps\..*held out/);
  });

  it.each([3, 17])(
    'Ctrl-C after %i turns keeps a whole checkpoint, and --resume gives the bytes of the run never stopped',
    async (turns) => {
      const folder = path(`cut-${turns}`);
      const argv = ['train', log, '--out', folder, '--val-fraction', '0.3', '--batch', '8'];
      const cut = await interrupted(turns, ...argv, ...fresh, '--dropout', '0.1', '--json');
      expect(cut.stderr).toMatch(
        /pope: Training was stopped by request after step \d+( \(of the imitation\))?\. The checkpoint in .* is that of step \d+\. Go on with --resume\.\n$/,
      );
      expect(cut).toMatchObject({ code: 1, stdout: '' });
      expect(readdirSync(folder).toSorted()).toEqual(files);
      const phase = turns < 12 ? 'imitate' : 'train';
      expect(json(folder)).toMatchObject({ stopped: { reason: 'aborted', phase }, evaluation: null });
      expect((await pope('generate', folder, '--prompt', 'hot', '--max-tokens', '2')).code).toBe(0);
      const resumed = await pope(...argv, '--resume', '--seed', '0');
      expect(resumed.code).toBe(0);
      if (!existsSync(path('dropped'))) await train('dropped', ...fresh, '--dropout', '0.1');
      for (const file of files) expect(bytes(folder, file).equals(bytes(path('dropped'), file))).toBe(true);
    },
  );

  it('divergence: exit 1 with step and reason, and a checkpoint that works', async () => {
    // a log whose propensities no float32 weight can bear
    const far = write('far.jsonl', logText.replaceAll(/"propensity":[\d.]+/g, '"log_propensity":-200'));
    const folder = path('diverged');
    const diverged = await pope(
      'train',
      far,
      '--out',
      folder,
      '--val-fraction',
      '0',
      ...tiny,
      '--steps',
      '5',
      '--imitate',
      '2',
    );
    expect(diverged.code).toBe(1);
    expect(diverged.stderr).toMatch(
      /pope: Training diverged at step 1: the .* became .* The checkpoint in .* is that of step 0\.\n$/,
    );
    expect(json(folder)).toMatchObject({ stopped: { reason: 'diverged' }, evaluation: null });
    expect((await pope('generate', folder, '--prompt', 'hot', '--max-tokens', '2')).code).toBe(0);
  });

  it('--kl ends a run with exit 0 and says so', async () => {
    const guarded = await train(
      'guarded',
      '--init',
      out,
      '--objective',
      'utility',
      '--steps',
      '40',
      '--lr',
      '0.05',
      '--kl',
      '0.3',
    );
    expect(guarded.code).toBe(0);
    expect(guarded.stderr).toMatch(/Training did not begin: the start has KL\(pi\|\|pi0\) .* above/);
    expect(json(path('guarded')).stopped.reason).toBe('kl_guard');
    expect(json(path('guarded')).evaluation.targets.trained).toBeDefined();
  });

  it('alarms are said, and general text is watched', async () => {
    const text = write('general.txt', 'the weather is hot and cold, the tea is cold');
    const alarmed = await train(
      'alarmed',
      '--init',
      out,
      '--objective',
      'utility',
      '--steps',
      '30',
      '--lr',
      '0.05',
      '--general-text',
      text,
    );
    expect(alarmed.code).toBe(0);
    expect(json(path('alarmed')).held_out.text_loss).toBeGreaterThan(0);
    expect(json(path('alarmed')).alarms.map((a: { code: string }) => a.code)).toContain('general_ability');
    expect(alarmed.stderr).toMatch(/alarm \(general_ability\): the loss of held-out text rose/);
  });

  it.each(['policy-gradient', 'utility', 'diversity', 'sft', 'dpo', 'kto', 'reward-weighted'])(
    'objective %s trains',
    async (objective) => {
      const folder = `objective-${objective}`;
      const done = await train(
        folder,
        '--init',
        out,
        '--objective',
        objective,
        '--steps',
        '2',
        '--diversity',
        'surprisal',
      );
      expect(done.code).toBe(0);
      expect(json(path(folder))).toMatchObject({ objective, settings: { imitate: 0 }, stopped: { reason: 'done' } });
      expect(bytes(path(folder), 'model.safetensors').equals(bytes(out, 'model.safetensors'))).toBe(false);
    },
  );

  it('over candidates with coverage; score and evaluate know what policy it is', async () => {
    const folder = path('finite');
    const done = await train(
      'finite',
      ...fresh,
      '--candidates',
      candidates,
      '--diversity',
      'coverage',
      '--length-exponent',
      '1',
      '--score-scale',
      '4',
      '--prompts-per-batch',
      '1',
    );
    expect(done.code).toBe(0);
    expect(json(folder, 'trainer_state.json').extra).toMatchObject({
      policy: 'candidates',
      length_exponent: 1,
      score_scale: 4,
    });
    const { evaluation, held_out } = json(folder);
    expect(evaluation.targets.trained.utility.snips.estimate).toBeCloseTo(held_out.utility, 6);
    const without = await pope('evaluate', log, '--target', `new=${folder}`);
    expect(without).toMatchObject({ code: 2 });
    expect((await pope('evaluate', log, '--target', `new=${folder}`, '--candidates', candidates, '--quiet')).code).toBe(
      0,
    );
    const on = await train('finite-2', '--init', folder, '--candidates', candidates, '--steps', '1', '--lr', '0.01');
    expect(on.code).toBe(0);
    expect(json(path('finite-2')).settings).toMatchObject({ length_exponent: 1, score_scale: 4 });
  });

  it('a log without propensities is fitted first, and labelled so everywhere', async () => {
    const folder = path('fitted');
    const argv = ['train', raw, '--out', folder, ...tiny, '--steps', '3', '--folds', '2', '--val-fraction', '0.3'];
    const done = await pope(...argv, '--json');
    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(
      /no propensities: fitting the logging policy first, cross-fitted in 2 folds; all that follows is labelled fitted/,
    );
    expect(done.stderr).toMatch(/warning: .*fitted, not logged.*\[estimated_propensity\]/);
    const result = JSON.parse(done.stdout);
    expect(result.log.propensity).toBe('fitted');
    expect(result.evaluation.log.propensity).toBe('fitted');
    expect(result.warnings.filter((w: { code: string }) => w.code === 'estimated_propensity')).toHaveLength(1);
    expect(readFileSync(join(folder, 'log.jsonl'), 'utf8')).toContain('"propensity_source":"fitted"');
    const sft = await pope('train', raw, '--out', path('sft'), ...tiny, '--steps', '3', '--objective', 'sft', '--json');
    expect(sft.code).toBe(0);
    expect(JSON.parse(sft.stdout)).toMatchObject({
      log: { propensity: 'none' },
      evaluation: null,
      held_out: { utility: null, effective_sample_size: null },
    });
    expect(existsSync(join(path('sft'), 'log.jsonl'))).toBe(false);
  });
});

describe('what pope train refuses', () => {
  const refused = async (message: RegExp, ...argv: string[]) => {
    const ran = await train('refused', ...argv);
    expect(ran.stderr).toMatch(message);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(existsSync(path('refused'))).toBe(false);
  };
  const whole = () => path('whole');

  it('options out of their domain', async () => {
    await refused(/--objective.*"best"/s, '--objective', 'best');
    await refused(/--diversity.*"slate"/s, '--diversity', 'slate');
    await refused(/--steps.*at least 1/s, '--steps', '0');
    await refused(/--lr.*above 0/s, '--lr', '0');
    await refused(/--tau/, '--tau', '-1');
    await refused(/--clip/, '--clip', '0');
    await refused(/--beta/, '--beta', 'x');
    await refused(/--val-fraction/, '--val-fraction', '1');
    await refused(/--vocab-size.*at least 257/s, '--vocab-size', '10');
    await refused(/--n-embd is 8; expected a multiple of --n-head, 3/, ...tiny, '--n-head', '3');
  });
  it('options that do not go together', async () => {
    await refused(/--diversity coverage needs.*--candidates/, ...tiny, '--diversity', 'coverage');
    await refused(/--score-scale belongs to a policy over candidates/, ...tiny, '--score-scale', '2');
    await refused(/--n-layer makes a new model; expected it without --init/, '--init', whole(), '--n-layer', '1');
    await refused(
      /kl is given, but there are no held-out rounds/,
      ...tiny,
      '--steps',
      '1',
      '--kl',
      '1',
      '--val-fraction',
      '0',
      '--imitate',
      '0',
    );
    await refused(/trained over candidates; expected --candidates/, '--init', path('finite'));
    await refused(
      /diversity is "none"/,
      ...tiny,
      '--objective',
      'diversity',
      '--diversity',
      'none',
      '--imitate',
      '0',
      '--steps',
      '1',
    );
  });
  it('inputs that are missing or do not fit', async () => {
    await refused(/nothing here|no folder|does not exist|is no folder/, '--init', path('nothing'));
    await refused(/--signal.*"stars"|stars/, ...tiny, '--signal', 'stars');
    await refused(/general\.none/, ...tiny, '--general-text', path('general.none'));
    await refused(/response has \d+ tokens; expected at most/, ...tiny, '--block-size', '4', '--steps', '1');
    const negative = write('negative.jsonl', logText.replaceAll('"up":0', '"up":-1'));
    const ran = await pope('train', negative, '--out', path('refused'), ...tiny, '--steps', '1', '--imitate', '0');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/rewardFloor is 0; expected at most the smallest utility, -1/);
    expect((await pope('train', path('missing.jsonl'), '--out', path('refused'))).code).toBe(2);
    expect((await pope('train', log)).code).toBe(2);
  });
  it('a run to resume that is not there, is done, or differs', async () => {
    await refused(/is no folder/, '--resume');
    const done = await train('whole', '--resume');
    expect(done.stderr).toMatch(/is done: it took its 12 steps.*--init/);
    expect(done.code).toBe(2);
    const other = await pope('train', raw, '--out', path('cut-3'), '--resume');
    expect(other.code).toBe(2);
  });
  it('another option, input or model than the run to resume has', async () => {
    const folder = path('open');
    const argv = ['train', log, '--out', folder];
    expect((await interrupted(2, ...argv, ...fresh)).code).toBe(1);
    for (const [more, message] of [
      [['--steps', '13'], /--steps is 13, and the run to resume has 12; expected the same, or no --steps/],
      [['--n-layer', '2'], /--n-layer makes a new model; expected it without --resume/],
      [['--candidates', candidates], /the file of --candidates is not that of the run to resume/],
    ] as const) {
      const ran = await pope(...argv, '--resume', ...more);
      expect(ran.stderr).toMatch(message);
      expect(ran.code).toBe(2);
    }
    const other = await pope('train', raw, '--out', folder, '--resume');
    expect(other.stderr).toMatch(/the log is not that of the run to resume/);
    expect(other.code).toBe(2);
  });
});

describe('a log whose signals nobody chose', () => {
  it('can be imitated, and diversity raised, without a utility', async () => {
    for (const objective of ['sft', 'diversity']) {
      const file = path(`two-signals-${objective}.jsonl`);
      writeFileSync(
        file,
        Array.from({ length: 40 }, (_, i) =>
          JSON.stringify({
            prompt: `q${i % 2}`,
            responses: [
              {
                text: i % 3 === 0 ? 'no' : 'yes',
                propensity: i % 3 === 0 ? 1 / 3 : 2 / 3,
                feedback: { up: 1, down: 0 },
              },
            ],
          }),
        ).join('\n'),
      );
      const out = path(`two-signals-${objective}`);
      const { code, stderr } = await pope(
        'train',
        file,
        '--out',
        out,
        '--objective',
        objective,
        '--steps',
        '2',
        '--tokenizer',
        'byte',
        '--n-layer',
        '1',
        '--n-embd',
        '8',
        '--n-head',
        '2',
        '--imitate',
        '1',
      );
      expect(stderr).not.toMatch(/NaN/);
      expect(code).toBe(0);
    }
  });
});
